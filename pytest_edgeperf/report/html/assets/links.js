/* A benchmark's name that leads to its row, where the page has one. */
"use strict";
edgeperf.link = function ({name, anchor}) {
  const {el, longText, shortened} = edgeperf;
  if (!anchor) return longText(name);
  return el("a", {href: "#" + anchor, title: name.length > 160 ? shortened(name, 1000) : null}, el("bdi", {}, shortened(name, 160)));
};
