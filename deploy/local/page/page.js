"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const el = (tag, content, attributes = {}) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (content !== undefined) node.textContent = content;
  return node;
};
const fixed = (value, digits) => value == null ? "–" : value.toFixed(digits);
const percent = (value) => value > 0.995 ? "over 99%" : value < 0.005 ? "under 1%" : `${(100 * value).toFixed(0)}%`;

$("summary").textContent = data.summary;
for (const [name, value] of data.figures) {
  const box = el("div");
  box.append(el("dt", name), el("dd", value));
  $("figures").append(box);
}

/* Leaderboard */
const place = (rating) => `${2 + 96 * (rating - 50) / 49}%`;
function showSplit(chosen) {
  const split = data.splits[chosen];
  [...$("splits").children].forEach((button, i) => button.setAttribute("aria-selected", i === chosen));
  $("filter").textContent = split.filter || "all plays";
  $("peers").textContent = `${split.qualified} of ${split.ratings.length} passers qualify`;
  $("board").replaceChildren(...split.ratings.map((r) => {
    const row = el("tr", undefined, r.qualified ? {} : { class: "unqualified" });
    const range = el("div", undefined, { class: "range", title: `${r.low.toFixed(0)} to ${r.high.toFixed(0)}` });
    range.append(
      el("b", undefined, { style: `left:${place(r.low)};width:${96 * (r.high - r.low) / 49}%` }),
      el("i", undefined, { style: `left:${place(r.rating)}` }));
    const scale = el("td", undefined, { class: "scale" });
    scale.append(range);
    row.append(el("td", r.rank || "", { class: "number" }), el("td", r.name), el("td", r.team),
      el("td", r.plays, { class: "number" }), el("td", fixed(r.yards_per_play, 1), { class: "number" }),
      el("td", fixed(r.expected_yards_per_play, 1), { class: "number" }),
      el("td", Math.round(r.rating), { class: "number rating" }), scale);
    return row;
  }));
}
data.splits.forEach((split, i) => {
  const button = el("button", split.name, { type: "button", role: "tab" });
  button.onclick = () => showSplit(i);
  $("splits").append(button);
});
showSplit(0);

/* The play on the field: the picture is 120 yards by 53⅓, drawn around the line of scrimmage */
const canvas = $("field"), draw = canvas.getContext("2d");
let play = data.plays[0], timer = null;
function view() {
  const ahead = 48, left = Math.max(0, Math.min(120 - ahead - 15, play.line_of_scrimmage - 20)), yards = ahead + 15;
  const scale = canvas.width / yards;
  canvas.height = Math.round(53.33 * scale * 0.62);
  return { scale, left, yards, x: (x) => (x - left) * scale, y: (y) => canvas.height - y * canvas.height / 53.33 };
}
function line(x, color, width, v, dash = []) {
  draw.save(); draw.strokeStyle = color; draw.lineWidth = width; draw.setLineDash(dash);
  draw.beginPath(); draw.moveTo(v.x(x), 0); draw.lineTo(v.x(x), canvas.height); draw.stroke(); draw.restore();
}
function drawFrame() {
  const v = view(), f = Number($("frame").value);
  draw.fillStyle = "#3d7a4a"; draw.fillRect(0, 0, canvas.width, canvas.height);
  draw.fillStyle = "#2f6340"; draw.fillRect(v.x(0), 0, 10 * v.scale, canvas.height); draw.fillRect(v.x(110), 0, 10 * v.scale, canvas.height);
  draw.font = `600 ${1.6 * v.scale}px system-ui, sans-serif`; draw.textAlign = "center";
  for (let x = 10; x <= 110; x += 5) {
    line(x, x === 10 || x === 110 ? "#fff" : "rgba(255,255,255,.45)", x % 10 ? 1 : 2, v);
    if (x % 10 === 0 && x > 10 && x < 110) {
      draw.fillStyle = "rgba(255,255,255,.6)"; draw.fillText(String(x <= 60 ? x - 10 : 110 - x), v.x(x), v.y(3.5));
    }
  }
  line(play.line_of_scrimmage, "#7fb2ff", 3, v);
  if (play.first_down != null) line(play.first_down, "#ffd84d", 3, v);
  line(play.line_of_scrimmage + play.expected_yards, "rgba(255,255,255,.9)", 2, v, [6, 6]);
  const colors = { passer: "#e8503a", target: "#ffb400", offense: "#f2f2ee", defense: "#22313f" };
  play.players.forEach((player, e) => {
    draw.strokeStyle = colors[player.role]; draw.globalAlpha = 0.45; draw.lineWidth = 2; draw.beginPath();
    for (let k = Math.max(play.snap, f - 10); k <= f; k++) if (play.x[k][e] != null) draw.lineTo(v.x(play.x[k][e]), v.y(play.y[k][e]));
    draw.stroke(); draw.globalAlpha = 1;
  });
  play.players.forEach((player, e) => {
    if (play.x[f][e] == null) return;
    const x = v.x(play.x[f][e]), y = v.y(play.y[f][e]);
    draw.beginPath(); draw.arc(x, y, 0.72 * v.scale, 0, 7); draw.fillStyle = colors[player.role]; draw.fill();
    draw.lineWidth = 1.5; draw.strokeStyle = "rgba(0,0,0,.55)"; draw.stroke();
    draw.fillStyle = player.role === "defense" ? "#fff" : "#16202a";
    draw.font = `600 ${0.75 * v.scale}px system-ui, sans-serif`; draw.textBaseline = "middle";
    draw.fillText(player.number ?? "", x, y); draw.textBaseline = "alphabetic";
  });
  if (play.ball_x && play.ball_x[f] != null) {
    draw.beginPath(); draw.ellipse(v.x(play.ball_x[f]), v.y(play.ball_y[f]), 0.55 * v.scale, 0.35 * v.scale, 0, 0, 7);
    draw.fillStyle = "#7a4a21"; draw.fill(); draw.strokeStyle = "#fff"; draw.lineWidth = 1.5; draw.stroke();
  }
  const seconds = (f - play.snap) / 10;
  const phase = f < play.snap ? "before the snap" : f < play.release ? "in the pocket" : f === play.release ? "the release: graded here" : "after the release";
  $("clock").textContent = `${seconds >= 0 ? "+" : ""}${seconds.toFixed(1)} s, ${phase}`;
}
function stop() { clearInterval(timer); timer = null; $("run").textContent = "▶ Play"; }
$("run").onclick = () => {
  if (timer) return stop();
  const slider = $("frame");
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  $("run").textContent = "❚❚ Pause";
  timer = setInterval(() => { slider.value = Number(slider.value) + 1; drawFrame(); if (Number(slider.value) >= Number(slider.max)) stop(); }, 100);
};
$("frame").oninput = () => { stop(); drawFrame(); };

