/* Studies: what each shows as charts, with its tables behind a click. */
"use strict";
edgeperf.section("studies", function (root, data) {
  const {el, longText, plot, table} = edgeperf;

  function tables(part, name) {
    return part.tables.map((one) => el("div", {class: "figures"},
      table(one.header, one.rows, name), one.notes.length ? el("ul", {class: "remark"}, one.notes.map((note) => el("li", {}, longText(note)))) : null));
  }

  for (const remark of data.remarks) root.append(el("p", {class: "remark"}, longText(remark)));
  for (const study of data.studies) {
    const place = el("article", {class: "study"}, el("h3", {}, longText(study.name)));
    root.append(place);
    const charts = el("div", {class: "charts"});
    place.append(charts);
    for (const described of study.charts) plot(charts, described.x.label, described);
    for (const part of study.parts) {
      for (const described of part.charts) {
        const over = described.kind === "dots" ? described.x.label
          : described.kind === "xy" && !described.steps ? described.y.label + " over " + described.x.label : part.heading;
        plot(charts, edgeperf.shortened(over, 200), described);
      }
    }
    const more = el("details", {class: "numbers"}, el("summary", {}, "Tables of this study"));
    more.addEventListener("toggle", () => {
      if (!more.open || more.children.length > 1) return;
      for (const part of study.parts) more.append(el("h4", {}, longText(part.heading)), ...tables(part, part.heading));
    });
    place.append(more);
  }
});
