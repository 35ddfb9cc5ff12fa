"use strict";
// Tables sort and filter, and two runs are set side by side; without this script all of the page is still there.
const text = (cell) => cell.dataset.by ?? cell.textContent.trim();
const compare = (a, b) => {
  const [x, y] = [parseFloat(a), parseFloat(b)];
  if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1;
  return Number.isNaN(x) ? a.localeCompare(b) : x - y;
};
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].sort((a, b) => (up ? 1 : -1) * compare(text(a.cells[column]), text(b.cells[column])));
      body.append(...rows);
    });
  });
  const label = document.createElement("label");
  label.className = "small";
  const input = document.createElement("input");
  input.type = "search";
  label.append("Show rows with: ", input);
  table.closest(".scroll").before(label);
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of body.rows) {
      const words = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => words.includes(word));
    }
  });
}
const pairs = document.getElementById("pairs");
if (pairs) {
  const data = JSON.parse(pairs.textContent);
  const place = document.getElementById("side-by-side");
  const make = (name, chosen) => {
    const select = document.createElement("select");
    select.setAttribute("aria-label", name);
    data.runs.forEach((run, k) => select.append(new Option(`${run.shown} (${run.cv})`, k, false, k === chosen)));
    return select;
  };
  const [first, second] = [make("first run", data.first), make("second run", data.second)];
  const result = document.createElement("div");
  const row = (...cells) => {
    const made = document.createElement("tr");
    for (const cell of cells) made.append(Object.assign(document.createElement("td"), { textContent: cell }));
    return made;
  };
  const show = () => {
    const [a, b] = [data.runs[first.value], data.runs[second.value]];
    const table = document.createElement("table");
    table.append(row("", a.shown, b.shown), row("cv", a.cv, b.cv));
    for (const key of data.keys) {
      const [x, y] = [a.settings[key] ?? "–", b.settings[key] ?? "–"];
      if (x !== y) table.append(row(key, x, y));
    }
    const known = data.differences[`${first.value} ${second.value}`] ?? "";
    const said = document.createElement("p");
    const gaps = a.folds.map((score, k) => score - b.folds[k]).filter(Number.isFinite);
    const less = gaps.filter((gap) => gap < 0).length;
    const better = data.minimize ? less : gaps.filter((gap) => gap > 0).length;
    const byFolds = a.folds.length === b.folds.length && gaps.length
      ? `The first is better in ${better} of ${gaps.length} folds.` : "";
    said.textContent = [known, byFolds].filter(Boolean).join(" ");
    result.replaceChildren(said, table);
  };
  first.addEventListener("change", show);
  second.addEventListener("change", show);
  place.replaceChildren(first, " against ", second, result);
  show();
}
