// What both live pages say, and how their tables show that they moved.
import { $, el } from "./elements.js";

export function told(table) {
  const hidden = table.total - table.rows.length;
  return `${table.qualified.toLocaleString("en-US")} of ${table.total.toLocaleString("en-US")} have the ${table.min_plays.toLocaleString("en-US")} plays that a rank needs.`
    + `${hidden > 0 ? ` The best ${table.rows.length} are shown.` : ""} Small: what was expected, and the 90% interval. Model ${table.model}.`;
}
export function moved(node, table, changed) {
  table.rows.forEach((row, i) => { if (changed.has(row.key)) node.tBodies[0].rows[i].classList.add("moved"); });
}
// Of a filter, the service shows the place below its first line, with a caret.
export function refuse(detail) {
  const [first, ...rest] = detail.split("\n");
  $("refused").replaceChildren(el("p", first), ...(rest.length ? [el("pre", rest.join("\n"))] : []));
  $("refused").hidden = false;
  $("ratings").hidden = true;
  $("told").textContent = "";
}
