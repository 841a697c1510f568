// Follows a question: keeps the table that the server sends, and calls back when it changes.
import { $ } from "./elements.js";

const AGAIN_MILLISECONDS = 5000;
export function follow(parameters, { onTable, onGame = () => {}, onRefused }) {
  const rows = new Map();
  let source = null, timer = 0;
  const status = (text, live) => { $("status").textContent = text; $("status").dataset.live = live; };
  const sorted = () => [...rows.values()].sort((a, b) => b.qualified - a.qualified || a.rank - b.rank || b.value - a.value || (a.key < b.key ? -1 : 1));
  const show = (head, moved) => onTable({ ...head, rows: sorted() }, moved);
  function open() {
    source = new EventSource(`api/events?${new URLSearchParams(parameters)}`);
    const on = (kind, take) => source.addEventListener(kind, (event) => take(JSON.parse(event.data)));
    on("table", (data) => { rows.clear(); for (const row of data.rows) rows.set(row.key, row); show(data, new Set()); });
    on("change", (data) => {
      for (const key of data.gone) rows.delete(key);
      for (const row of data.rows) rows.set(row.key, row);
      show(data, new Set(data.rows.map((row) => row.key)));
    });
    on("game", onGame);
    on("status", ({ live, text }) => status(live ? "Live" : text, live));
    on("refused", ({ detail }) => { stop(); status("", false); onRefused(detail); });
    source.onerror = () => {
      status("The connection was lost; reconnecting.", false);
      if (source.readyState !== EventSource.CLOSED) return;  // the browser reconnects by itself and sends the last place that it has seen
      clearTimeout(timer);
      timer = setTimeout(open, AGAIN_MILLISECONDS);
    };
    source.onopen = () => status("Connected", false);
  }
  function stop() { clearTimeout(timer); source.close(); }
  open();
  return stop;
}
