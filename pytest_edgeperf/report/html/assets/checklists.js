/* Checklists: a finding, what became of it here, and its figures. */
"use strict";
edgeperf.section("checklists", function (root, data) {
  const {el, longText} = edgeperf;
  const SIGNS = {"holds here": ["✓", "holds"], "does not hold here": ["✕", "fails"]};

  function verdict(words) {
    const [sign, look] = SIGNS[words] || ["?", "open"];
    return el("span", {class: "told " + look}, el("span", {"aria-hidden": "true"}, sign + " "), words);
  }

  for (const paper of data.papers) {
    const place = el("article", {class: "study"}, el("h3", {}, longText(paper.name)), el("p", {class: "remark"}, paper.counts.join("; ")));
    for (const finding of paper.findings) {
      const several = new Set(finding.parts.map((part) => part.verdict)).size > 1;
      place.append(el("div", {class: "finding"}, el("p", {}, verdict(finding.verdict), " ", el("strong", {}, longText(finding.name)), ": ",
        longText(finding.claim)), el("ul", {}, finding.parts.map((part) => el("li", {}, several ? [verdict(part.verdict), ": "] : null,
        longText(part.figures))))));
    }
    if (paper.notes.length) place.append(el("ul", {class: "remark"}, paper.notes.map((note) => el("li", {}, longText(note)))));
    root.append(place);
  }
});
