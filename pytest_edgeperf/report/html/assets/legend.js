/* Legends as elements of the page: a name is whole and takes the lines that it needs, however narrow the chart is. */
"use strict";
(function () {
  const {el, shortened} = edgeperf;
  const WIDE = 16, HIGH = 10;
  const PATHS = {
    rect: "M0,0H10V10H0Z", triangle: "M5,0L10,10H0Z", diamond: "M5,0L10,5L5,10L0,5Z", arrow: "M5,0L9,10L5,7L1,10Z",
    pin: "M5,10C2,6,1,5,1,3.5A4,3.5,0,0,1,9,3.5C9,5,8,6,5,10Z",
  };
  const DASHES = {dashed: [4, 3], dotted: [1, 2]};

  function drawn(tag, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
    return made;
  }

  /* A mark of the library in the middle of a swatch. */
  function mark(symbol, fill, stroke) {
    const hollow = symbol.startsWith("empty"), shape = hollow ? symbol.slice(5).toLowerCase() : symbol;
    const look = {fill: hollow ? "none" : fill, stroke, "stroke-width": hollow || fill !== stroke ? 2 : 1};
    if (shape === "circle") return drawn("circle", {cx: WIDE / 2, cy: HIGH / 2, r: 4, ...look});
    const path = shape.startsWith("path://") ? shape.slice(7) : PATHS[shape] || PATHS.rect;
    return drawn("path", {d: path, transform: "translate(4 1) scale(0.8)", ...look});
  }

  function swatch(series, icon) {
    const {color: fill, borderColor} = series.itemStyle || {};
    const made = drawn("svg", {width: WIDE, height: HIGH, viewBox: "0 0 " + WIDE + " " + HIGH, "aria-hidden": "true"});
    if (series.type === "line") {
      const {color: stroke = fill, type} = series.lineStyle || {};
      const dashes = Array.isArray(type) ? type : DASHES[type] || [];
      made.append(drawn("line", {x1: 0, x2: WIDE, y1: HIGH / 2, y2: HIGH / 2, stroke, "stroke-width": 2, "stroke-dasharray": dashes.join(" ")}));
    }
    const symbol = icon || series.symbol || (series.type === "line" ? "none" : "rect");
    if (symbol !== "none") made.append(mark(symbol, fill, borderColor || fill));
    return made;
  }

  /* A button for each name, which hides and shows what is drawn under it. */
  edgeperf.legendButtons = (legend, series, toggle) => legend.data.map((listed) => {
    const {name, icon} = typeof listed === "string" ? {name: listed} : listed;
    const marked = series.filter((one) => one.name === name);
    const shown = marked.find((one) => one.type === "scatter") || marked.find((one) => one.type !== "custom") || marked[0];
    const button = el("button", {type: "button", "aria-pressed": "true", click: () => {
      toggle(name);
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    }}, el("bdi", {}, shortened(name, 160)));
    if (shown) button.prepend(swatch(shown, icon));
    return button;
  });
})();
