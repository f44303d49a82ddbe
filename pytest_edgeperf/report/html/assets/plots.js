/* The charts of studies: points with the range of their runs, fitted and published lines, fronts, rows of dots, bars. */
"use strict";
(function () {
  const {chart, color} = edgeperf;
  const PALETTE = ["base-line", "now-line", "third-line", "fourth-line", "fifth-line", "sixth-line", "text"];
  const SHAPES = [
    "circle", "rect", "triangle", "diamond", "path://M0,0L10,0L5,9Z", "path://M4,0H6V4H10V6H6V10H4V6H0V4H4Z",
    "path://M1.4,0L5,3.6L8.6,0L10,1.4L6.4,5L10,8.6L8.6,10L5,6.4L1.4,10L0,8.6L3.6,5L0,1.4Z", "path://M9,0L9,10L0,5Z",
    "path://M0,0L9,5L0,10Z", "path://M5,0L6.5,3.5L10,3.8L7.3,6.2L8.1,10L5,8L1.9,10L2.7,6.2L0,3.8L3.5,3.5Z",
  ];
  const DASHES = [[7, 4], [2, 3], [9, 3, 2, 3], [4, 2], [12, 4]];
  const SIZE = 9;
  /* How wide a letter is about, in pixels. */
  const LETTER = 6.6;

  const hue = (index) => color(PALETTE[index % PALETTE.length]);
  const shape = (index) => SHAPES[index % SHAPES.length];
  /* In a tip, a brace before a bar would begin a style. */
  const tip = (text) => edgeperf.shortened(text, 200).replace(/\{/g, "{\u200b").replace(/(.{60,90}?)[ ,]/g, "$1\n");

  /* The names of what is drawn, unless there is only one. */
  function legendOf(drawn, least = 2) {
    const names = [...new Set(drawn.map((one) => one.name))];
    return names.length < least ? null : {data: names};
  }

  /* An axis of numbers; a logarithmic one is drawn as the logarithm, with ticks at 1, 2 and 5 times the powers of ten. */
  function axisOf(described, values, more) {
    const low = Math.min(...values), high = Math.max(...values);
    if (!described.log) {
      const room = 0.06 * (high - low) || 0.02 * Math.abs(high) || 1;
      const least = low >= 0 && low - room < 0 ? 0 : low - room;
      return {type: "value", min: round(least), max: round(high + room),
        axisLine: {onZero: false},
        axisLabel: {formatter: (value) => number(value), showMinLabel: round(least) === 0, showMaxLabel: false}, ...more};
    }
    const from = Math.log10(low), to = Math.log10(high), room = 0.06 * (to - from) || 0.1;
    const factors = to - from > 3 ? [1] : [1, 2, 5], ticks = [];
    for (let power = Math.floor(from - room); power <= to + room; power += 1)
      for (const factor of factors) {
        const place = power + Math.log10(factor);
        if (place >= from - room && place <= to + room) ticks.push(place);
      }
    return {type: "value", min: from - room, max: to + room, axisTick: {customValues: ticks}, axisLine: {onZero: false},
      axisLabel: {customValues: ticks, formatter: (value) => number(10 ** value)}, ...more};
  }

  const round = (value) => Number(value.toPrecision(4));
  function number(value) {
    const size = Math.abs(value);
    if (size && (size < 1e-4 || size >= 1e7)) return value.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e");
    return String(Number(value.toPrecision(4)));
  }
  const placed = (described, value) => (described.log ? Math.log10(value) : value);

  /* A bar from the lowest to the highest run, along an axis. */
  function ranges(name, look, data, vertical) {
    return {
      type: "custom", name, silent: true, z: 2, itemStyle: {color: hue(look)}, data,
      encode: vertical ? {x: 0, y: [1, 2]} : {x: [1, 2], y: 0}, tooltip: {show: false},
      renderItem: (parameters, api) => {
        const ends = [1, 2].map((at) => (vertical ? api.coord([api.value(0), api.value(at)]) : api.coord([api.value(at), api.value(0)])));
        return {type: "line", shape: {x1: ends[0][0], y1: ends[0][1], x2: ends[1][0], y2: ends[1][1]},
          style: {stroke: hue(look), lineWidth: 2, opacity: 0.7}};
      },
    };
  }

  function dot(look, marker, hollow) {
    return {symbol: shape(marker), symbolSize: SIZE, itemStyle: {color: hollow ? color("page") : hue(look),
      borderColor: hue(look), borderWidth: hollow ? 2 : 1, decal: {symbol: "none"}}};
  }

  function xy(described) {
    const {x, y, series, reference = [], steps} = described;
    const at = (pair) => [placed(x, pair[0]), placed(y, pair[1])];
    const xs = [], ys = [];
    for (const one of series) {
      for (const point of one.points) { xs.push(point.x); ys.push(point.y, point.low ?? point.y, point.high ?? point.y); }
      for (const line of one.lines || []) for (const pair of line) { xs.push(pair[0]); ys.push(pair[1]); }
    }
    for (const one of reference) for (const line of one.lines) for (const pair of line) { xs.push(pair[0]); ys.push(pair[1]); }
    const drawn = [];
    for (const one of series) {
      const data = one.points.map((point) => ({value: at([point.x, point.y]), text: point.text, anchor: point.anchor,
        ...(point.hollow === undefined ? {} : dot(one.colour, one.marker, point.hollow))}));
      drawn.push({type: "scatter", name: one.name, data, z: 3, ...dot(one.colour, one.marker, false)});
      const spread = one.points.filter((point) => point.low !== undefined && point.low !== point.high);
      if (spread.length) drawn.push(ranges(one.name, one.colour,
        spread.map((point) => [placed(x, point.x), placed(y, point.low), placed(y, point.high)]), true));
      const lines = one.joined ? [one.points.map((point) => [point.x, point.y])] : one.lines || [];
      for (const line of lines) if (line.length > 1) drawn.push({type: "line", name: one.name, silent: true, symbol: "none",
        data: line.map(at), z: 2, lineStyle: {width: one.joined ? 1 : 2, color: hue(one.colour)}, itemStyle: {color: hue(one.colour)}});
    }
    const names = [...new Set(reference.map((one) => one.name))];
    for (const one of reference) for (const line of one.lines) drawn.push({type: "line", name: one.name, silent: true,
      symbol: "none", data: line.map(at), z: 1, itemStyle: {color: color("faint")},
      lineStyle: {width: 2, color: color("faint"), type: DASHES[names.indexOf(one.name) % DASHES.length]}});
    if (steps) drawn.push({type: "line", name: "Pareto front", silent: true, symbol: "none", data: steps.map(at), z: 1,
      itemStyle: {color: color("text")}, lineStyle: {width: 1.5, color: color("text")}});
    return {
      legend: legendOf(drawn),
      tooltip: {trigger: "item", formatter: (item) => tip(item.data.text || item.seriesName)},
      grid: {bottom: 34},
      xAxis: axisOf(x, xs, {name: edgeperf.shortened(x.label, 60), nameLocation: "middle", nameGap: 30}),
      yAxis: axisOf(y, ys, {}),
      series: drawn,
    };
  }

  function rows(described, width) {
    const {x, series} = described;
    const values = series.flatMap((one) => one.points.flatMap((point) => [point.x, point.low ?? point.x, point.high ?? point.x]));
    const drawn = [];
    for (const one of series) {
      drawn.push({type: "scatter", name: one.name, z: 3, ...dot(one.colour, one.marker, one.hollow),
        data: one.points.map((point) => ({value: [placed(x, point.x), point.row], text: point.text, anchor: point.anchor}))});
      const spread = one.points.filter((point) => point.low !== undefined && point.low !== point.high);
      if (spread.length) drawn.push(ranges(one.name, one.colour,
        spread.map((point) => [point.row, placed(x, point.low), placed(x, point.high)]), false));
    }
    return {
      legend: legendOf(drawn),
      tooltip: {trigger: "item", formatter: (item) => tip(item.data.text)},
      xAxis: axisOf(x, values, {}),
      yAxis: names(described.rows, width),
      series: drawn,
    };
  }

  const nameWidth = (width) => Math.min(0.42 * width, 280);
  const isLong = (labels, width) => labels.some((label) => LETTER * label.length > nameWidth(width));

  /* A row per name; a long one takes two lines. */
  function names(labels, width) {
    const room = nameWidth(width), most = Math.floor(2 * room / LETTER) - 4;
    return {type: "category", data: labels, inverse: true, splitLine: {show: true}, axisTick: {show: false},
      axisLabel: {width: room, overflow: "break", lineHeight: 14, interval: 0, hideOverlap: false,
        formatter: (label) => edgeperf.shortened(label, most)}};
  }

  function bars(described, width) {
    const last = described.parts.length - 1;
    return {
      legend: legendOf(described.parts.map((name) => ({name}))),
      tooltip: {trigger: "item", formatter: (item) => tip(item.name + ": " + item.seriesName + " " + edgeperf.significant(item.value) + " %")},
      xAxis: {type: "value", min: 0, max: 100, axisLabel: {formatter: "{value} %"}},
      yAxis: names(described.bars.map((bar) => bar.name), width),
      series: described.parts.map((part, at) => ({
        type: "bar", name: part, stack: "whole", barMaxWidth: 18, data: described.bars.map((bar) => bar.values[at]),
        itemStyle: {color: at === last ? color("rule") : hue(at), borderColor: color("page"), borderWidth: 1},
      })),
    };
  }

  const KINDS = {xy, dots: rows, bars};
  const ROW = 24, HIGH_ROW = 36;

  function heightOf(described, width) {
    const listed = described.rows || (described.bars && described.bars.map((bar) => bar.name));
    return listed ? 60 + (isLong(listed, width) ? HIGH_ROW : ROW) * listed.length : 290;
  }

  /* plot(parent, title, described): a chart as the Python side describes it. */
  function plot(parent, title, described) {
    const leads = (described.series || []).some((one) => one.points.some((point) => edgeperf.hasBenchmark(point.anchor)));
    const note = [described.note, leads ? "A click on a point opens its benchmark." : ""].filter(Boolean).join(" ");
    const figure = chart(parent, {
      title, description: described.alt, height: heightOf(described, Math.min(parent.clientWidth || 600, 560) - 30), note,
      option: (width) => KINDS[described.kind](described, width),
    });
    return figure;
  }

  edgeperf.plot = plot;
  edgeperf.dot = dot;
  edgeperf.hue = hue;
  edgeperf.axisOf = axisOf;
  edgeperf.tip = tip;
  edgeperf.legendOf = legendOf;
})();
