/** Names and paths come from the network: they are only ever set as text. */

export const $ = (id) => document.getElementById(id);

/** An element; children are elements or text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** What is between back quotes is code. */
export function withCode(text) {
  return text.split("`").map((part, at) => (at % 2 === 1 ? element("code", {}, part) : part));
}

export const count = (number) => Math.round(number).toLocaleString("en");
export const seconds = (value) => (value === undefined ? "–" : `${value.toFixed(1)} s`);

/** A JSON answer of the server; undefined: there is none, and the events say that the connection is lost. */
export async function ask(path) {
  try {
    const response = await fetch(path);
    return await response.json();
  } catch {
    return undefined;
  }
}