/* Its law: probability of each whole yard, tails included */
function drawLaw() {
  const svg = $("law"), NS = "http://www.w3.org/2000/svg", W = 1200, H = 330, base = 280, top = 46;
  const add = (tag, attributes, text) => {
    const node = document.createElementNS(NS, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text !== undefined) node.textContent = text;
    svg.append(node);
  };
  svg.replaceChildren();
  const yards = play.law.yards, chances = play.law.probabilities, first = yards[0], last = yards[yards.length - 1];
  const x = (y) => 40 + (W - 80) * (y - first + 0.5) / (last - first + 1), width = (W - 80) / (last - first + 1);
  // The chance of an incompletion dwarfs the rest: heights go with the square root.
  const peak = Math.sqrt(Math.max(...chances)), height = (p) => (base - top) * Math.sqrt(p) / peak;
  const [q05, q25, q50, q75, q95] = [0.05, 0.25, 0.5, 0.75, 0.95].map((p) => play.quantiles.find(([q]) => Math.abs(q - p) < 1e-9)[1]);
  const within = (y, low, high) => y >= low - 0.5 && y <= high + 0.5;
  yards.forEach((y, i) => add("rect", { x: x(y) - width * 0.42, y: base - height(chances[i]), width: width * 0.84, height: height(chances[i]),
    fill: y === play.yards ? "#c8372d" : within(y, q25, q75) ? "#1f4e79" : within(y, q05, q95) ? "#6f97bd" : "#c3d3e2" }));
  for (let y = Math.ceil(first / 10) * 10; y <= last; y += 10) {
    add("line", { x1: x(y), x2: x(y), y1: base, y2: base + 6, stroke: "#6a7784" });
    add("text", { x: x(y), y: base + 24, "text-anchor": "middle" }, String(y));
  }
  add("text", { x: W / 2, y: H - 6, "text-anchor": "middle" }, "yards gained (heights: square root of the probability; dark: middle half, light: outside 5% to 95%)");
  add("line", { x1: x(play.expected_yards), x2: x(play.expected_yards), y1: top, y2: base, stroke: "#16202a", "stroke-dasharray": "5 5", "stroke-width": 2 });
  add("text", { x: x(play.expected_yards) + 7, y: top + 14 }, `expected ${play.expected_yards.toFixed(1)}`);
  const atRight = x(play.yards) > W - 260;
  add("line", { x1: x(play.yards), x2: x(play.yards), y1: top - 14, y2: base, stroke: "#c8372d", "stroke-width": 3 });
  add("text", { x: x(play.yards) + (atRight ? -7 : 7), y: top - 8, "text-anchor": atRight ? "end" : "start", style: "fill:#c8372d;font-weight:700" },
    `actual ${play.yards}, ranks ${play.score.toFixed(2)}`);
  const parts = [`${play.passer} gained ${play.yards} yards where a league-average passer gains ${play.expected_yards.toFixed(1)} on average`,
    `it ranks above ${percent(play.score)} of what he would get`];
  if (play.first_down_probability != null) parts.push(`first down ${percent(play.first_down_probability)}`);
  if (play.touchdown_probability != null) parts.push(`touchdown ${percent(play.touchdown_probability)}`);
  $("verdict").textContent = `${parts.join("; ")}.`;
}
function showPlay(chosen) {
  stop(); play = data.plays[chosen];
  $("frame").max = play.x.length - 1; $("frame").value = play.release;
  drawFrame(); drawLaw();
}
data.plays.forEach((p, i) => $("choice").append(el("option", p.title, { value: i })));
$("choice").onchange = (event) => showPlay(Number(event.target.value));
if (data.plays.length) showPlay(0);

/* Latency */
const slowest = Math.max(...data.stages.map((s) => s.p99_ms));
for (const stage of data.stages) {
  const row = el("tr"), cell = el("td", undefined, { style: "width:45%" });
  cell.append(el("div", undefined, { class: "bar", style: `width:${100 * stage.p99_ms / slowest}%`, title: "p99" }));
  row.append(el("td", stage.name), el("td", stage.count, { class: "number" }), el("td", `${stage.p50_ms.toFixed(2)} ms`, { class: "number" }),
    el("td", `${stage.p99_ms.toFixed(2)} ms`, { class: "number" }), cell);
  $("stages").append(row);
}
$("latency-note").textContent = data.latency_note;
for (const [name, plays] of data.outcomes) {
  const row = el("tr");
  row.append(el("td", name), el("td", plays, { class: "number" }));
  $("outcomes").append(row);
}
