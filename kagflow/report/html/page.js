"use strict";
// Charts are drawn when they are scrolled into view; tables sort and filter; two runs are set side by side.
// Without this script all that is said in words and tables is still there.

// --- charts ---
const dark = matchMedia("(prefers-color-scheme: dark)");
const narrow = matchMedia("(max-width: 40rem)");

const wrapped = (text, most) => text.split(" ").reduce((lines, word) => {
  const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
  return lines.length && longer.length <= most ? [...lines.slice(0, -1), longer] : [...lines, word];
}, []).join("<br>");

// On a phone what is drawn needs the room that long names, titles and scales take elsewhere.
const fitPhone = ({ data, layout }) => {
  const shortened = (name) => (name.length > 22 ? `${name.slice(0, 15)}…${name.slice(-6)}` : name);
  const { xaxis, yaxis } = layout;
  const names = yaxis.ticktext ?? [...new Set(data.flatMap((trace) => trace.y ?? []).filter((y) => typeof y === "string"))];
  if (names.length) Object.assign(yaxis, { title: { text: "" }, tickvals: yaxis.tickvals ?? names, ticktext: names.map(shortened) });
  if (!xaxis.ticktext && data.some((trace) => typeof trace.x?.[0] === "number")) Object.assign(xaxis, { dtick: undefined, nticks: names.length ? 4 : 6, tickangle: 0 });
  if (xaxis.title?.text) xaxis.title.text = wrapped(xaxis.title.text, names.length ? 20 : 40);
  for (const trace of data) if (trace.colorbar) trace.colorbar = { thickness: 10 };
  if (data.some((trace) => trace.type === "heatmap" && typeof trace.x?.[0] === "string" && trace.x.length > 8)) {
    xaxis.showticklabels = false;  // they are those of the rows
  }
};
const templates = document.getElementById("templates");
if (templates && window.Plotly) {
  const { light, dark: darker, brighter } = JSON.parse(templates.textContent);
  const config = { displaylogo: false, responsive: true, displayModeBar: false };
  const draw = (canvas) => {
    let written = canvas.nextElementSibling.textContent;
    if (dark.matches) for (const [from, to] of Object.entries(brighter)) written = written.replaceAll(from, to);
    const figure = JSON.parse(written);
    if (narrow.matches) fitPhone(figure);
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
  for (const medium of [dark, narrow]) medium.addEventListener("change", () => drawn().forEach(draw));
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
// The page comes with the newest run beside the best one; what is said of a pair is the same, written by the same words.
const pairs = document.getElementById("pairs");
if (pairs) {
  const { runs, pairs: known, apart, about, words, command, minimize, shown, most_named } = JSON.parse(pairs.textContent);
  const form = document.getElementById("choose");
  const made = (kind, text, ...children) => {
    const element = Object.assign(document.createElement(kind), { textContent: text });
    element.append(...children);
    return element;
  };
  const compared = new Set(Object.keys(known).flatMap((key) => key.split(" ").map(Number)));
  const options = (label, wanted, chosen) => {
    const group = Object.assign(document.createElement("optgroup"), { label });
    runs.forEach((run, place) => {
      if (compared.has(place) === wanted) group.append(new Option(`${run.shown} (${run.cv})`, place, false, place === chosen));
    });
    return group;
  };
  [form.elements.first, form.elements.second].forEach((select, side) => {
    const groups = [options("compared on this page", true, shown[side]), options("others", false, shown[side])];
    select.append(...groups.filter((group) => group.children.length));
  });
  const table = (head, rows, kinds) => {
    const row = (kind) => (cells) => made("tr", "", ...cells.map((cell, column) => {
      const element = made(kind, cell);
      element.className = kinds[column] ?? "text";
      if (kind === "th") element.scope = "col";
      return element;
    }));
    const box = made("div", "", made("table", "", made("thead", "", row("th")(head)), made("tbody", "", ...rows.map(row("td")))));
    box.className = "scroll";
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", `table: ${head.filter(Boolean).join(", ")}`);
    return box;
  };
  const paragraph = (kind, ...children) => Object.assign(made("p", "", ...children), { className: kind });
  const whyApart = (a, b) => a.unpaired || b.unpaired
    || (Object.entries(apart).find(([what]) => a.made_on[what] !== b.made_on[what]) ?? [])[1];
  const betterFolds = (a, b) => {
    const both = a.folds.map((score, fold) => [score, b.folds[fold]]).filter(([x, y]) => x != null && y != null);
    const less = [both.filter(([x, y]) => x < y).length, both.filter(([x, y]) => x > y).length];
    return (minimize ? less : less.reverse()).map((count) => `${count} of ${both.length}`);
  };
  const only = (a, b) => {
    const own = a.features.filter((name) => !b.features.includes(name));
    return (own.slice(0, most_named).join(", ") || "none") + (own.length > most_named ? " and more" : "");
  };
  const differing = (a, b) => {
    const rows = [["CV ± s.e.", a.cv, b.cv]];
    if (a.public || b.public) rows.push(["public", a.public || "not sent", b.public || "not sent"]);
    if (!whyApart(a, b)) rows.push(["folds in which it is better", ...betterFolds(a, b)]);
    if (!a.alone || !b.alone) return [...rows, ["what changed", a.changed, b.changed]];
    const settings = [...new Set([...Object.keys(a.settings), ...Object.keys(b.settings)])];
    rows.push(...settings.map((key) => [key, a.settings[key] ?? "not set", b.settings[key] ?? "not set"]));
    rows.push(["features of its own", only(a, b), only(b, a)]);
    return rows.filter(([name, x, y], place) => x !== y || place === 0 || name === "public" || name.startsWith("folds"));
  };
  const moved = (a, b, rows, turned) => {
    const head = [made("h4", words.moved), paragraph("soft", about)];
    if (!rows.length) return [...head, paragraph("", words.none_moved)];
    const marked = (said, nearer) => (nearer ? `${words.nearer} ${said}` : said);
    const cells = rows.map(([row, truth, first, second, nearer]) => {
      const both = [marked(first, nearer === 0), marked(second, nearer === 1)];
      return [row, truth, ...(turned ? both.reverse() : both)];
    });
    return [...head, table([words.row, words.truth, a.shown, b.shown], cells, ["name", "number", "number", "number"])];
  };
  const show = () => {
    const [one, other] = [Number(form.elements.first.value), Number(form.elements.second.value)];
    const [a, b] = [runs[one], runs[other]];
    const [there, back] = [known[`${one} ${other}`], known[`${other} ${one}`]];
    const told = there ?? back;
    const why = whyApart(a, b);
    const said = told ? [told.said] : one === other ? [words.same] : why ? [`${words.apart} ${why}.`]
      : [`${words.ask} `, made("code", `${command} ${a.name} --against ${b.name}`)];
    document.getElementById("side-by-side").replaceChildren(
      paragraph("said", ...said),
      ...(one === other ? [] : [table(["", a.shown, b.shown], differing(a, b), [])]),
      ...(told?.moved ? moved(a, b, told.moved, !there) : []));
  };
  form.addEventListener("change", show);
  form.hidden = false;
}
