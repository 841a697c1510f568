// Charts by Plot (vendor/), each drawn to the width of its place.
import { color, el, svg } from "./elements.js";

const { Plot } = globalThis;
// Plot's own style element would need a policy that lets styles in; pages.css has its rules.
function plotted(options) {
  const chart = Plot.plot(options);
  for (const style of chart.querySelectorAll("style")) style.remove();
  return chart;
}
// Draws again when the width changes.
export function drawn(place, draw) {
  let width = 0;
  const redraw = () => {
    if (!place.clientWidth) return;
    width = place.clientWidth;
    place.replaceChildren(draw(width));
  };
  new ResizeObserver(() => { if (place.clientWidth !== width) redraw(); }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  redraw();
  return redraw;
}
const LONGEST = 18;
export const trendChart = ({ points, domain, measure, by }) => (width) => {
  const shorter = (label) => (label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label);
  const longest = Math.max(...points.map((point) => shorter(point.label).length)), isLong = longest > 4;
  const step = Math.max(1, Math.ceil((points.length * (isLong ? 26 : 30)) / (width - 60)));
  const at = points.map((_, i) => i);
  return plotted({
    width, height: 280, marginLeft: 44, marginRight: 14, marginBottom: isLong ? 30 + 5.6 * longest : 40,
    x: { type: "point", domain: at, ticks: at.filter((i) => i % step === 0), tickFormat: (i) => shorter(points[i].label), tickRotate: isLong ? -50 : 0, label: isLong ? null : by },
    y: { domain: domain ?? undefined, grid: true, label: measure, nice: !domain },
    marks: [
      domain ? null : Plot.ruleY([0]),
      Plot.ruleX(points, { x: (_, i) => i, y1: "low", y2: "high", stroke: color("most"), strokeWidth: 3 }),
      Plot.lineY(points, { x: (_, i) => i, y: "value", stroke: color("middle") }),
      Plot.dot(points, { x: (_, i) => i, y: "value", r: 4.5, fill: color("middle"), title: (point) => `${point.label}: ${point.text} (${point.interval}), ${point.plays} plays` }),
    ],
  });
};

/* The attacking end of the rink: feet from its center, the net attacked at x = 89. */
const ICE = { left: 10, right: 101, bottom: -43, top: 43 };
function ice(_, { x, y }) {
  const feet = x(1) - x(0), line = (at, name) => svg("line", { class: name, x1: x(at), x2: x(at), y1: y(-42.5), y2: y(42.5) });
  const ring = (cx, cy, r) => svg("circle", { class: "red", cx: x(cx), cy: y(cy), r: r * feet });
  const boards = { x: x(-100), y: y(42.5), width: 200 * feet, height: 85 * feet, rx: 28 * feet };
  const crease = `M${x(89)} ${y(6)}A${6 * feet} ${6 * feet} 0 0 0 ${x(89)} ${y(-6)}Z`;
  return svg("svg", { class: "ice", x: x(ICE.left), y: y(ICE.top), width: x(ICE.right) - x(ICE.left), height: y(ICE.bottom) - y(ICE.top), viewBox: `${x(ICE.left)} ${y(ICE.top)} ${x(ICE.right) - x(ICE.left)} ${y(ICE.bottom) - y(ICE.top)}` }, [
    svg("rect", { ...boards, class: "sheet" }), line(25, "blue"), svg("line", { class: "red", x1: x(89), x2: x(89), y1: y(-36.8), y2: y(36.8) }),
    ...[-22, 22].flatMap((cy) => [ring(69, cy, 15), ring(69, cy, 1), ring(20, cy, 1)]),
    svg("path", { class: "crease", d: crease }), svg("rect", { class: "net", x: x(89), y: y(3), width: 3.3 * feet, height: 6 * feet }),
  ]);
}
const rinkChart = (plays) => (width) => {
  const shots = plays.filter((play) => play.ice && play.ice.x >= ICE.left).sort((a, b) => a.drawn.came - b.drawn.came);
  const across = Math.min(width, 760);
  return plotted({
    width: across, height: (across * (ICE.top - ICE.bottom)) / (ICE.right - ICE.left), margin: 0, axis: null,
    x: { domain: [ICE.left, ICE.right] }, y: { domain: [ICE.bottom, ICE.top] }, r: { type: "identity" },
    marks: [ice, Plot.dot(shots, {
      x: (shot) => shot.ice.x, y: (shot) => shot.ice.y, r: (shot) => (3 + 14 * Math.sqrt(shot.value)) * Math.min(1, across / 640),
      fill: (shot) => color(shot.ice.level || "outer"), fillOpacity: (shot) => (shot.drawn.came ? 1 : 0.6),
      stroke: (shot) => (shot.drawn.came ? color("goal") : "rgba(0,0,0,.35)"), strokeWidth: (shot) => (shot.drawn.came ? 3 : 1),
      title: (shot) => `${shot.text}, ${shot.result}: ${shot.situation}`,
    })],
  });
};

/* The field from behind the offense: where passers stood at the release, and how passes of each depth came out. */
const DEPTHS = [["behind line", -5, 0], ["short", 0, 10], ["intermediate", 10, 20], ["deep", 20, 32]];
const FIELD = { side: 80 / 3, bottom: -16 };
const COLORS = { low: 0.2, middle: 0.5, high: 0.8 };
// Of all passes where their counts and means are given, else of those that are drawn.
const fieldChart = (plays, given) => (width) => {
  const graded = plays.filter((play) => play.value !== null);
  const bands = DEPTHS.map(([depth, low, high], i) => {
    const thrown = graded.filter((play) => play.field.depth === depth);
    const mean = thrown.reduce((sum, play) => sum + play.value, 0) / thrown.length;
    return { depth, low, high, count: thrown.length, mean, ...given?.[i] };
  });
  const spots = graded.filter((play) => play.field.lateral !== null && play.field.behind !== null);
  const across = Math.min(width, 640), scale = across / (2 * FIELD.side), top = DEPTHS.at(-1)[2];
  const words = (band) => `${band.depth}: ${band.count ? `${counted(band.count, "pass", "passes")}, play score ${band.mean.toFixed(2)}` : "none"}`;
  return plotted({
    width: across, height: (top - FIELD.bottom) * scale, margin: 0, axis: null,
    x: { domain: [FIELD.side, -FIELD.side] }, y: { domain: [FIELD.bottom, top] }, r: { type: "identity" },
    color: { type: "diverging", scheme: "PuOr", domain: [COLORS.low, COLORS.high], pivot: COLORS.middle, clamp: true },
    marks: [
      Plot.frame({ fill: color("grass"), stroke: null }),
      Plot.rect(bands, { x1: -FIELD.side, x2: FIELD.side, y1: (band) => Math.max(band.low, 0), y2: "high", fill: (band) => (band.count ? band.mean : null), fillOpacity: 0.75, filter: (band) => band.low >= 0 }),
      Plot.ruleY([-10, -5, 5, 10, 15, 20, 25, 30], { stroke: "#fff", strokeOpacity: 0.35 }),
      Plot.ruleY([0], { stroke: color("scrimmage"), strokeWidth: 3 }),
      Plot.dot(spots, { x: (play) => play.field.lateral, y: (play) => -play.field.behind, r: Math.max(3, 0.45 * scale), fill: "value", stroke: "rgba(0,0,0,.5)", title: (play) => `${play.text}, ${play.result}: ${play.situation}` }),
      Plot.text(bands, { x: 0, y: (band) => (band.low < 0 ? -14 : (band.low + band.high) / 2), text: words, fill: "#fff", stroke: "#16202a", strokeWidth: 4, fontSize: Math.min(16, across / 26), fontWeight: 600 }),
    ],
  });
};

const counted = (number, one, several) => `${number.toLocaleString("en-US")} ${number === 1 ? one : several}`;
const latest = (plays, total) => (plays.length < total ? ` Drawn: the latest ${plays.length.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}.` : "");
// `plays` are those that can be drawn, of `total`.
export const CHARTS = {
  rink: {
    name: "Where the shots came from",
    draw: rinkChart,
    legend: () => ["high", "medium", "low", "goal"].map((name) => el("li", [el("i", [], { class: name }), name === "goal" ? name : `${name} chance`])),
    note(plays, total) {
      const out = plays.filter((play) => !(play.ice?.x >= ICE.left)), goals = out.filter((play) => play.drawn.came).length;
      const left = out.length ? ` Not drawn: ${counted(out.length, "shot", "shots")}${goals ? ` (${counted(goals, "goal", "goals")})` : ""} from farther out or without a known place.` : "";
      return `Area: the chance of a goal. Every shot is turned to go to the right.${latest(plays, total)}${left}`;
    },
  },
  field: {
    name: "Where passes came from, and how far they went",
    draw: fieldChart,
    legend: () => [[0, `play score ${COLORS.low} or less`], [0.5, `${COLORS.middle}`], [1, `${COLORS.high} or more`]].map(([place, words]) =>
      el("li", [el("i", [], { style: `background: ${globalThis.d3.interpolatePuOr(place)}` }), words])),
    note: (plays, total) => "Seen from behind the offense. Below the line of scrimmage, each pass where the passer stood at the release."
      + `${latest(plays, total)} Above it, passes by depth, with their mean play score. The side of a pass is not recorded.`,
  },
};
export const asTable = (name, headings, rows) => el("details", [
  el("summary", `${name} as a table`),
  el("div", el("table", [
    el("thead", el("tr", headings.map((text, i) => el("th", text, { scope: "col", class: i ? "number" : "" })))),
    el("tbody", rows.map((row) => el("tr", row.map((text, i) => el(i ? "td" : "th", text, i ? { class: "number" } : { scope: "row" }))))),
  ]), { class: "scroll", tabindex: 0, role: "region", "aria-label": `${name} as a table` }),
]);
