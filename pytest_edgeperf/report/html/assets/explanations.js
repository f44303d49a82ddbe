/* Why a benchmark got slower: what explains it in a line, and its operators or functions in a table. */
"use strict";
edgeperf.section("explanations", function (root, data) {
  const {el, longText, table} = edgeperf;

  for (const benchmark of data.benchmarks) {
    const place = el("article", {class: "explanation"}, el("h3", {}, edgeperf.link(benchmark),
      benchmark.latency ? ", latency " + benchmark.latency : null));
    benchmark.sentences.forEach((sentence, at) => place.append(
      el("p", {class: benchmark.has_headline && !at ? "headline" : null}, longText(sentence))));
    for (const costs of benchmark.tables) {
      const rows = costs.rows.map(([name, blamed, ...texts]) => [
        el("span", {class: blamed ? "blamed" : null}, blamed ? el("span", {"aria-hidden": "true"}, "▸ ") : null, longText(name)),
        ...texts.map((text) => el("span", {class: "figure"}, text))]);
      place.append(table([costs.title, ...costs.columns], rows, "By " + costs.title + ", what is to blame first"));
      for (const remark of costs.remarks) place.append(el("p", {class: "remark"}, longText(remark)));
    }
    root.append(place);
  }
});
