// A rating with its 90% interval, as a dot on a line. The numbers stand beside it.
import { svg } from "./elements.js";

// Where values lie, in percent of the width: between the ends of the domain, or symmetrically around zero.
export function scaleOf(rows, domain) {
  const furthest = Math.max(0.5, ...rows.flatMap((row) => [-row.low, row.high]));
  const [first, last] = domain ?? [-furthest, furthest];
  return { zero: domain ? null : 50, at: (value) => 3 + (94 * (value - first)) / (last - first) };
}
export function interval(row, scale, series = 0) {
  const percent = (value) => `${scale.at(value).toFixed(2)}%`;
  return svg("svg", { class: `interval series-${series}`, "aria-hidden": "true" }, [
    scale.zero === null ? null : svg("line", { x1: "50%", x2: "50%", y1: 0, y2: 18, class: "zero" }),
    svg("line", { x1: percent(row.low), x2: percent(row.high), y1: 9, y2: 9, class: "range" }),
    svg("circle", { cx: percent(row.value), cy: 9, r: 5 }),
  ]);
}
