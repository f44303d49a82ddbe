/* What was not judged and why: a list for each reason. */
"use strict";
edgeperf.section("not-judged", function (root, data) {
  const {copyButton, el, link, longText} = edgeperf;
  const FIRST = 12;
  const SIGNS = {bad: "✕", warning: "!", note: "·"};

  const item = (one) => el("li", {}, one.anchor ? [link(one), one.text ? ": " : ""] : null, one.text ? longText(one.text) : null);

  for (const group of data.groups) {
    const place = el("div", {class: "reason " + group.level},
      el("h3", {}, el("span", {"aria-hidden": "true"}, SIGNS[group.level] + " "), group.title),
      el("p", {class: "remark"}, longText(group.why)), el("ul", {}, group.items.slice(0, FIRST).map(item)));
    const others = group.items.slice(FIRST);
    if (others.length) {
      const more = el("details", {}, el("summary", {}, "and " + others.length + " more"));
      more.addEventListener("toggle", () => { if (more.open && more.children.length === 1) more.append(el("ul", {}, others.map(item))); });
      place.append(more);
    }
    for (const command of group.commands || []) place.append(el("p", {class: "command"}, el("code", {tabindex: "0"}, command), " ",
      copyButton(command, "Copy the command")));
    root.append(place);
  }
});
