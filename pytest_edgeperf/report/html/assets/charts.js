/* Charts: each is drawn when it comes into view, again in the colours of another theme, and has its table behind it. */
"use strict";
(function () {
  const {color, el, onThemeChange, table} = edgeperf;
  const drawn = new Set();

  /* What all charts share; a chart's own options are laid over it. Tips are text, never HTML. */
  function shared() {
    const text = color("text"), faint = color("faint"), rule = color("rule");
    const axis = {
      axisLine: {lineStyle: {color: faint}}, axisTick: {lineStyle: {color: faint}},
      axisLabel: {color: faint, fontSize: 12, hideOverlap: true}, nameTextStyle: {color: faint, fontSize: 12},
      splitLine: {lineStyle: {color: rule}},
    };
    return {
      animation: false,
      color: [color("base-line"), color("now-line"), color("third-line"), color("fourth-line"), color("fifth-line"),
        color("sixth-line")],
      textStyle: {color: text, fontFamily: getComputedStyle(document.body).fontFamily},
      aria: {enabled: true, label: {enabled: false}, decal: {show: false}},
      backgroundColor: "transparent",
      /* Only where patterns tell the parts apart, which have short names; other legends stand above the chart. */
      legend: {textStyle: {color: text}, top: 0, left: 0, itemGap: 16, type: "plain"},
      tooltip: {renderMode: "richText", confine: true, backgroundColor: color("raised"), borderColor: rule,
        textStyle: {color: text, fontSize: 12}},
      grid: {left: 8, right: 20, top: 12, bottom: 8, containLabel: true},
      axis,
    };
  }

  function merged(under, over) {
    if (Array.isArray(over) || over === null || typeof over !== "object") return over;
    const both = {...under};
    for (const [name, value] of Object.entries(over))
      both[name] = both[name] && typeof both[name] === "object" && !Array.isArray(both[name]) ? merged(both[name], value) : value;
    return both;
  }

  function options(own) {
    const {axis, ...base} = shared();
    const all = merged(base, own);
    for (const name of ["xAxis", "yAxis"]) {
      if (!all[name]) continue;
      all[name] = Array.isArray(all[name]) ? all[name].map((one) => merged(axis, one)) : merged(axis, all[name]);
    }
    if (!own.legend) delete all.legend;
    return all;
  }

  class Chart {
    constructor(legend, canvas, make, height) {
      Object.assign(this, {legend, canvas, make, height, chart: null});
      edgeperf.whenNear(canvas, () => this.draw());
      addEventListener("beforeprint", () => { if (this.canvas.offsetParent) this.draw(); });
      new ResizeObserver(() => this.resize()).observe(canvas);
    }
    draw() {
      if (this.chart || !this.canvas.isConnected || !this.canvas.clientWidth) return;
      this.chart = echarts.init(this.canvas, null, {renderer: "svg", height: this.height});
      this.width = this.canvas.clientWidth;
      const own = this.make(this.width);
      const patterned = own.aria && own.aria.decal && own.aria.decal.show;
      if (own.legend && !patterned) {
        const toggle = (name) => this.chart.dispatchAction({type: "legendToggleSelect", name});
        this.legend.replaceChildren(...edgeperf.legendButtons(own.legend, own.series, toggle));
        own.legend = {show: false, data: own.legend.data};
      }
      this.chart.setOption(options(own));
      this.chart.on("click", (item) => { if (item.data && item.data.anchor) edgeperf.goTo(item.data.anchor); });
      this.canvas.dataset.drawn = "yes";
      drawn.add(this);
    }
    resize() {
      if (!this.canvas.clientWidth) return;
      if (!this.chart) this.draw();
      else if (Math.abs(this.canvas.clientWidth - this.width) > 2) this.again();
    }
    again() {
      if (!this.chart) return;
      this.chart.dispose();
      this.chart = null;
      this.draw();
    }
  }

  onThemeChange(() => drawn.forEach((chart) => chart.again()));

  /* chart(parent, {title, description, height, option: (width) => …, table: {head, rows}, note}): a figure with its
     title, the chart, what it shows in words for who cannot see it, and its numbers as a table. */
  function chart(parent, {title, description, height = 260, option, table: numbers, note}) {
    const canvas = el("div", {class: "canvas", role: "img", "aria-label": title + ". " + (description || ""),
      style: "height:" + height + "px"});
    const legend = el("div", {class: "legend", role: "group", "aria-label": "Shown in the chart"});
    const figure = el("figure", {class: "chart"}, el("figcaption", {}, title), legend, canvas,
      note ? el("p", {class: "remark"}, note) : null);
    if (numbers) {
      const more = el("details", {class: "numbers"}, el("summary", {}, "Numbers"));
      more.addEventListener("toggle", () => {
        if (more.open && more.children.length === 1) more.append(table(numbers.head, numbers.rows, title));
      });
      figure.append(more);
    }
    parent.append(figure);
    new Chart(legend, canvas, option, height);
    return figure;
  }

  edgeperf.chart = chart;
  edgeperf.longLabel = (text) => edgeperf.shortened(text, 60);
})();
