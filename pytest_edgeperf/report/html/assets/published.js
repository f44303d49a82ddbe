/* Published figures: a picture for each metric, and all of them with what differs as a table. */
"use strict";
edgeperf.section("published", function (root, data) {
  const {el, link, plot, table} = edgeperf;
  root.append(el("p", {class: "remark"}, data.caveat));
  const charts = el("div", {class: "charts"});
  root.append(charts);
  for (const described of data.charts) plot(charts, described.title, described);
  const rows = data.rows.map((row) => [link(row), row.metric, row.here, row.published, row.ratio, row.device, row.source,
    row.differs.join("; ") || "–"]);
  root.append(table(["benchmark", "metric", "here", "published", "here / published", "device", "source", "what differs"], rows,
    "Published figures"));
});
