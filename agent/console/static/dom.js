// Small helpers to make elements. What is shown is always set as text, never as HTML.

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Make an element.
 * @param {string} tag such as `div` or `button.big`
 * @param {Record<string, any>} [attributes] `onclick` and the like are listeners
 * @param {...(Child | Child[])} children
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  if (name === "button") element.setAttribute("type", "button");
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else set(element, key, value);
  }
  fill(element, ...children);
  return element;
}

/** @param {Element} element @param {string} name @param {any} value */
export function set(element, name, value) {
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  const kept = children.flat().filter((one) => one !== null && one !== undefined && one !== false);
  element.replaceChildren(...kept.map((one) => (one instanceof Node ? one : String(one))));
}

/** Change a text only where it is another one: screen readers read changes out.
 * @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const SVG = "http://www.w3.org/2000/svg";
/** @type {Record<string, string>} */
const PATHS = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  unsure: "M9 9.2a3 3 0 1 1 4.4 2.6c-.9.5-1.4 1-1.4 2.2M12 17.4v.1",
  play: "M8 5.5v13l11-6.5z",
  pause: "M8 5.5v13M16 5.5v13",
  alerts: "M12 4a5.5 5.5 0 0 0-5.5 5.5c0 5-2 6.5-2 6.5h15s-2-1.500-2-6.500A5.500 5.500 0 0 0 12 4zM10 19a2.200 2.200 0 0 0 4 0",
  teach: "M12 4v9M9 7v4a3 3 0 0 0 6 0V7a3 3 0 0 0-6 0zM6 11a6 6 0 0 0 12 0M12 17v3M9 20h6",
  rate: "M4 8h9M17 8h3M4 16h3M11 16h9M15 6v4M9 14v4",
  words: "M5 6h14M5 11h14M5 16h8",
  health: "M3.500 12h4l2.500-6 4 12 2.500-6h4",
  undo: "M8 6l-4 4 4 4M4 10h9a5 5 0 0 1 0 10h-3",
  warn: "M12 4.500l8.500 15h-17zM12 10v4M12 16.800v.1",
  person: "M12 12a3.700 3.700 0 1 0 0-7.400 3.700 3.700 0 0 0 0 7.400zM5 19.500c.8-3.300 3.500-5 7-5s6.200 1.700 7 5",
  more: "M7 10l5 5 5-5",
  keys: "M4 7h16v10H4zM7.500 10.500h.1M12 10.500h.1M16.500 10.500h.1M8 14h8",
  out: "M10 5H6v14h4M14 8l4 4-4 4M18 12H9",
};

/** A picture that says nothing which the text beside it does not say. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** @param {string} name @returns {string} what was kept in this browser, empty if nothing */
export function recall(name) {
  try {
    return localStorage.getItem(`kikimimi.${name}`) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} name @param {string} value */
export function remember(name, value) {
  try {
    localStorage.setItem(`kikimimi.${name}`, value);
  } catch {
    // A private window keeps nothing: the page then asks again.
  }
}

/** A number of its own for each request. */
export function requestId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `console-${Array.from(bytes, (one) => one.toString(16).padStart(2, "0")).join("")}`;
}
