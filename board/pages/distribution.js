// A small drawing of what was expected of a play, and of its result.
import { svg } from "./elements.js";

const WIDTH = 122, HEIGHT = 30;
export function distribution(drawn, words) {
  if (!drawn) return null;
  const parts = drawn.heights ? yards(drawn) : chance(drawn);
  return svg("svg", { class: "distribution", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words }, parts);
}
// Heights are square roots of the chances of each whole yard, so that the tails can be seen.
function yards({ first, heights, came }) {
  const step = 2, x = (yard) => step * (yard - first), top = (height) => HEIGHT - 2 - (HEIGHT - 6) * height / 99;
  const outline = heights.map((height, i) => `H${step * i}V${top(height).toFixed(1)}H${step * (i + 1)}`).join("");
  return [
    svg("path", { class: "expected", d: `M0 ${HEIGHT - 2}${outline}V${HEIGHT - 2}Z` }),
    svg("line", { class: "zero", x1: x(0) + 1, x2: x(0) + 1, y1: HEIGHT - 2, y2: HEIGHT }),
    came === null ? null : svg("line", { class: "came", x1: x(came) + 1, x2: x(came) + 1, y1: 0, y2: HEIGHT }),
  ];
}
function chance({ probability, came }) {
  return [
    svg("rect", { class: "track", x: 0.5, y: 11, width: WIDTH - 1, height: 8, rx: 4 }),
    svg("rect", { class: came ? "expected happened" : "expected", x: 0.5, y: 11, width: Math.max(3, probability * (WIDTH - 1)), height: 8, rx: 4 }),
  ];
}
