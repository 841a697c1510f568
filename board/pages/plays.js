// Plays as a table whose columns sort: rows are what `board.plays.play_rows` makes.
import { called, el, number } from "./elements.js";
import { distribution } from "./distribution.js";

const AT_FIRST = 50;
export function playRow(row, { subjects, game }) {
  return el("tr", [
    el("th", [
      subjects ? called(row.subject) : called(row.when || `Play ${row.play}`),
      el("small", called([subjects ? row.when : "", row.situation].filter(Boolean).join(", "))),
      el("small", [...(game ? ["game ", called(row.game), ", "] : []), "play ", called(row.play)]),
    ], { scope: "row" }),
    el("td", row.result),
    number(row.text, "rating"),
    el("td", distribution(row.drawn, `What was expected; ${row.result}.`), { class: "graphic" }),
  ]);
}
export function showPlays(node, { rows, measure, subjects, game }, more = null) {
  const keys = { Play: (row) => row.place, Result: (row) => row.drawn?.came ?? row.result, [measure]: (row) => row.value ?? -1 };
  let by = "Play", down = true, shown = AT_FIRST;
  const comparable = (a, b) => (typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a < typeof b ? -1 : 1);
  function show() {
    const sorted = [...rows].sort((a, b) => (comparable(keys[by](a), keys[by](b)) || a.place - b.place) * (down ? -1 : 1));
    node.tBodies[0].replaceChildren(...sorted.slice(0, shown).map((row) => playRow(row, { subjects, game })));
    for (const head of node.tHead.rows[0].cells) {
      if (head.dataset.by) head.setAttribute("aria-sort", head.dataset.by === by ? (down ? "descending" : "ascending") : "none");
    }
    if (!more) return;
    more.hidden = shown >= rows.length;
    more.textContent = `Show all ${rows.length.toLocaleString("en-US")}`;
  }
  node.tHead.replaceChildren(el("tr", [
    ...Object.keys(keys).map((name) => {
      const button = el("button", name, { type: "button" });
      button.onclick = () => { down = by === name ? !down : true; by = name; show(); };
      return el("th", button, { scope: "col", "data-by": name, class: name === measure ? "number" : "" });
    }),
    el("th", "What was expected", { scope: "col", class: "graphic" }),
  ]));
  if (more) more.onclick = () => { shown = rows.length; show(); };
  show();
}
