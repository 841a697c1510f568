// The leaderboard. Its address is its state: it can be shared, and goes back and forth.
import { $, called, el } from "./elements.js";
import { completes } from "./completion.js";
import { moved, refuse, summary } from "./live.js";
import { showRatings } from "./ratings.js";
import { follow } from "./stream.js";

const TEXTS = ["league", "role", "filter", "min_plays"];
let about = { fields: [] }, stop = () => {}, latest = 0;
const address = () => new URLSearchParams(location.search);
const groupsAsked = () => (address().get("group_by") ?? "").split(",").filter(Boolean);

// Shows what the address asks for. What is being typed into the form stays as it is, unless the form is `filled`.
async function show({ filled }) {
  const turn = ++latest, asked = address();
  const answer = await fetch(`api/about?${new URLSearchParams({ role: asked.get("role") ?? "", league: asked.get("league") ?? "" })}`);
  const found = await answer.json();
  if (turn !== latest) return;
  stop();
  $("refused").hidden = true;
  if (!answer.ok) { title(""); return refuse(found.detail); }
  const roleChanged = found.role !== about.role;
  about = found;
  if (filled) fill(asked);
  if (filled || roleChanged) offerGroups();
  $("grouped").textContent = groupsAsked().join(", ") || "player";
  $("league-names").replaceChildren(...about.leagues.map(([league]) => el("option", [], { value: league })));
  $("leagues-list").replaceChildren(...about.leagues.map(([league, role]) =>
    el("a", called(league), { href: `?${new URLSearchParams(role ? { league, role } : { league })}` })));
  $("games").hidden = !about.games.length;
  $("games-list").replaceChildren(...about.games.map(([game, plays, teams]) =>
    el("a", [called(teams || game), el("small", [teams ? [called(game), ", "] : [], `${plays} ${plays === 1 ? "play" : "plays"}`].flat())], { href: `game?${new URLSearchParams({ league: about.league, game, role: about.role })}` })));
  watch(groupsAsked());
}
function fill(asked) {
  $("role").replaceChildren(...about.roles.map(([name, words]) => el("option", words, { value: name })));
  for (const name of TEXTS) $(name).value = asked.get(name) ?? about[name] ?? "";
  $("qualified").checked = asked.get("qualified") === "1";
}
function offerGroups() {
  $("groups").replaceChildren(...about.fields.filter((field) => field.groupable).map((field) => {
    const box = el("input", [], { type: "checkbox", name: "group", value: field.name });
    box.checked = groupsAsked().includes(field.name);
    return el("label", [box, " ", field.name], { title: field.description });
  }));
}
function title(words, note = "") {
  $("heading").textContent = words;
  $("description").textContent = note;
}
function watch(groups) {
  const parameters = Object.fromEntries([...address()].filter(([, value]) => value));
  title(about.league && `${about.roles.find(([name]) => name === about.role)[1]}, ${about.league}`);
  $("ratings").hidden = $("leagues").hidden = true;
  if (!about.league) {
    if (!about.leagues.length) return refuse("No league has plays yet. Leagues appear here when plays are recorded: load the page again.");
    $("summary").textContent = "";
    return ($("leagues").hidden = false);
  }
  let shown = "";
  stop = follow({ ...parameters, league: about.league, role: about.role }, {
    onRefused: refuse,
    onTable(table, changed) {
      title($("heading").textContent, `${table.measure}: ${table.description}`);
      $("ratings").hidden = !table.rows.length;
      $("summary").textContent = table.rows.length ? summary(table, !parameters.min_plays) : about.note || "No plays in this split yet. They appear here when they are recorded.";
      showRatings($("ratings"), table, { groups });
      if (shown === table.role) moved($("ratings"), table, changed);
      shown = table.role;
    },
  });
}

// From the form to the address.
function ask() {
  const asked = new URLSearchParams();
  for (const name of TEXTS) if ($(name).value.trim()) asked.set(name, $(name).value.trim());
  if ($("qualified").checked) asked.set("qualified", "1");
  const groups = [...document.querySelectorAll("#groups input:checked")].map((box) => box.value);
  if (groups.length && $("role").value === about.role) asked.set("group_by", groups.join(","));
  history.pushState(null, "", `?${asked}`);
  show({ filled: false });
}
$("question").addEventListener("submit", (event) => { event.preventDefault(); ask(); });
for (const id of ["role", "qualified", "groups"]) $(id).addEventListener("change", ask);
window.addEventListener("popstate", () => show({ filled: true }));
completes($("filter"), $("offers"), () => about.fields);
show({ filled: true });
