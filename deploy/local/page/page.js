const data = JSON.parse(document.getElementById("data").textContent);

$("summary").textContent = data.summary;
$("figures").append(...data.figures.map(([name, value]) => el("div", [el("dt", name), el("dd", value)])));

/* Times, and where every play went */
$("times").textContent = data.times.heading;
$("backlog").hidden = !data.times.backlog;
$("backlog").append(data.times.backlog, " For latency, run ", el("code", "playscore demo --speed 1"), ".");
$("stages").append(...data.times.stages.map((s) => el("tr", [
  el("th", [s.name, el("small", s.description)], { scope: "row" }), number(s.count),
  number(s.p50), number(s.p99)])));
$("endings").append(...data.endings.map(([name, plays]) => el("tr", [el("th", name, { scope: "row" }), number(plays)])));

/* A canvas as wide as its place, to scale; y goes up */
function scaled(canvas, { left, right, bottom, top }) {
  const room = canvas.clientWidth, scale = room / (right - left), height = (top - bottom) * scale, pixels = window.devicePixelRatio;
  canvas.style.height = `${height}px`;
  canvas.width = Math.round(room * pixels);
  canvas.height = Math.round(height * pixels);
  const draw = canvas.getContext("2d");
  draw.scale(pixels, pixels);
  return { draw, scale, room, height, x: (x) => (x - left) * scale, y: (y) => (top - y) * scale };
}
