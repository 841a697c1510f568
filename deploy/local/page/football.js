/* Football: leaderboards of splits, and one pass */
(() => {
const { football } = data;
$("football").hidden = !football;
if (!football) return;

/* Leaderboard */
function showSplit(chosen) {
  const split = football.splits[chosen];
  [...$("splits").children].forEach((button, i) => button.setAttribute("aria-pressed", i === chosen));
  $("description").textContent = split.description;
  $("qualified").textContent = `${split.qualified} of ${split.ratings.length} passers ranked `
    + `(minimum ${split.min_plays_applied} plays).`;
  $("legend").textContent = `-: needs ${split.min_plays_applied} plays to be ranked. Range: the rating’s 90% interval.`;
  $("filter").hidden = !split.filter;
  $("filter").lastChild.textContent = split.filter;
  $("example").textContent = split.example;
  $("board").tBodies[0].replaceChildren(...split.ratings.map(ratingRow));
}
function ratingRow(r) {
  const at = (rating) => 2 + 96 * (rating - 50) / 49;
  const range = el("div", [
    el("b", [], { style: `left:${at(r.low)}%;width:${at(r.high) - at(r.low)}%` }), el("i", [], { style: `left:${at(r.rating)}%` })]);
  return el("tr", [
    number(r.rank || "-"), el("th", [r.name, el("small", r.team)], { scope: "row" }),
    number([Math.round(r.rating), el("small", `${Math.round(r.low)}–${Math.round(r.high)}`)], "rating"), el("td", range, { class: "scale", "aria-hidden": true }),
    number(r.plays), number([r.yards_per_play.toFixed(1), el("small", `${r.expected_yards_per_play.toFixed(1)} expected`)]),
  ], { class: r.qualified ? "" : "unranked" });
}
football.splits.forEach((split, i) => {
  const button = el("button", split.name, { type: "button" });
  button.onclick = () => showSplit(i);
  $("splits").append(button);
});
showSplit(0);

/* The field, to scale: as many of its 120 yards by 53⅓ as the width has room for */
const FIELD_WIDTH = 160 / 3, canvas = $("field"), draw = canvas.getContext("2d");
let play = null, timer = null;
function view() {
  const room = canvas.clientWidth, yards = room > 900 ? 100 : room > 600 ? 75 : 50;
  const left = Math.max(0, Math.min(120 - yards, play.line_of_scrimmage - 0.3 * yards));
  const scale = room / yards, height = FIELD_WIDTH * scale, pixels = window.devicePixelRatio;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(room * pixels);
  canvas.height = Math.round(height * pixels);
  draw.scale(pixels, pixels);
  return { scale, room, height, x: (x) => (x - left) * scale, y: (y) => height - y * scale };
}
function line(v, x, stroke, width, dash = []) {
  draw.strokeStyle = stroke; draw.lineWidth = width; draw.setLineDash(dash);
  draw.beginPath(); draw.moveTo(v.x(x), 0); draw.lineTo(v.x(x), v.height); draw.stroke(); draw.setLineDash([]);
}
function disc(v, x, y, fill, stroke, across, along = across) {
  draw.beginPath(); draw.ellipse(v.x(x), v.y(y), across, along, 0, 0, 7);
  draw.fillStyle = fill; draw.fill(); draw.lineWidth = 1.5; draw.strokeStyle = stroke; draw.stroke();
}
function drawGrass(v) {
  draw.fillStyle = color("grass"); draw.fillRect(0, 0, v.room, v.height);
  draw.fillStyle = color("end-zone"); draw.fillRect(v.x(0), 0, 10 * v.scale, v.height); draw.fillRect(v.x(110), 0, 10 * v.scale, v.height);
  draw.font = `600 ${Math.max(14, 1.8 * v.scale)}px system-ui, sans-serif`; draw.textAlign = "center"; draw.textBaseline = "middle";
  for (let x = 10; x <= 110; x += 5) {
    line(v, x, x % 100 === 10 ? "#fff" : "rgba(255,255,255,.4)", x % 10 ? 1 : 2);
    if (x % 10 || x % 100 === 10 || v.x(x) < 12 || v.x(x) > v.room - 12) continue;
    draw.fillStyle = "rgba(255,255,255,.8)"; draw.fillText(Math.min(x - 10, 110 - x), v.x(x), v.y(2.5));
  }
  line(v, play.line_of_scrimmage, color("scrimmage"), 3);
  if (play.first_down != null) line(v, play.first_down, color("first"), 3);
  line(v, play.line_of_scrimmage + play.expected_yards, "rgba(255,255,255,.9)", 2, [6, 6]);
}
function drawPlayers(v, f) {
  const radius = Math.max(5.5, 0.75 * v.scale);
  play.players.forEach((player, e) => {
    draw.strokeStyle = color(player.role); draw.globalAlpha = 0.45; draw.lineWidth = 2; draw.beginPath();
    for (let k = Math.max(play.snap, f - 10); k <= f; k++) if (play.x[k][e] != null) draw.lineTo(v.x(play.x[k][e]), v.y(play.y[k][e]));
    draw.stroke(); draw.globalAlpha = 1;
  });
  play.players.forEach((player, e) => {
    if (play.x[f][e] == null) return;
    disc(v, play.x[f][e], play.y[f][e], color(player.role), "rgba(0,0,0,.55)", radius);
    if (radius < 8) return;  // too small for a number that can be read
    draw.fillStyle = player.role === "defense" ? "#fff" : "#16202a"; draw.font = `600 ${1.15 * radius}px system-ui, sans-serif`;
    draw.fillText(player.number ?? "", v.x(play.x[f][e]), v.y(play.y[f][e]));
  });
  if (play.ball_x[f] != null) disc(v, play.ball_x[f], play.ball_y[f], color("ball"), "#fff", 0.7 * radius, 0.5 * radius);
}
function drawFrame() {
  const v = view(), f = Number($("frame").value), seconds = (f - play.snap) / 10;
  drawGrass(v);
  drawPlayers(v, f);
  const phase = f < play.snap ? "before the snap" : f < play.release ? "in the pocket" : f === play.release ? "release, graded here" : "after the release";
  const clock = `${seconds > 0 ? "+" : ""}${seconds.toFixed(1)} s, ${phase}`;
  $("clock").textContent = clock;
  $("frame").setAttribute("aria-valuetext", clock);
}
function stop() { clearInterval(timer); timer = null; $("run").textContent = "Play"; }
$("run").onclick = () => {
  if (timer) return stop();
  const slider = $("frame");
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  $("run").textContent = "Pause";
  timer = setInterval(() => { slider.value = Number(slider.value) + 1; drawFrame(); if (Number(slider.value) >= Number(slider.max)) stop(); }, 100);
};
$("frame").oninput = () => { stop(); drawFrame(); };

/* Its distribution: the probability of each whole yard, drawn at the size of the screen so that text stays readable */
function drawDistribution() {
  const chart = $("distribution"), width = chart.clientWidth, base = chart.clientHeight - 32, top = 58;
  const { yards, probabilities } = play.distribution, first = yards[0], step = (width - 24) / yards.length;
  const x = (y) => 12 + step * (y - first + 0.5), peak = Math.sqrt(Math.max(...probabilities));
  const quantile = (p) => play.quantiles.find(([q]) => Math.abs(q - p) < 1e-9)[1];
  const within = (y, low, high) => y >= quantile(low) - 0.5 && y <= quantile(high) + 0.5;
  chart.replaceChildren(...yards.map((y, i) => {
    const height = (base - top) * Math.sqrt(probabilities[i]) / peak;
    const band = y === play.yards ? "gained" : within(y, 0.25, 0.75) ? "middle" : within(y, 0.05, 0.95) ? "most" : "outer";
    return svg("rect", { x: x(y) - 0.42 * step, y: base - height, width: 0.84 * step, height, class: band });
  }));
  for (let y = Math.ceil(first / 10) * 10; y <= yards[yards.length - 1]; y += 10) {
    chart.append(svg("line", { x1: x(y), x2: x(y), y1: base, y2: base + 6 }), svg("text", { x: x(y), y: base + 22, "text-anchor": "middle" }, String(y)));
  }
  const mark = (y, above, name, text, toTheRight) => {
    const label = svg("text", { y: above, class: name }, text);
    chart.append(svg("line", { x1: x(y), x2: x(y), y1: above - 12, y2: base, class: name }), label);
    const length = label.getComputedTextLength() + 7, right = toTheRight ? x(y) + length < width : x(y) < length;
    label.setAttribute("x", right ? x(y) + 7 : x(y) - length);
  };
  mark(play.expected_yards, 48, "expected", `${play.expected_yards.toFixed(1)} expected`, play.expected_yards > play.yards);
  mark(play.yards, 24, "gained", `${play.yards} gained, score ${play.score.toFixed(2)}`, true);
}
function redraw() { drawFrame(); drawDistribution(); }
function showPlay(chosen) {
  stop();
  play = football.plays[chosen];
  $("where").textContent = play.where;
  $("verdict").textContent = play.verdict;
  canvas.setAttribute("aria-label", `The field seen from above, the offense going right. ${play.title}. The slider below chooses the frame.`);
  $("frame").max = play.x.length - 1;
  $("frame").value = play.release;
  redraw();
}
$("choice").append(...football.plays.map((p, i) => el("option", p.title, { value: i })));
$("choice").onchange = (event) => showPlay(Number(event.target.value));
$("pass").hidden = !football.plays.length;
if (football.plays.length) {
  showPlay(0);
  window.addEventListener("resize", redraw);
}
})();
