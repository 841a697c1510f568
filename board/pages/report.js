// The report: it shows what `board.report.content.page_data` made.
import { $, called, el, heading, number, small } from "./elements.js";
import { CHARTS, asTable, drawn, trendChart } from "./charts.js";
import { interval, scaleOf } from "./interval.js";
import { showPlays } from "./plays.js";
import { showRatings } from "./ratings.js";

const data = JSON.parse($("data").textContent);
document.title = `${data.title}, playscore`;
$("title").append(called(data.title));
$("subtitle").append(called(data.subtitle));
$("filter").hidden = !data.filter;
$("filter").lastChild.textContent = data.filter;
$("description").textContent = `${data.splits.measure}: ${data.splits.description}`;
$("figures").append(...data.figures.map(([name, value, more]) => el("div", [el("dt", called(name)), el("dd", [value, small(more)])])));
$("made").append(...data.made.map(([name, value]) => el("div", [el("dt", name), el("dd", value)])));

if (data.standings) {
  $("standings").hidden = false;
  $("standings-summary").textContent = data.standings.summary;
  showRatings($("ratings"), data.standings);
}

const several = data.series.length > 1;
if (several) $("series").append(...data.series.map((name, i) => el("li", [el("i", [], { class: `series-${i}` }), called(name)])));
const scale = scaleOf(data.splits.groups.flatMap((group) => group.rows.flatMap((row) => row.ratings)), data.splits.domain);
function splitRows(split) {
  const shown = split.ratings.length ? split.ratings : [null];
  return shown.map((row, i) => el("tr", [
    i ? null : el("th", [split.name], { scope: "row", title: split.filter, rowspan: shown.length }),
    ...(several ? [el("td", row ? called(row.team) : "")] : []),
    number(row ? row.plays.toLocaleString("en-US") : "0"),
    number(row ? [row.text, small(row.interval)] : "-", "rating"),
    el("td", row ? interval(row, scale, several ? data.series.indexOf(row.team) : 0) : [], { class: "graphic", "aria-hidden": "true" }),
  ], { class: row ? "" : "unranked" }));
}
$("unknown").textContent = data.splits.unknown;
$("splits").append(...data.splits.groups.map((group, i) => el("section", [
  el("h3", group.name, { id: `split-${i}` }),
  el("table", [
    el("thead", el("tr", [heading("Split"), ...(several ? [heading("Team")] : []), heading(data.splits.plays, "number"), heading(data.splits.measure, "number"), el("td", [], { class: "graphic", "aria-hidden": "true" })])),
    el("tbody", group.rows.flatMap(splitRows)),
  ], { "aria-labelledby": `split-${i}` }),
])));

if (data.trend.points.length > 1) {
  $("trend").hidden = false;
  $("trend-heading").textContent = `${data.trend.measure} by ${data.trend.by.toLowerCase()}`;
  drawn($("trend-chart"), trendChart(data.trend));
  $("trend-table").append(asTable("The trend", [data.trend.by, data.splits.plays, data.trend.measure, "90% interval"],
    data.trend.points.map((point) => [called(point.label), point.plays.toLocaleString("en-US"), point.text, point.interval])));
}

if (data.chart) {
  const { draw, legend, name, note } = CHARTS[data.chart];
  $("chart").hidden = false;
  $("chart-heading").textContent = name;
  $("chart-note").textContent = note(data.plays.rows, data.plays.total);
  $("chart-legend").append(...legend());
  drawn($("chart-place"), draw(data.plays.rows, data.bands));
}

$("plays-summary").textContent = data.plays.summary;
$("plays-note").textContent = data.plays.rows.some((row) => row.drawn?.heights)
  ? "What was expected: the chance of each gain from a loss of 10 yards to 50; heights are square roots. The line is the actual gain, the tick below it no gain."
  : "What was expected: the chance of success; red where it succeeded.";
showPlays($("plays"), data.plays, $("more"));

$("coverage-summary").append(called(data.coverage.of), `: ${data.coverage.summary}`);
$("reasons").hidden = !data.coverage.reasons.length;
$("reasons").tBodies[0].append(...data.coverage.reasons.map(([name, plays]) => el("tr", [el("th", name, { scope: "row" }), number(plays.toLocaleString("en-US"))])));
