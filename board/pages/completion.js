// Completes filters: fields where one can stand, values after a comparison, operators after a value.
import { el } from "./elements.js";

const MOST = 12;
export function offersFor(text, fields) {
  const value = /(\w+)\s*(?:!?=|:)\s*"?(\w*)$/.exec(text);
  if (value) {
    const field = fields.find(({ name }) => name === value[1]);
    const values = field?.type === "boolean" ? ["true", "false"] : field?.values ?? [];
    return matching(values.map((name) => ({ name, more: "" })), value[2]);
  }
  const word = /\w*$/.exec(text)[0], before = text.slice(0, text.length - word.length).trimEnd();
  if (/(^|[("]|\b(AND|OR|NOT))$/.test(before)) {
    return matching(fields.map(({ name, unit, description }) => ({ name, more: unit ? `${description} (${unit})` : description })), word);
  }
  const field = fields.find(({ name }) => name === /(\w+)$/.exec(before)?.[1]);
  const next = field && field.type !== "boolean" ? ["=", "!=", ...(field.type === "enum" ? [] : ["<", "<=", ">", ">="])] : ["AND", "OR"];
  return matching(next.map((name) => ({ name, more: "" })), word);
}
function matching(offers, word) {
  const typed = word.toLowerCase(), at = ({ name }) => name.toLowerCase().indexOf(typed);
  const found = offers.filter((offer) => at(offer) >= 0 && offer.name !== word);
  return { word, offers: found.sort((a, b) => Math.min(at(a), 1) - Math.min(at(b), 1)).slice(0, MOST) };
}

export function completes(input, list, fields) {
  let offered = { word: "", offers: [] }, chosen = -1;
  function close() { list.hidden = true; chosen = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); }
  function choose(i) {
    chosen = i;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", at === i));
    input.setAttribute("aria-activedescendant", `offer-${i}`);
    list.children[i].scrollIntoView({ block: "nearest" });
  }
  function open() {
    const caret = input.selectionStart ?? input.value.length;
    offered = offersFor(input.value.slice(0, caret), fields());
    if (!offered.offers.length) return close();
    list.replaceChildren(...offered.offers.map(({ name, more }, i) => {
      const item = el("li", [el("code", name), more ? el("small", more) : null], { role: "option", id: `offer-${i}`, "aria-selected": false });
      item.onpointerdown = (event) => { event.preventDefault(); take(i); };
      return item;
    }));
    chosen = -1;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  }
  function take(i) {
    const caret = input.selectionStart, start = caret - offered.word.length, text = `${offered.offers[i].name} `;
    input.setRangeText(text, start, caret, "end");
    open();
  }
  input.addEventListener("input", open);
  input.addEventListener("focus", open);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const last = list.children.length - 1;
    if (list.hidden) { if (event.key === "ArrowDown") open(); return; }
    if (event.key === "ArrowDown") choose(chosen < last ? chosen + 1 : 0);
    else if (event.key === "ArrowUp") choose(chosen > 0 ? chosen - 1 : last);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(chosen);
    else return;
    event.preventDefault();
  });
}
