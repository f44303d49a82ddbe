/* Minutes of load: latency, temperature and clocks over the same time, below each other, with the lasting steps. */
"use strict";
edgeperf.section("courses", function (root, data) {
  const {axisOf, chart, color, el, hue, legendOf, longText, significant} = edgeperf;
  const PANEL = 130, GAP = 56, TOP = 8;

  /* What the panels' own axes do not say: the clocks apart, and the steps. */
  function named(run) {
    const several = run.panels.filter((panel) => panel.lines.length > 1).flatMap((panel) => panel.lines.map((one) => one.name));
    return [...new Set([...several, ...run.steps.map((step) => (step.throttling ? "throttling" : "step"))])];
  }

  function option(run) {
    const times = {log: false}, number = run.panels.length;
    const grids = [], xAxes = [], yAxes = [], series = [];
    let line = 0;
    run.panels.forEach((panel, at) => {
      const last = at === number - 1;
      const values = panel.lines.flatMap((one) => one.values);
      grids.push({left: 8, right: 20, top: TOP + 20 + at * (PANEL + GAP), height: PANEL, containLabel: true});
      xAxes.push(axisOf(times, [0, ...run.at_s], {gridIndex: at, name: last ? "seconds of load" : "", nameLocation: "middle", nameGap: 28}));
      const axis = axisOf({log: false}, values, {gridIndex: at, name: panel.label, nameLocation: "end",
        nameTextStyle: {align: "left"}});
      yAxes.push(axis);
      for (const one of panel.lines) {
        series.push({type: "line", name: one.name, xAxisIndex: at, yAxisIndex: at, symbol: "none",
          data: run.at_s.map((second, position) => [second, one.values[position]]), itemStyle: {color: hue(line)},
          lineStyle: {width: 2, color: hue(line), type: line % 2 ? [6, 3] : "solid"}});
        line += 1;
      }
      for (const step of run.steps) series.push({type: "line", name: step.throttling ? "throttling" : "step", silent: true,
        xAxisIndex: at, yAxisIndex: at, symbol: "none", data: [[step.at_s, axis.min], [step.at_s, axis.max]], tooltip: {show: false},
        itemStyle: {color: color(step.throttling ? "bad" : "faint")},
        lineStyle: {width: 1.5, type: [3, 3], color: color(step.throttling ? "bad" : "faint")}});
    });
    return {
      legend: legendOf(named(run).map((name) => ({name})), 1),
      tooltip: {trigger: "axis", formatter: (items) => items.filter((item) => item.seriesName !== "step" && item.seriesName !== "throttling")
        .map((item, at) => (at ? "" : significant(item.value[0]) + " s\n") + item.seriesName + " " + significant(item.value[1])).join("\n")},
      axisPointer: {link: [{xAxisIndex: "all"}]},
      grid: grids, xAxis: xAxes, yAxis: yAxes, series,
    };
  }

  for (const course of data.courses) {
    const place = el("article", {class: "study"}, el("h3", {}, course.of ? [longText(course.of), ": "] : null,
      edgeperf.link(course)));
    root.append(place);
    course.runs.forEach((run, at) => {
      const title = course.runs.length > 1 ? "Run " + (at + 1) + " of " + course.runs.length : "One run";
      chart(place, {title, description: run.alt, height: TOP + run.panels.length * (PANEL + GAP), option: () => option(run),
        table: {head: ["seconds", ...run.panels.flatMap((panel) => panel.lines.map((one) => one.name))],
          rows: run.at_s.map((second, position) => [significant(second),
            ...run.panels.flatMap((panel) => panel.lines.map((one) => significant(one.values[position])))])}});
      if (run.remarks.length) place.append(el("ul", {}, run.remarks.map((remark) =>
        el("li", {class: remark.warns ? "warns" : null}, remark.warns ? "! " : "", longText(remark.text)))));
    });
  }
});
