// Ratings as a table: `table` is what `board.ratings.table` makes, with rows or without.
import { called, el, heading, number, small } from "./elements.js";
import { interval, scaleOf } from "./interval.js";

export function ratingsHead(table, groups = []) {
  return el("tr", [
    heading("Rank", "number"),
    ...(groups.length ? groups.map((name) => heading(name)) : [heading(table.subject)]),
    heading(table.plays, "number"),
    ...table.columns.map((name) => heading(name, "number wide")),
    heading(table.measure, "number"),
    el("td", [], { class: "graphic", "aria-hidden": "true" }),
  ]);
}
export function ratingsRow(table, row, scale, { groups = [], link = null } = {}) {
  const who = row.name || "All";
  const name = link ? el("a", called(who), { href: link }) : called(who);
  const first = [name, row.team ? el("small", called(row.team)) : null];
  return el("tr", [
    number(row.rank || "-"),
    ...(groups.length
      ? groups.map((field, i) => el(i ? "td" : "th", field === "subject_id" ? first : called(row.group[field]), i ? {} : { scope: "row" }))
      : [el("th", first, { scope: "row" })]),
    number(row.plays.toLocaleString("en-US")),
    ...row.cells.map(([value, expected]) => number([value, small(expected)], "wide")),
    number([row.text, small(row.interval)], "rating"),
    el("td", interval(row, scale), { class: "graphic", "aria-hidden": "true" }),
  ], { class: row.qualified ? "" : "unranked" });
}
export function showRatings(node, table, options = {}) {
  const scale = scaleOf(table.rows, table.domain);
  node.tHead.replaceChildren(ratingsHead(table, options.groups));
  node.tBodies[0].replaceChildren(...table.rows.map((row) => ratingsRow(table, row, scale, options)));
}
