// A live game: its ratings, latest plays and coverage are updated as plays are recorded.
import { $, called, el, number } from "./elements.js";
import { CHARTS, drawn } from "./charts.js";
import { moved, refuse, summary } from "./live.js";
import { showPlays } from "./plays.js";
import { showRatings } from "./ratings.js";
import { follow } from "./stream.js";

const asked = new URLSearchParams(location.search);
const about = await (await fetch(`api/about?${new URLSearchParams({ role: asked.get("role") ?? "", league: asked.get("league") ?? "" })}`)).json();
const question = { league: asked.get("league") || about.league, game: asked.get("game") ?? "", role: about.role };
let plays = [], redraw = null, shown = false;

const teams = about.games.find(([game]) => game === question.game)?.[2];
document.title = `${teams || `Game ${question.game}`}, playscore`;
$("title").append(...(teams ? [called(teams)] : ["Game ", called(question.game)]), ", ", called(question.league));
$("back").href = `./?${new URLSearchParams({ league: question.league, role: question.role })}`;
$("roles").append(...about.roles.filter(([role]) => about.rated.includes(role) || role === question.role).map(([role, words]) =>
  el("a", words, { href: `?${new URLSearchParams({ ...question, role })}`, "aria-current": role === question.role ? "page" : null })));

follow(question, {
  onRefused: refuse,
  onTable(table, changed) {
    $("ratings").hidden = !table.rows.length;
    $("summary").textContent = table.rows.length ? summary(table) : "No plays of this game are recorded yet. They appear here when they are.";
    showRatings($("ratings"), table);
    if (shown) moved($("ratings"), table, changed);
    shown = true;
  },
  onGame(game) {
    $("latest").hidden = $("covered").hidden = !game.plays;
    if (!game.plays) return;
    plays = game.plays.rows;
    showPlays($("plays"), game.plays);
    $("coverage-summary").textContent = game.coverage.summary;
    $("reasons").hidden = !game.coverage.reasons.length;
    $("reasons").tBodies[0].replaceChildren(...game.coverage.reasons.map(([name, count]) => el("tr", [el("th", name, { scope: "row" }), number(count)])));
    const chart = CHARTS[game.plays.chart];
    $("chart").hidden = !chart;
    if (!chart) return;
    $("chart-note").textContent = chart.note(plays, game.plays.total);
    if (redraw) return redraw();
    $("chart-legend").append(...chart.legend());
    redraw = drawn($("chart-place"), (width) => chart.draw(plays)(width));
  },
});
