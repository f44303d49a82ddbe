/* What every section uses: elements from text, the data of a section, formats, colours. Nothing here parses HTML. */
"use strict";
(function () {
  const renderers = new Map();
  const listeners = [];

  /* el("p", {class: "x"}, "text", otherElement): every text is text. */
  function el(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") made.addEventListener(name, value);
      else made.setAttribute(name, value === true ? "" : String(value));
    }
    append(made, children);
    return made;
  }

  function append(parent, children) {
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined || child === false || child === "") continue;
      parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
    return parent;
  }

  const LONGEST = 300;
  /* A text in its own direction; a long one is cut, with the whole behind a click. */
  function longText(text) {
    const whole = String(text);
    if (whole.length <= LONGEST) return el("bdi", {}, whole);
    return el("details", {class: "long"},
      el("summary", {}, el("bdi", {}, shortened(whole, 260))), el("bdi", {}, whole));
  }

  /* A text for places without room, its middle left out. */
  function shortened(text, most) {
    const whole = String(text);
    if (whole.length <= most) return whole;
    const tail = Math.floor(most / 4);
    return whole.slice(0, most - tail - 1) + "…" + whole.slice(-tail);
  }

  /* Three significant digits, or as many as the whole part has. */
  function significant(value, digits = 3) {
    if (typeof value !== "number" || !isFinite(value)) return "–";
    const size = Math.abs(value);
    if (size === 0) return "0";
    if (size < 1e-6 || size >= 1e9) return value.toExponential(digits - 1);
    return value.toFixed(Math.max(0, Math.min(9, digits - 1 - Math.floor(Math.log10(size)))));
  }

  function quantity(value, unit, digits) {
    const text = significant(value, digits);
    return text === "–" ? text : (text + " " + (unit || "")).trim();
  }

  /* +8.1 % of 8.1, spelled as the texts of the page are. */
  function percent(value) {
    if (typeof value !== "number" || !isFinite(value)) return "–";
    const text = Math.abs(value).toFixed(Math.abs(value) >= 99.95 ? 0 : 1);
    return (Number(text) !== 0 && value < 0 ? "-" : "+") + text + " %";
  }

  /* Seconds since 1970 as 2026-11-30 17:05:09 UTC. */
  function moment(seconds) {
    if (typeof seconds !== "number") return "–";
    return new Date(1000 * seconds).toISOString().replace("T", " ").slice(0, 19) + " UTC";
  }

  const VERDICTS = {
    regressed: "▲", failed: "✕", inconclusive: "?", incomparable: "≠", missing: "–", new: "+", improved: "▼",
    unchanged: "=", measured: "·",
  };

  /* A verdict as a sign and a word, so that colour only adds. */
  function badge(word) {
    return el("span", {class: "badge " + (word in VERDICTS ? word : "measured")},
      el("span", {class: "sign", "aria-hidden": "true"}, VERDICTS[word] || "·"), " ", word);
  }

  /* A table: head is a list of texts, rows are lists of texts, numbers or elements; the first column heads its row. */
  function table(head, rows, caption) {
    return el("div", {class: "scroll", tabindex: "0", role: "group", "aria-label": caption || "Table"}, el("table", {},
      caption ? el("caption", {}, caption) : null,
      el("thead", {}, el("tr", {}, head.map((title) => el("th", {scope: "col"}, title)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell, column) =>
        el(column ? "td" : "th", column ? {} : {scope: "row"}, cell instanceof Node ? cell : longText(cell ?? "–"))))))));
  }

  function copyButton(text, label) {
    return el("button", {type: "button", class: "copy", "aria-label": label, click: (event) => copy(text, event.currentTarget)},
      "Copy");
  }

  function copy(text, button) {
    const say = (word) => {
      const before = button.textContent;
      if (before === word) return;
      button.textContent = word;
      announce(word);
      setTimeout(() => { button.textContent = before; }, 1500);
    };
    const byHand = () => {
      const field = el("textarea", {class: "away"});
      field.value = text;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      button.focus();
      say(done ? "Copied" : "Not copied");
    };
    if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text).then(() => say("Copied"), byHand);
    else byHand();
  }

  function announce(text) {
    let place = document.getElementById("announced");
    if (!place) {
      place = el("p", {id: "announced", class: "away", role: "status"});
      document.body.append(place);
    }
    place.textContent = text;
  }

  /* The colours of the theme in force, by the names of the style sheet: color("bad"). */
  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function onThemeChange(callback) {
    listeners.push(callback);
  }

  function themeChanged() {
    for (const callback of listeners) callback();
  }

  function setUpTheme() {
    const select = document.getElementById("theme");
    let kept = null;
    try { kept = localStorage.getItem("edgeperf-theme"); } catch (error) { /* not allowed for this file */ }
    const use = (value) => {
      if (value === "light" || value === "dark") document.documentElement.dataset.theme = value;
      else delete document.documentElement.dataset.theme;
      themeChanged();
    };
    if (kept === "light" || kept === "dark") {
      select.value = kept;
      use(kept);
    }
    select.addEventListener("change", () => {
      try { localStorage.setItem("edgeperf-theme", select.value); } catch (error) { /* not allowed for this file */ }
      use(select.value);
    });
    for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", themeChanged);
  }

  /* section("id", (root, data) => …): what draws a section, called once, when it comes near the window. */
  function section(id, renderer) {
    renderers.set(id, renderer);
  }

  function draw(root) {
    const id = root.dataset.section;
    if (root.dataset.drawn || !renderers.has(id)) return;
    root.dataset.drawn = "yes";
    renderers.get(id)(root, JSON.parse(document.getElementById("data-" + id).textContent));
  }

  /* Calls once when the element comes within a window's height of what is seen. */
  function whenNear(element, callback) {
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      callback();
    }, {rootMargin: "100% 0px"});
    seen.observe(element);
  }

  function start() {
    document.documentElement.classList.add("scripted");
    setUpTheme();
    for (const button of document.querySelectorAll("[data-copy]"))
      button.addEventListener("click", () => copy(button.dataset.copy, button));
    const roots = [...document.querySelectorAll("[data-section]")];
    for (const root of roots) {
      if (root.dataset.section === "benchmarks") draw(root);
      else whenNear(root, () => draw(root));
    }
    addEventListener("beforeprint", () => roots.forEach(draw));
    document.documentElement.dataset.ready = "yes";
  }

  window.edgeperf = {
    announce, append, badge, color, copyButton, el, longText, moment, onThemeChange, percent, quantity, section,
    shortened, significant, start, table, whenNear,
    /* Where a page lists benchmarks, their section has others in place of these. */
    hasBenchmark: () => false, goTo: () => {},
  };
})();
