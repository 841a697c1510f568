/* Hockey: leaderboards of roles, the shot chart, and one shot */
(() => {
const { hockey } = data;
$("hockey").hidden = !hockey;
if (!hockey) return;

/* Leaderboards */
function showBoard(chosen) {
  const board = hockey.boards[chosen];
  [...$("boards").children].forEach((button, i) => button.setAttribute("aria-pressed", i === chosen));
  $("board-description").textContent = board.description;
  $("board-qualified").textContent = `${board.qualified} of ${board.rows.length} ranked (minimum ${board.min_plays}).`;
  $("ratings").tHead.replaceChildren(el("tr", [
    el("th", "Rank", { scope: "col", class: "number" }), el("th", board.subjects, { scope: "col" }),
    ...board.columns.map((name) => el("th", name, { scope: "col", class: "number" }))]));
  $("ratings").tBodies[0].replaceChildren(...board.rows.map((row) => el("tr", [
    number(row.rank || "-"), el("th", [row.name, el("small", row.team)], { scope: "row" }),
    ...row.cells.map(([value, small]) => number([value, ...(small ? [el("small", small)] : [])]))],
    { class: row.rank ? "" : "unranked" })));
}
hockey.boards.forEach((board, i) => {
  const button = el("button", board.name, { type: "button" });
  button.onclick = () => showBoard(i);
  $("boards").append(button);
});
showBoard(0);

/* The ice: feet from its center, the net attacked at x = 89 */
function drawIce(v) {
  const { draw } = v, corner = 28 * v.scale;
  draw.clearRect(0, 0, v.room, v.height);
  draw.save();
  draw.beginPath();
  draw.roundRect(v.x(-100), v.y(42.5), 200 * v.scale, 85 * v.scale, corner);
  draw.fillStyle = color("ice"); draw.fill(); draw.clip();
  const across = (x, stroke, width) => {
    draw.strokeStyle = stroke; draw.lineWidth = width;
    draw.beginPath(); draw.moveTo(v.x(x), v.y(-42.5)); draw.lineTo(v.x(x), v.y(42.5)); draw.stroke();
  };
  across(0, color("red-line"), 3); across(25, color("blue-line"), 4); across(89, color("red-line"), 1.5);
  draw.strokeStyle = color("red-line"); draw.lineWidth = 1;
  const ring = (x, y, r) => { draw.beginPath(); draw.arc(v.x(x), v.y(y), r * v.scale, 0, 7); draw.stroke(); };
  for (const y of [-22, 22]) { ring(69, y, 15); ring(69, y, 1); ring(20, y, 1); }
  draw.fillStyle = color("crease"); draw.beginPath();
  draw.arc(v.x(89), v.y(0), 6 * v.scale, Math.PI / 2, 1.5 * Math.PI); draw.fill(); draw.stroke();
  draw.lineWidth = 2; draw.strokeRect(v.x(89), v.y(3), 3.3 * v.scale, 6 * v.scale);
  draw.restore();
  draw.beginPath(); draw.roundRect(v.x(-100), v.y(42.5), 200 * v.scale, 85 * v.scale, corner);
  draw.strokeStyle = color("quiet"); draw.lineWidth = 1.5; draw.stroke();
}
function dot(v, x, y, radius, fill, stroke = "rgba(0,0,0,.55)") {
  v.draw.beginPath(); v.draw.arc(v.x(x), v.y(y), radius, 0, 7);
  v.draw.fillStyle = fill; v.draw.fill(); v.draw.lineWidth = 1.5; v.draw.strokeStyle = stroke; v.draw.stroke();
}

/* Every shot */
$("chart-verdict").textContent = hockey.chart_verdict;
function drawChart() {
  const v = scaled($("chart"), { left: 10, right: 101, bottom: -43, top: 43 });
  drawIce(v);
  for (const shot of [...hockey.chart].sort((a, b) => a.goal - b.goal)) {
    v.draw.globalAlpha = shot.goal ? 1 : 0.6;
    dot(v, shot.x, shot.y, (3 + 14 * Math.sqrt(shot.probability)) * Math.min(1, v.scale / 7), color(shot.chance), shot.goal ? color("goal") : "rgba(0,0,0,.3)");
    if (shot.goal) { v.draw.lineWidth = 3; v.draw.stroke(); }
  }
  v.draw.globalAlpha = 1;
}

/* One shot */
let shot = null, timer = null;
function drawShot() {
  const v = scaled($("ice"), { left: Math.min(15, shot.left), right: 101, bottom: -43, top: 43 }), { draw } = v;
  const f = Number($("shot-frame").value), radius = Math.max(5, 1.7 * v.scale);
  drawIce(v);
  const [x, y] = shot.place;
  draw.fillStyle = color("cone"); draw.beginPath();
  draw.moveTo(v.x(x), v.y(y)); draw.lineTo(v.x(89), v.y(3)); draw.lineTo(v.x(89), v.y(-3)); draw.fill();
  shot.players.forEach((player, e) => {
    draw.strokeStyle = color(player.role); draw.globalAlpha = 0.4; draw.lineWidth = 2; draw.beginPath();
    for (let k = Math.max(0, f - 15); k <= f; k++) if (shot.x[k][e] != null) draw.lineTo(v.x(shot.x[k][e]), v.y(shot.y[k][e]));
    draw.stroke(); draw.globalAlpha = 1;
    if (shot.x[f][e] == null) return;
    dot(v, shot.x[f][e], shot.y[f][e], radius, color(player.role));
    if (radius < 8) return;
    draw.fillStyle = player.role === "defender" || player.role === "goalie" ? "#fff" : "#16202a";
    draw.font = `600 ${1.1 * radius}px system-ui, sans-serif`; draw.textAlign = "center"; draw.textBaseline = "middle";
    draw.fillText(player.number ?? "", v.x(shot.x[f][e]), v.y(shot.y[f][e]));
  });
  draw.strokeStyle = color("puck"); draw.lineWidth = 2; draw.beginPath();
  for (let k = Math.max(0, f - 15); k <= f; k++) if (shot.puck_x[k] != null) draw.lineTo(v.x(shot.puck_x[k]), v.y(shot.puck_y[k]));
  draw.stroke();
  if (shot.puck_x[f] != null) dot(v, shot.puck_x[f], shot.puck_y[f], Math.max(3, 0.6 * radius), color("puck"), "#fff");
  const seconds = (f - shot.release) / shot.rate;
  const phase = f < shot.release ? "before the release" : f === shot.release ? "release, rated here" : "after the release";
  const clock = `${seconds > 0 ? "+" : ""}${seconds.toFixed(1)} s, ${phase}`;
  $("shot-clock").textContent = clock;
  $("shot-frame").setAttribute("aria-valuetext", clock);
}
function stop() { clearInterval(timer); timer = null; $("shot-run").textContent = "Play"; }
$("shot-run").onclick = () => {
  if (timer) return stop();
  const slider = $("shot-frame");
  if (Number(slider.value) >= Number(slider.max)) slider.value = 0;
  $("shot-run").textContent = "Pause";
  timer = setInterval(() => { slider.value = Number(slider.value) + 1; drawShot(); if (Number(slider.value) >= Number(slider.max)) stop(); }, 1000 / shot.rate);
};
$("shot-frame").oninput = () => { stop(); drawShot(); };
function showShot(chosen) {
  stop();
  shot = hockey.shots[chosen];
  $("shot-where").textContent = shot.where;
  $("shot-verdict").textContent = shot.verdict;
  $("ice").setAttribute("aria-label", `The attacking end seen from above, the shot going right. ${shot.title}. The slider below chooses the frame.`);
  const longest = Math.max(...shot.factors.map((factor) => Math.abs(factor.contribution)), 0.1);
  $("factors").replaceChildren(...shot.factors.map((factor) => el("li", [
    el("span", [factor.text, ...(factor.compared ? [el("small", factor.compared)] : [])]),
    el("i", [el("b", [], { class: factor.contribution < 0 ? "less" : "more", style: `width:${50 * Math.abs(factor.contribution) / longest}%` })],
      { class: "bar", title: factor.contribution.toFixed(2) })])));
  $("shot-frame").max = shot.x.length - 1;
  $("shot-frame").value = shot.release;
  drawShot();
}
$("shot-choice").append(...hockey.shots.map((s, i) => el("option", s.title, { value: i })));
$("shot-choice").onchange = (event) => showShot(Number(event.target.value));
$("shot").hidden = !hockey.shots.length;
drawChart();
if (hockey.shots.length) showShot(0);
window.addEventListener("resize", () => { drawChart(); if (shot) drawShot(); });
})();
