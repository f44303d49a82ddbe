/* The list of benchmarks: grouped by file and function, filtered, sorted; a row is filled when it is opened. */
"use strict";
(function () {
  const {announce, append, badge, el, longText, section, shortened} = edgeperf;
  const SORTS = {
    worst: "worst first, by file", change: "largest change", value: "slowest", name: "name",
  };
  /* With more rows than this, groups in which nothing changed are folded. */
  const MOST_UNFOLDED = 40;
  const CALM = new Set(["unchanged", "improved", "measured", "new"]);

  section("benchmarks", (root, data) => {
    const rank = new Map(data.verdicts.map((word, position) => [word, position]));
    const rows = data.benchmarks.map((benchmark) => row(benchmark, data, rank.get(benchmark.verdict) ?? 99));
    const state = {text: "", words: new Set(), sort: "worst"};
    const list = el("div", {class: "list"});
    const status = el("p", {class: "remark", role: "status"});
    const show = () => {
      const words = state.text.toLowerCase().split(/\s+/).filter(Boolean);
      const kept = rows.filter(({benchmark, searched}) => (!state.words.size || state.words.has(benchmark.verdict))
        && words.every((word) => searched.includes(word)));
      const filtered = kept.length < rows.length;
      state.kept = new Set(kept);
      list.replaceChildren(...(state.sort === "worst" ? grouped(kept, filtered) : flat(kept, state.sort)));
      status.textContent = filtered ? kept.length + " of " + rows.length + " benchmarks" : rows.length + " benchmarks";
    };
    const tools = controls(data, rows, state, show);
    append(root, [tools.element, status, heading(data), list]);
    list.addEventListener("keydown", (event) => move(event, list));
    show();

    const anchors = new Set(rows.map(({benchmark}) => benchmark.anchor));
    edgeperf.hasBenchmark = (anchor) => anchors.has(anchor);
    edgeperf.goTo = (anchor) => {
      if (!anchors.has(anchor)) return;
      if (location.hash === "#" + anchor) follow();
      else location.hash = "#" + anchor;
    };
    const follow = () => {
      const wanted = rows.find(({benchmark}) => "#" + benchmark.anchor === location.hash);
      if (!wanted) return;
      if (!state.kept.has(wanted)) {
        tools.clear();
        announce("The filter was cleared to show the benchmark");
      }
      wanted.unfold();
      wanted.element.open = true;
      wanted.element.scrollIntoView({block: "start"});
      wanted.element.querySelector("summary").focus({preventScroll: true});
    };
    addEventListener("hashchange", follow);
    follow();
    addEventListener("beforeprint", () => rows.forEach((one) => { if (state.kept.has(one) && !CALM.has(one.benchmark.verdict)) one.fill(); }));
  });

  function controls(data, rows, state, show) {
    const text = el("input", {type: "search", id: "filter", placeholder: "Part of a name", autocomplete: "off",
      input: () => { state.text = text.value; show(); }});
    const counts = new Map();
    for (const {benchmark} of rows) counts.set(benchmark.verdict, (counts.get(benchmark.verdict) || 0) + 1);
    const present = data.verdicts.filter((word) => counts.has(word));
    const boxes = present.map((word) => {
      const box = el("input", {type: "checkbox", value: word, change: () => {
        if (box.checked) state.words.add(word);
        else state.words.delete(word);
        show();
      }});
      return el("label", {class: "choice"}, box, badge(word), " ", String(counts.get(word)));
    });
    const sort = el("select", {id: "sort", change: () => { state.sort = sort.value; show(); }},
      Object.entries(SORTS).map(([value, words]) => el("option", {value}, words)));
    const clear = () => {
      text.value = state.text = "";
      state.words.clear();
      for (const box of boxes) box.querySelector("input").checked = false;
      show();
    };
    const element = el("form", {class: "tools", role: "search", submit: (event) => event.preventDefault()},
      el("label", {class: "field"}, "Filter ", text),
      el("label", {class: "field"}, "Sort by ", sort),
      present.length > 1 ? el("fieldset", {}, el("legend", {}, "Only"), boxes) : null,
      el("button", {type: "button", click: clear}, "Show all"));
    return {element, clear};
  }

  function heading(data) {
    return el("div", {class: "columns", "aria-hidden": "true"}, el("span", {}, "verdict"), el("span", {}, "benchmark"),
      el("span", {class: "number"}, "latency"), el("span", {class: "number"}, data.judged ? "change [95 %]" : ""),
      el("span", {class: "scale"}, data.judged ? [el("span", {}, "-" + data.range.toFixed(0) + " %"), el("span", {}, "0"),
        el("span", {}, "+" + data.range.toFixed(0) + " %")] : null));
  }

  /* Rows by file, then by function; groups with the worst first. */
  function grouped(rows, filtered) {
    const files = new Map();
    for (const one of [...rows].sort(byWorst)) {
      const functions = files.get(one.benchmark.file) || files.set(one.benchmark.file, new Map()).get(one.benchmark.file);
      const members = functions.get(one.benchmark.function) || [];
      functions.set(one.benchmark.function, [...members, one]);
    }
    return [...files].map(([file, functions]) => el("section", {class: "file"}, el("h3", {}, longText(file)),
      [...functions].map(([name, members]) => group(name, members, rows.length > MOST_UNFOLDED && !filtered))));
  }

  function group(name, members, fold) {
    for (const one of members) one.callIt(one.benchmark.parameters || name);
    if (members.length === 1 && !members[0].benchmark.parameters) return members[0].element;
    const calm = members.every((one) => CALM.has(one.benchmark.verdict));
    const counts = new Map();
    for (const {benchmark} of members) counts.set(benchmark.verdict, (counts.get(benchmark.verdict) || 0) + 1);
    const made = el("details", {class: "group", open: !(fold && calm)},
      el("summary", {}, el("h4", {}, longText(name)), el("span", {class: "counts"},
        [...counts].map(([word, number]) => number + " " + word).join(", "))));
    const fill = () => { if (made.children.length === 1) append(made, members.map((one) => one.element)); };
    /* Hundreds of rows that nobody opens need not be made. */
    if (made.open) fill();
    made.addEventListener("toggle", fill);
    for (const one of members) one.unfold = () => { fill(); made.open = true; };
    return made;
  }

  function flat(rows, sort) {
    const orders = {
      change: (a, b) => Math.abs(b.benchmark.ratio ?? -1) - Math.abs(a.benchmark.ratio ?? -1),
      value: (a, b) => (b.benchmark.sort ?? -1) - (a.benchmark.sort ?? -1),
      name: byName,
    };
    return [...rows].sort(orders[sort]).map((one) => {
      one.callIt(one.benchmark.function + (one.benchmark.parameters || ""), one.benchmark.file);
      return one.element;
    });
  }

  function byWorst(a, b) {
    const bySize = CALM.has(a.benchmark.verdict) ? 0 : Math.abs(b.benchmark.ratio ?? 0) - Math.abs(a.benchmark.ratio ?? 0);
    return a.rank - b.rank || bySize || byName(a, b);
  }

  const names = new Intl.Collator("en", {numeric: true});
  function byName(a, b) {
    return names.compare(a.benchmark.id, b.benchmark.id);
  }

  /* A benchmark in the list; its element is made when it is first shown. */
  function row(benchmark, data, rank) {
    let made = null, text = "", file = "";
    const element = () => {
      if (!made) {
        made = rowElement(benchmark, data);
        nameIt();
      }
      return made;
    };
    const nameIt = () => made.querySelector(".name").replaceChildren(
      el("bdi", {title: text.length > 120 ? shortened(text, 400) : null}, shortened(text, 120)),
      file ? el("span", {class: "of"}, shortened(file, 80)) : "");
    return {
      benchmark, rank, searched: (benchmark.id + " " + benchmark.verdict).toLowerCase(),
      get element() { return element(); },
      fill: () => fill(element(), benchmark, data),
      unfold: () => {},
      callIt(name, of = "") {
        [text, file] = [name, of];
        this.unfold = () => {};
        if (made) nameIt();
      },
    };
  }

  function rowElement(benchmark, data) {
    const label = benchmark.label && benchmark.change ? benchmark.label + " " : "";
    const made = el("details", {class: "row", id: benchmark.anchor}, el("summary", {}, badge(benchmark.verdict),
      el("span", {class: "name"}),
      el("span", {class: "number value"}, benchmark.value || ""),
      el("span", {class: "number change"}, benchmark.change ? el("strong", {}, label, benchmark.change) : null,
        benchmark.interval ? [" ", el("span", {class: "interval"}, benchmark.interval)] : null),
      data.judged ? edgeperf.intervalBar(benchmark, data.range) : el("span")));
    made.addEventListener("toggle", () => { if (made.open) fill(made, benchmark, data); });
    return made;
  }

  function fill(element, benchmark, data) {
    if (element.children.length > 1) return;
    const body = el("div", {class: "opened"});
    element.append(body);
    edgeperf.openBenchmark(body, benchmark, data);
  }

  /* Arrow keys go from row to row, where one has the focus. */
  function move(event, list) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!event.target.matches("summary") || (step === undefined && event.key !== "Home" && event.key !== "End")) return;
    const shown = [...list.querySelectorAll(".row > summary, .group > summary")].filter((one) => one.offsetParent);
    const at = shown.indexOf(event.target);
    const to = step === undefined ? (event.key === "Home" ? 0 : shown.length - 1) : at + step;
    if (at < 0 || !shown[to]) return;
    event.preventDefault();
    shown[to].focus();
  }

})();
