"use strict";
// Charts are drawn when they are scrolled into view; tables sort and filter; two runs are set side by side.
// Without this script all that is said in words and tables is still there.

// --- charts ---
const dark = matchMedia("(prefers-color-scheme: dark)");
const templates = document.getElementById("templates");
if (templates && window.Plotly) {
  const { light, dark: darker, brighter } = JSON.parse(templates.textContent);
  const config = { displaylogo: false, responsive: true, displayModeBar: false };
  const draw = (canvas) => {
    let written = canvas.nextElementSibling.textContent;
    if (dark.matches) for (const [from, to] of Object.entries(brighter)) written = written.replaceAll(from, to);
    const figure = JSON.parse(written);
    figure.layout.template = { layout: dark.matches ? darker : light };
    Plotly.react(canvas, figure.data, figure.layout, config);
  };
  const canvases = [...document.querySelectorAll(".canvas")];
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: "300px" });
  for (const canvas of canvases) watcher.observe(canvas);
  const drawn = () => canvases.filter((canvas) => canvas.classList.contains("js-plotly-plot"));
  dark.addEventListener("change", () => drawn().forEach(draw));
  addEventListener("beforeprint", () => canvases.forEach(draw));
}

// --- tables ---
const text = (cell) => cell.dataset.by ?? cell.textContent.trim();
const compare = (a, b) => {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
};
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const keyed = [...body.rows].map((row) => [text(row.cells[column]), row]);
      keyed.sort(([a], [b]) => (a === "" || b === "" ? (a === "") - (b === "") : sign * compare(a, b)));
      body.append(...keyed.map(([, row]) => row));
    });
  });
  const label = document.createElement("label");
  label.className = "filter small";
  const input = document.createElement("input");
  input.type = "search";
  label.append("Show rows with ", input);
  table.closest(".scroll").before(label);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of body.rows) {
      const words = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => words.includes(word));
    }
  });
}

// --- two runs ---
const pairs = document.getElementById("pairs");
if (pairs) {
  const data = JSON.parse(pairs.textContent);
  const choose = (name, chosen) => {
    const select = document.createElement("select");
    select.setAttribute("aria-label", name);
    data.runs.forEach((run, place) => select.append(new Option(`${run.shown} (${run.cv})`, place, false, place === chosen)));
    return select;
  };
  const [first, second] = [choose("first run", data.first), choose("second run", data.second)];
  const result = document.createElement("div");
  result.className = "scroll";
  const row = (kind, ...cells) => {
    const made = document.createElement("tr");
    for (const cell of cells) made.append(Object.assign(document.createElement(kind), { textContent: cell }));
    return made;
  };
  const byFolds = (a, b) => {
    const gaps = a.folds.map((score, fold) => (score === null || b.folds[fold] == null ? NaN : score - b.folds[fold]));
    const there = gaps.filter(Number.isFinite);
    if (a.folds.length !== b.folds.length || !there.length) return "no folds in common";
    const better = there.filter((gap) => (data.minimize ? gap < 0 : gap > 0)).length;
    return `the first is better in ${better} of ${there.length}`;
  };
  const only = (a, b) => a.features.filter((name) => !b.features.includes(name)).join(", ") || "–";
  const show = () => {
    const [a, b] = [data.runs[first.value], data.runs[second.value]];
    const table = document.createElement("table");
    const head = document.createElement("thead");
    head.append(row("th", "", a.shown, b.shown));
    const body = document.createElement("tbody");
    body.append(row("td", "CV ± s.e.", a.cv, b.cv));
    const known = data.differences[`${first.value} ${second.value}`];
    if (known) body.append(row("td", "difference, paired", known, ""));
    body.append(row("td", "folds", byFolds(a, b), ""));
    for (const key of a.alone && b.alone ? data.keys : []) {
      const [x, y] = [a.settings[key] ?? "–", b.settings[key] ?? "–"];
      if (x !== y) body.append(row("td", key, x, y));
    }
    if (!a.alone || !b.alone) body.append(row("td", "what changed", a.changed, b.changed));
    else if (only(a, b) !== only(b, a)) body.append(row("td", "features of its own", only(a, b), only(b, a)));
    table.append(head, body);
    result.replaceChildren(table);
  };
  first.addEventListener("change", show);
  second.addEventListener("change", show);
  document.getElementById("side-by-side").replaceChildren(first, " against ", second, result);
  show();
}
