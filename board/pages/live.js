// What both live pages share: the summary below a table, changed rows, and refusals.
import { $, el } from "./elements.js";

// `scales`: the minimum is the task's own, which grows with the games played.
export function summary(table, scales = true) {
  const hidden = table.total - table.rows.length, count = (number) => number.toLocaleString("en-US");
  return `${count(table.qualified)} of ${count(table.total)} ranked (minimum ${count(table.min_plays)} ${table.min_plays === 1 ? "play" : "plays"}${scales ? ", which scales with games played" : ""}).`
    + `${hidden > 0 ? ` The best ${table.rows.length} are shown.` : ""} In small type: what was expected, and the 90% interval. Model ${table.model}.`;
}
export function moved(node, table, changed) {
  table.rows.forEach((row, i) => { if (changed.has(row.key)) node.tBodies[0].rows[i].classList.add("moved"); });
}
// For a filter, the lines after the first show the place of the error, with a caret.
export function refuse(detail) {
  const [first, ...rest] = detail.split("\n");
  $("refused").replaceChildren(el("p", first), ...(rest.length ? [el("pre", rest.join("\n"))] : []));
  $("refused").hidden = false;
  $("ratings").hidden = true;
  $("summary").textContent = "";
}
