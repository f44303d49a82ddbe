/* What a benchmark opens to: sentences, runs, samples, phases, accuracy, pairs, metrics, each run's quality. */
"use strict";
(function () {
  const {append, badge, chart, color, copyButton, el, longText, moment, percent, quantity, significant, table} = edgeperf;
  /* Places in a run's row, before its order statistics. */
  const SESSION = 0, TIME = 1, DISTURBED = 2, SAMPLES = 3, FIRST = 4;

  /* Change and interval on a scale that all rows share, with the tolerance as a band. */
  edgeperf.intervalBar = (shown, range) => {
    if (shown.ratio === undefined && !shown.ends) return el("span", {class: "bar none"});
    const place = (value) => 50 + 50 * Math.max(-1, Math.min(1, value / range));
    const part = (name, from, to) => {
      const made = el("span", {class: name});
      made.style.left = from + "%";
      if (to !== undefined) made.style.width = Math.max(to - from, 0.6) + "%";
      return made;
    };
    const [low, high] = shown.ends || [shown.ratio, shown.ratio];
    const bar = el("span", {class: "bar", "aria-hidden": "true"});
    if (shown.tolerance) bar.append(part("band", place(-shown.tolerance), place(shown.tolerance)));
    bar.append(part("zero", 50));
    bar.append(part("span" + (low < -range ? " cut-low" : "") + (high > range ? " cut-high" : ""), place(low), place(high)));
    if (shown.ratio !== undefined) bar.append(part("dot", place(shown.ratio)));
    return bar;
  };

  edgeperf.openBenchmark = (body, benchmark, data) => {
    append(body, [
      el("div", {class: "identity"}, longText(benchmark.id),
        el("span", {class: "buttons"},
          copyButton(benchmark.id, "Copy the name of the benchmark"),
          el("a", {href: "#" + benchmark.anchor}, "Link to this benchmark"))),
      benchmark.sentences ? el("ul", {class: "sentences"}, benchmark.sentences.map((line) => el("li", {}, longText(line)))) : null,
    ]);
    const charts = el("div", {class: "charts"});
    body.append(charts);
    const sides = [{name: data.sides[0], runs: benchmark.base || [], key: "base"},
      {name: data.sides[1], runs: benchmark.now || [], key: "now"}].filter((side) => side.runs.length);
    const at = (statistic) => FIRST + data.order.indexOf(statistic);
    if (sides.length) runsChart(charts, benchmark, sides, data, at);
    if (sides.some((side) => side.runs.some((run) => run[SAMPLES] > 1))) samplesChart(charts, benchmark, sides, data.order, at);
    if (benchmark.pairs) pairsChart(charts, benchmark, data);
    if (benchmark.phases) phasesChart(charts, benchmark, data);
    for (const accuracy of benchmark.accuracies || []) accuracyChart(charts, accuracy, data);
    for (const other of benchmark.others || []) otherChart(charts, other, data);
    if (benchmark.metrics) metricsTable(body, benchmark, data);
    if (sides.length) runsTable(body, benchmark, sides, data, at);
  };

  const median = (values) => {
    const sorted = values.filter((value) => typeof value === "number").sort((a, b) => a - b);
    const half = sorted.length >> 1;
    return !sorted.length ? null : sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  };
  const good = (runs) => {
    const kept = runs.filter((run) => !run[DISTURBED]);
    return kept.length ? kept : runs;
  };
  const began = (run, data) => {
    const session = data.sessions[run[SESSION]];
    return moment(session && session.began !== null && run[TIME] !== null ? session.began + run[TIME] : null);
  };
  const SHAPES = {base: "circle", now: "triangle"};
  const line = (key) => color(key + "-line");

  /* Vertical intervals, which no series of the library has: [x, low, high]. */
  function whiskers(name, values, stroke, dashed) {
    return {
      name, type: "custom", data: values, silent: true, z: 1, clip: true, tooltip: {show: false}, itemStyle: {color: stroke},
      encode: {x: 0, y: [1, 2]},
      renderItem: (parameters, api) => {
        const low = api.coord([api.value(0), api.value(1)]), high = api.coord([api.value(0), api.value(2)]);
        const style = {stroke, lineWidth: 2, fill: null, opacity: 0.75, lineDash: dashed ? [3, 3] : null};
        const bar = (y) => ({type: "line", shape: {x1: low[0] - 4, x2: low[0] + 4, y1: y, y2: y}, style});
        return {type: "group", children: [
          {type: "line", shape: {x1: low[0], y1: low[1], x2: high[0], y2: high[1]}, style}, bar(low[1]), bar(high[1])]};
      },
    };
  }

  /* The ends of the axis: all medians, and as much of the bars as leaves the medians apart from each other. */
  function limits(sides) {
    const points = sides.flatMap((side) => side.points).filter((point) => typeof point.value === "number");
    const middles = points.map((point) => point.value);
    const low = Math.min(...middles), high = Math.max(...middles);
    const room = 4 * Math.max(high - low, 0.03 * Math.abs(high), 1e-12);
    const least = Math.max(low - room, Math.min(low, ...points.map((point) => point.low ?? low)));
    const most = Math.min(high + room, Math.max(high, ...points.map((point) => point.high ?? high)));
    const edge = 0.06 * (most - least || Math.abs(high) || 1);
    return {min: least - edge, max: most + edge, cut: points.some((point) => (point.high ?? high) > most || (point.low ?? low) < least)};
  }

  /* Dots of both sides one beside the other: sides[].points is a list of {value, low, high, disturbed, about}. */
  function dots(sides, unit) {
    const series = [];
    let x = 0;
    const ticks = [];
    for (const side of sides) {
      const from = x + 1;
      const placed = side.points.map((point) => ({...point, x: ++x}));
      const calm = placed.filter((point) => !point.disturbed && typeof point.value === "number");
      const others = placed.filter((point) => point.disturbed && typeof point.value === "number");
      const stroke = line(side.key);
      const ranged = (points) => points.filter((point) => point.low !== null && point.high !== null)
        .map((point) => [point.x, point.low, point.high]);
      const about = (points) => points.map((point) => ({value: [point.x, point.value], about: point.about}));
      const middle = median(calm.map((point) => point.value));
      series.push(whiskers(side.name, ranged(calm), stroke, false));
      series.push({name: side.name, type: "scatter", symbol: SHAPES[side.key], symbolSize: 11, data: about(calm), z: 3,
        itemStyle: {color: stroke},
        markLine: middle === null ? undefined : {symbol: "none", silent: true, label: {show: false},
          lineStyle: {color: stroke, type: side.key === "base" ? "dashed" : "solid", width: 1.5},
          data: [[{coord: [from - 0.5, middle]}, {coord: [x + 0.5, middle]}]]}});
      if (others.length) {
        series.push(whiskers(side.name + ", disturbed", ranged(others), stroke, true));
        series.push({name: side.name + ", disturbed", type: "scatter", symbol: "emptyDiamond", symbolSize: 11, z: 3,
          data: about(others), itemStyle: {color: stroke}});
      }
      ticks.push({from, to: x, name: side.name});
      x += 1;
    }
    const icons = new Map(series.filter((one) => one.type === "scatter").map((one) => [one.name, one.symbol]));
    return {
      legend: {data: [...icons].map(([name, icon]) => ({name, icon}))},
      tooltip: {trigger: "item", formatter: (parameters) => parameters.data.about || ""},
      xAxis: {type: "value", min: 0, max: Math.max(x, 2), axisLabel: {show: false}, axisTick: {show: false},
        splitLine: {show: false}, name: "runs in the order of measuring", nameLocation: "middle", nameGap: 10},
      yAxis: {type: "value", scale: true, ...limits(sides), name: unit, nameLocation: "end", nameTextStyle: {align: "left"},
        axisLabel: {showMinLabel: false, showMaxLabel: false, formatter: (value) => significant(value, 4).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")}},
      grid: {bottom: 24, top: 30},
      series,
    };
  }

  function runsChart(parent, benchmark, sides, data, at) {
    const [label, unit] = benchmark.main;
    const shown = sides.map((side) => ({...side, points: side.runs.map((run, position) => ({
      value: run[at("p50")], low: run[at("p05")], high: run[at("p95")], disturbed: Boolean(run[DISTURBED]),
      about: side.name + ", run " + (position + 1) + ": " + quantity(run[at("p50")], unit, 4)
        + (run[at("p05")] === null || run[at("p95")] === null ? "" : "\n5 % to 95 % of its samples: "
          + significant(run[at("p05")], 4) + " to " + quantity(run[at("p95")], unit, 4))
        + "\n" + began(run, data) + (run[DISTURBED] ? "\nnot used: " + edgeperf.shortened(run[DISTURBED], 80) : ""),
    }))}));
    const barred = shown.some((side) => side.points.some((point) => point.low !== null && point.high !== null));
    const words = shown.map((side) => side.name + ": " + side.runs.length + " runs, median "
      + quantity(median(good(side.runs).map((run) => run[at("p50")])), unit));
    chart(parent, {
      title: "Runs: median " + label,
      description: words.join("; ") + ".",
      note: "A mark is a run's median" + (barred ? ", its bar 5 % to 95 % of the samples" : "")
        + "; a line is the median of the undisturbed runs."
        + (limits(shown).cut ? " Bars that leave the chart are cut." : ""),
      option: () => dots(shown, unit),
      table: {head: ["run", "5 %", "median", "95 %", "state"], rows: shown.flatMap((side) => side.points.map((point, position) =>
        [side.name + " " + (position + 1), ...[point.low, point.value, point.high].map((value) => quantity(value, unit, 4)),
          point.disturbed ? "disturbed" : "used"]))},
    });
  }

  const SHARES = {min: 0, max: 100};
  const shareOf = (statistic) => statistic in SHARES ? SHARES[statistic] : Number(statistic.slice(1));

  /* Share of the samples that take no longer than so much: as far as the stored order statistics tell. */
  function samplesChart(parent, benchmark, sides, order, at) {
    const [label, unit] = benchmark.main;
    const lines = sides.map((side) => ({...side, curves: good(side.runs).map((run) => order
      .map((statistic) => [run[at(statistic)], shareOf(statistic)]).filter(([value]) => value !== null))
      .filter((points) => points.length > 1)}));
    if (!lines.some((side) => side.curves.length)) return;
    const ends = lines.flatMap((side) => side.curves.map((points) => points.filter(([, share]) => share <= 99).slice(-1)[0][0]));
    const starts = lines.flatMap((side) => side.curves.map((points) => points[0][0]));
    const least = Math.min(...starts);
    const quarters = lines.flatMap((side) => side.curves.map((points) => points.filter(([, share]) => share <= 75).slice(-1)[0][0]));
    /* A long tail would press everything else against the left edge. */
    const widest = Math.min(Math.max(...ends), least + 5 * (Math.max(...quarters) - least) || Infinity);
    const cut = lines.some((side) => side.curves.some((points) => points[points.length - 1][0] > widest));
    const middles = lines.map((side) => order.map((statistic) => median(good(side.runs).map((run) => run[at(statistic)]))));
    chart(parent, {
      title: "Samples: distribution of the " + label,
      description: lines.map((side, position) => side.name + ": "
        + order.map((statistic, place) => [statistic, middles[position][place]]).filter(([, value]) => value !== null)
          .map(([statistic, value]) => statistic + " " + significant(value)).join(", ") + " " + unit).join("; ") + ".",
      note: "A line per undisturbed run: so many of its samples took no longer."
        + (cut ? " The slowest samples lie beyond the right edge." : ""),
      option: () => ({
        legend: {data: lines.filter((side) => side.curves.length).map((side) => side.name)},
        tooltip: {trigger: "item", formatter: (parameters) => parameters.seriesName + "\n" + parameters.value[1]
          + " % of the samples: up to " + quantity(parameters.value[0], unit, 4)},
        xAxis: {type: "value", scale: true, min: least - 0.02 * (widest - least || 1), max: widest + 0.02 * (widest - least || 1),
          name: unit, nameLocation: "middle", nameGap: 26, axisLabel: {showMinLabel: false, showMaxLabel: false,
            formatter: (value) => significant(value, 4).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")}},
        yAxis: {type: "value", min: 0, max: 100, axisLabel: {formatter: "{value} %"}},
        grid: {bottom: 24},
        series: lines.flatMap((side) => side.curves.map((points) => ({
          name: side.name, type: "line", data: points, symbol: SHAPES[side.key], symbolSize: 4, clip: true,
          lineStyle: {width: 1.5, opacity: 0.8, color: line(side.key), type: side.key === "base" ? "dashed" : "solid"},
          itemStyle: {color: line(side.key)},
        }))),
      }),
      table: {head: ["median over the runs", ...lines.map((side) => side.name)], rows: order.map((statistic, place) =>
        [statistic, ...middles.map((values) => quantity(values[place], unit, 4))])},
    });
  }

  function phasesChart(parent, benchmark, data) {
    const [, unit] = benchmark.main;
    const keys = [[1, data.sides[0]], [2, data.sides[1]]].filter(([at]) => benchmark.phases.some((phase) => phase[at] !== null));
    const said = keys.map(([at, name]) => name + ": " + benchmark.phases.map((phase) => phase[0] + " "
      + quantity(phase[at], unit)).join(", "));
    chart(parent, {
      title: "Phases: medians", height: 90 + 44 * keys.length,
      description: said.join("; ") + ".",
      option: (width) => ({
        aria: {decal: {show: true}},
        color: ["third", "fourth", "sixth", "fifth", "base"].map(line),
        legend: {data: benchmark.phases.map((phase) => phase[0])},
        tooltip: {trigger: "item", formatter: (parameters) => parameters.seriesName + ", " + parameters.name + ": "
          + quantity(parameters.value, unit)},
        xAxis: {type: "value", min: 0, name: unit, nameLocation: "middle", nameGap: 26},
        yAxis: {type: "category", inverse: true, data: keys.map(([, name]) => name),
          axisLabel: {width: Math.min(120, width / 4), overflow: "break", lineHeight: 14}},
        grid: {bottom: 24, top: 36},
        series: benchmark.phases.map((phase) => ({name: phase[0], type: "bar", stack: "all", barMaxWidth: 28,
          data: keys.map(([at]) => phase[at])})),
      }),
      table: {head: ["phase", ...keys.map(([, name]) => name)],
        rows: benchmark.phases.map((phase) => [phase[0], ...keys.map(([at]) => quantity(phase[at], unit))])},
    });
  }

  function accuracyChart(parent, accuracy, data) {
    const title = "Accuracy: " + edgeperf.shortened(accuracy.name, 60);
    const text = accuracy.same ? "Every answer is the same." : accuracy.difference + "; " + accuracy.text + "; margin " + accuracy.margin;
    if (accuracy.lost === undefined || accuracy.lost === null) {
      append(parent, [el("figure", {class: "chart"}, el("figcaption", {}, title), el("p", {}, text))]);
      return;
    }
    const {lost, won} = accuracy;
    const most = Math.ceil(1.4 * Math.max(lost, won, 1));
    chart(parent, {
      title, height: 140, note: text,
      description: lost + " examples lost, " + won + " won, of " + accuracy.examples + ".",
      option: () => ({
        aria: {decal: {show: true}},
        legend: {data: ["lost", "won"]},
        tooltip: {trigger: "item", formatter: (parameters) => parameters.seriesName + ": " + Math.abs(parameters.value)
          + " of " + accuracy.examples + " examples"},
        xAxis: {type: "value", min: -most, max: most, minInterval: 1,
          axisLabel: {formatter: (value) => String(Math.abs(value))}, name: "examples", nameLocation: "middle", nameGap: 26},
        yAxis: {type: "category", data: [""], axisLine: {onZero: true}},
        grid: {bottom: 24, top: 36},
        series: [
          {name: "lost", type: "bar", stack: "all", data: [-lost], itemStyle: {color: color("bad-line")}, barMaxWidth: 28,
            label: {show: lost > 0, position: "left", formatter: lost + " lost", color: color("text")}},
          {name: "won", type: "bar", stack: "all", data: [won], itemStyle: {color: color("good-line")}, barMaxWidth: 28,
            label: {show: won > 0, position: "right", formatter: won + " won", color: color("text")}},
        ],
      }),
      table: {head: ["examples", "number"], rows: [["lost: only " + data.sides[0] + " has them right", lost],
        ["won: only " + data.sides[1] + " has them right", won], ["all", accuracy.examples]]},
    });
  }

  function otherChart(parent, other, data) {
    const sides = [{name: data.sides[0], values: other.base, key: "base"}, {name: data.sides[1], values: other.now, key: "now"}]
      .filter((side) => (side.values || []).some((value) => typeof value === "number"))
      .map((side) => ({...side, points: side.values.map((value, position) => ({value, low: null, high: null, disturbed: false,
        about: side.name + ", run " + (position + 1) + ": " + quantity(value, other.unit, 4)}))}));
    if (!sides.length) return;
    chart(parent, {
      title: "Runs: " + other.name, height: 220,
      description: sides.map((side) => side.name + ": median " + quantity(median(side.values), other.unit)).join("; ") + ".",
      option: () => dots(sides, other.unit),
      table: {head: ["run", other.name], rows: sides.flatMap((side) => side.values.map((value, position) =>
        [side.name + " " + (position + 1), quantity(value, other.unit, 4)]))},
    });
  }

  function pairsChart(parent, benchmark, data) {
    const pairs = benchmark.pairs, tolerance = benchmark.tolerance;
    const builds = [...new Set(pairs.map((pair) => pair[2] ?? null))];
    const shapes = ["circle", "triangle", "rect", "diamond", "pin", "arrow"];
    const ends = pairs.flatMap((pair) => [pair[0] - 2 * (pair[1] ?? 0), pair[0] + 2 * (pair[1] ?? 0)]);
    const least = 1.1 * Math.min(0, -(tolerance || 0), ...ends), most = 1.1 * Math.max(0, tolerance || 0, ...ends);
    const named = (build) => build === null ? "pair" : "build " + (Number(build) + 1);
    chart(parent, {
      title: "Pairs in turns: change from " + edgeperf.shortened(data.sides[0], 40),
      description: pairs.length + " pairs, median change " + percent(median(pairs.map((pair) => pair[0]))) + ".",
      note: "A mark is a pair of processes that took turns; its bar is twice its standard error on both sides."
        + (tolerance ? " The dashed lines are the tolerance." : ""),
      option: () => ({
        legend: builds.length > 1 ? {data: builds.map((build, position) => ({name: named(build), icon: shapes[position % shapes.length]}))}
          : undefined,
        tooltip: {trigger: "item", formatter: (parameters) => parameters.data.about || ""},
        xAxis: {type: "value", min: 0, max: pairs.length + 1, minInterval: 1, axisLabel: {showMinLabel: false, showMaxLabel: false},
          splitLine: {show: false}, name: "pair", nameLocation: "middle", nameGap: 26},
        yAxis: {type: "value", min: least, max: most, axisLabel: {showMinLabel: false, showMaxLabel: false, formatter: (value) => percent(value)}},
        grid: {bottom: 24},
        series: builds.flatMap((build, position) => {
          const own = pairs.map((pair, place) => [place + 1, ...pair]).filter((pair) => (pair[3] ?? null) === build);
          const stroke = position ? color(["third", "fourth", "fifth", "sixth"][(position - 1) % 4] + "-line") : line("now");
          return [
            whiskers(named(build), own.filter((pair) => pair[2] !== null)
              .map((pair) => [pair[0], pair[1] - 2 * pair[2], pair[1] + 2 * pair[2]]), stroke, false),
            {name: named(build), type: "scatter", symbol: shapes[position % shapes.length], symbolSize: 11, itemStyle: {color: stroke},
              data: own.map((pair) => ({value: [pair[0], pair[1]], about: "pair " + pair[0] + ": " + percent(pair[1])})),
              markLine: position ? undefined : {symbol: "none", silent: true, label: {show: false}, lineStyle: {color: color("faint")},
                data: [{yAxis: 0, lineStyle: {type: "solid"}}, ...(tolerance ? [{yAxis: tolerance}, {yAxis: -tolerance}] : [])]}},
          ];
        }),
      }),
      table: {head: ["pair", "change", "standard error", "build"], rows: pairs.map((pair, position) =>
        [position + 1, percent(pair[0]), pair[1] === null ? "–" : percent(pair[1]).replace("+", ""), pair[2] ?? "–"])},
    });
  }

  function metricsTable(body, benchmark, data) {
    const rows = benchmark.metrics;
    const judged = rows.some((row) => row.length > 6), both = rows.some((row) => typeof row[1] === "string" && typeof row[2] === "string");
    const limit = "-" + data.range.toFixed(0) + " % to +" + data.range.toFixed(0) + " %";
    const head = ["metric", ...(both ? [data.sides[0]] : []), both ? data.sides[1] : "figure", ...(both ? ["change [95 %]"] : []),
      ...(judged ? [limit, "verdict"] : [])];
    const shown = rows.map(([name, base, now, moved, low, high, verdict, decides]) => {
      const known = typeof low === "number" && typeof high === "number";
      const change = typeof moved === "string" ? moved : typeof moved === "number"
        ? percent(moved) + (known ? " [" + percent(low).replace(" %", "") + ", " + percent(high).replace(" %", "") + "]" : "") : "–";
      const bar = typeof moved === "number" ? {ratio: moved, ends: known ? [low, high] : undefined, tolerance: benchmark.tolerance} : {};
      return [data.words[name], ...(both ? [base] : []), both ? now : now ?? base, ...(both ? [el("span", {class: "whole"}, change)] : []), ...(judged
        ? [edgeperf.intervalBar(bar, data.range), verdict !== undefined ? el("span", {}, badge(data.words[verdict]), decides ? " decides" : " informs") : "not judged"]
        : [])];
    });
    body.append(table(head, shown, "Every metric"));
  }

  function runsTable(body, benchmark, sides, data, at) {
    const [, unit] = benchmark.main;
    const more = el("details", {class: "numbers"}, el("summary", {}, "Every run: when, of which commit, how undisturbed"));
    more.addEventListener("toggle", () => {
      if (!more.open || more.children.length > 1) return;
      const rows = sides.flatMap((side) => side.runs.map((run, position) => {
        const session = data.sessions[run[SESSION]] || {};
        return [side.name + " " + (position + 1), began(run, data), session.commit || "–", session.id || "–", run[SAMPLES] ?? "–",
          quantity(run[at("p50")], unit, 4), quantity(run[at("max")], unit, 4),
          run[DISTURBED] ? "not used: " + run[DISTURBED] : "used", session.reason || ""];
      }));
      more.append(table(["run", "began", "commit", "session", "samples", "median", "slowest", "quality", "accepted because"], rows, "Every run"));
    });
    body.append(more);
  }
})();
