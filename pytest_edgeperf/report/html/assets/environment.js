/* The environment: what differs, then what is the same behind a click. */
"use strict";
edgeperf.section("environment", function (root, data) {
  const {el, longText, table} = edgeperf;
  const several = data.sides.length > 1;
  if (data.machine) root.append(el("p", {}, "Machine: ", longText(data.machine)));

  const lines = (values) => (values.length ? el("div", {}, values.map((value) => el("div", {}, longText(value)))) : "–");
  const name = (row) => el("span", {}, el("bdi", {}, edgeperf.shortened(row.field, 120)), " ", el("span", {class: "remark"}, edgeperf.shortened(row.section, 40)));
  function kind(row) {
    const of = row.benchmarks ? " (" + row.benchmarks + " of " + data.benchmarks + " benchmarks)" : "";
    return (row.decides ? "≠ decides what may be compared" : "≠ only informs") + of;
  }

  const differing = data.rows.filter((row) => row.differs), same = data.rows.filter((row) => !row.differs);
  if (several) {
    if (differing.length) root.append(table(["field", ...data.sides, "what it means"],
      differing.map((row) => [name(row), ...row.values.map(lines), kind(row)]), "What differs (" + differing.length + ")"));
    else root.append(el("p", {}, "All that is recorded is the same on both sides."));
  }
  const rest = several ? same : data.rows;
  if (!rest.length) return;
  const more = el("details", {open: !several}, el("summary", {}, (several ? "What is the same (" : "All fields (") + rest.length + ")"));
  more.append(table(["field", several ? "on all sides" : data.sides[0]], rest.map((row) => [name(row), lines(row.values[0])]), "Recorded fields"));
  root.append(more);
});
