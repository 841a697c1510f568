// Elements of a page. Text is always text: nothing here reads markup.
export const $ = (id) => document.getElementById(id);
function make(namespace, tag, content, attributes = {}) {
  const node = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") node.style.cssText = value;
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...[content].flat().filter((part) => part !== null && part !== undefined));
  return node;
}
export const el = (tag, content = [], attributes) => make("http://www.w3.org/1999/xhtml", tag, content, attributes);
export const svg = (tag, attributes, content = []) => make("http://www.w3.org/2000/svg", tag, content, attributes);
export const number = (content, name = "") => el("td", content, { class: `number ${name}` });
export const heading = (text, name = "") => el("th", text, { scope: "col", class: name });
export const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
// A name in any script and direction, isolated from the text around it.
export const called = (name) => el("bdi", name);
export const small = (text) => (text ? el("small", text) : null);
