"use strict";
// Elements and texts. Nothing is ever parsed as HTML: whatever a task holds is text.

const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** `text` with escapes in place of what a browser would obey: control characters, and turns of the direction. */
function shown(text) {
  return String(text).toWellFormed().replace(unsafe, (one) => "\\u" + one.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** An element. Attributes that begin with "on" are listeners; null and false leave one out. */
function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === false || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : shown(value));
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined)
    .map((one) => (one instanceof Node ? one : shown(one))));
  return made;
}

/** What opens at a click: its content is made when it is opened first. */
function fold(summary, fill, attributes = {}) {
  const once = () => { if (made.children.length === 1) made.append(...[fill()].flat()); };
  const made = el("details", { ...attributes, ontoggle: () => made.open && once() }, el("summary", { onclick: once }, summary));
  return made;
}

/** The first `most` of `items`, drawn by `draw`, and a button for the next ones. */
function some(items, draw, most = 100) {
  const drawn = items.slice(0, most).map(draw);
  if (items.length > most) {
    const more = el("button", { type: "button", class: "more", onclick: () => more.replaceWith(...some(items.slice(most), draw, most)) },
      `${(items.length - most).toLocaleString("en")} more`);
    drawn.push(more);
  }
  return drawn;
}

function clock(at) {
  return new Date(at).toLocaleTimeString("en-GB");
}

function seconds(number) {
  if (number < 60) return `${number.toFixed(number < 1 ? 2 : 1)}s`;
  const whole = Math.round(number), two = (n) => String(n).padStart(2, "0");
  return whole < 3600 ? `${Math.floor(whole / 60)}m${two(whole % 60)}s` : `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** A path as people write it. */
function dotted(path) {
  return path.map((key) => (/^[^.=\s[\]"]+$/.test(key) ? key : JSON.stringify(key))).join(".") || "(document)";
}

function short(value, most = 80) {
  const text = JSON.stringify(value);
  return text === undefined ? "nothing" : text.length > most ? text.slice(0, most - 1) + "…" : text;
}

/** Puts the times of a part of the page into the zone of its reader. */
function localTimes(root) {
  for (const one of root.querySelectorAll("time[datetime]")) {
    const at = new Date(one.dateTime);
    one.textContent = `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}, ${clock(at)}`;
  }
}

localTimes(document);
