// The page of one task: its log, and at each line what changed, what was asked, and the document.

const ROW = 30;
const signs = { fired: "✓", done: "✓", looked: "·", failed: "✗", error: "✗", changed: "»", landed: "←", created: "○", question: "?", armed: "»" };
let task = tasks[0], place = 0, listed = [];

const picker = el("select", { "aria-label": "Task", onchange: () => go(tasks[picker.value], 0) });
const search = el("input", { type: "search", placeholder: "Find in the log", "aria-label": "Find in the log", oninput: () => { list(); draw(); } });
const spacer = el("div", { class: "spacer", role: "presentation" });
const scroller = el("div", { class: "list", role: "listbox", tabindex: 0, "aria-label": "Log", onscroll: draw, onkeydown: onListKey }, spacer);
const position = el("span", { class: "position", "aria-live": "polite" });
const detail = el("div", { class: "detail" });

function pick() {
  picker.hidden = tasks.length < 2;
  picker.replaceChildren(...tasks.slice(0, 2000).map((one) => el("option", { value: one.place }, `${"  ".repeat(depth(one))}${one.name} · ${one.state}`)));
  picker.value = task.place;
}

function depth(one) {
  let deep = 0;
  for (let above = taskOf[one.parent]; above; above = taskOf[above.parent]) deep++;
  return deep;
}

function button(text, label, move) {
  return el("button", { type: "button", "aria-label": label, onclick: () => step(move) }, text);
}

document.getElementById("entries").append(
  el("div", { class: "bar" }, picker, search,
    el("span", { class: "steps" }, button("⇤", "First entry", -Infinity), button("←", "Previous entry", -1), position, button("→", "Next entry", 1), button("⇥", "Last entry", Infinity))),
  el("div", { class: "two" }, scroller, detail));

// ---- the log

/** The lines that are searched for. */
function list() {
  const wanted = search.value.toLowerCase();
  listed = task.lines.map((_, at) => at).filter((at) => !wanted || words(task.lines[at]).toLowerCase().includes(wanted));
  spacer.style.height = `${Math.max(1, listed.length) * ROW}px`;
}

function words(line) {
  return [line.word, line.step ?? "", ...(line.facts ?? []), line.text ?? "", ...changedPlaces(line)].join(" ");
}

function changedPlaces(line) {
  return (line.changes ?? []).filter((change) => !change.path.startsWith("/$children")).map((change) => dotted(keysOf(change.path)));
}

/** Draws the lines that are in sight, and no others. */
function draw() {
  const top = Math.max(0, Math.floor(scroller.scrollTop / ROW) - 10), most = Math.ceil(scroller.clientHeight / ROW) + 20;
  spacer.replaceChildren(...listed.slice(top, top + most).map((at, number) => row(at, top + number)));
  const here = listed.indexOf(place);
  here >= top && here < top + most ? scroller.setAttribute("aria-activedescendant", `line-${place}`) : scroller.removeAttribute("aria-activedescendant");
}

function row(at, number) {
  const line = task.lines[at], places = changedPlaces(line);
  const told = line.text || [...(line.facts ?? []), places.slice(0, 2).join(", ") + (places.length > 2 ? ` (+${places.length - 2})` : "")].filter(Boolean).join(", ");
  const made = el("div", { role: "option", id: `line-${at}`, class: `line ${line.word}`, "aria-selected": String(at === place),
    "aria-setsize": listed.length, "aria-posinset": number + 1, onclick: () => go(task, at) },
  el("span", { class: "n" }, line.number ?? ""), el("span", { class: "sign", "aria-hidden": true }, signs[line.word] ?? "–"),
  el("span", { class: "who" }, line.step ?? line.word), el("span", { class: "told" }, (line.step && line.word !== "fired" ? line.word + " " : "") + told.split("\n", 1)[0].slice(0, 200)));
  made.style.top = `${number * ROW}px`;
  return made;
}

function onListKey(event) {
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
  if (event.key in moves) { event.preventDefault(); event.stopPropagation(); step(moves[event.key]); }
}

/** Goes some lines on, among those that are listed. */
function step(by) {
  if (!listed.length) return;
  const here = listed.indexOf(place), from = here < 0 ? 0 : here + by;
  go(task, listed[Math.min(listed.length - 1, Math.max(0, from))]);
}

/** Shows a line of a task. */
function go(whose, at, { look = true } = {}) {
  if (whose !== task) { task = whose; picker.value = task.place; search.value = ""; list(); }
  place = at;
  const number = listed.indexOf(at);
  if (number >= 0 && (number * ROW < scroller.scrollTop || (number + 1) * ROW > scroller.scrollTop + scroller.clientHeight)) {
    scroller.scrollTop = number * ROW - scroller.clientHeight / 2;
  }
  draw();
  tell();
  mark();
  if (look) history.replaceState(null, "", `#${task.place}:${place}`);
}

// ---- one line

function tell() {
  const line = task.lines[place], root = task.at(task.versionAt(place));
  position.textContent = `${(place + 1).toLocaleString("en")} of ${task.lines.length.toLocaleString("en")}`;
  const facts = [line.attempt && `attempt ${line.attempt}`, line.seconds !== undefined && seconds(line.seconds), clock(line.at), ...(line.facts ?? [])].filter(Boolean);
  detail.replaceChildren(
    el("h3", {}, line.step ?? task.name, " ", el("span", { class: `word ${line.word}` }, line.word)),
    el("p", { class: "about" }, facts.join(" · ")),
    line.woken ? el("p", { class: "woken" }, ...woken(line)) : "",
    line.text ? el("pre", { class: "told" }, line.text) : "",
    line.logs ? el("pre", { class: "logs" }, line.logs.map(([level, text]) => (level === "info" ? text : `${level}: ${text}`)).join("\n")) : "",
    ...(line.asked ?? []).map(([question, into]) => el("p", { class: "asked" }, el("b", {}, question), ` → ${into}`)),
    line.number === 0 || !line.changes ? "" : el("div", { class: "diff" }, el("h4", {}, "Changes"), some(line.writes, drawChange, 50)),
    line.calls ? el("div", { class: "calls" }, el("h4", {}, "Calls"), line.calls.map(call)) : "",
    el("h4", {}, "Document"), tree(root, new Set((line.writes ?? []).map((change) => dotted(change.path)))));
}

function woken(line) {
  const [by, path, firing, via] = line.woken, found = firing && lineOf.get(firing);
  const name = found ? el("button", { type: "button", class: "link", onclick: () => go(...found) }, by) : by === "payload" ? "the payload" : by === "person" ? "a person" : by;
  return ["woken by ", name, " through ", el("code", {}, path), via ? ` (${via === "landing" ? "the result of a subtask" : "as a subtask"})` : ""];
}

/** A change, with the value before and after it. */
function drawChange({ op, path, was, value }) {
  const now = op === "remove" ? undefined : value;
  const sign = was === undefined ? "+" : now === undefined ? "−" : "~";
  const [left, right] = typeof was === "string" && typeof now === "string" ? marked(was, now) : [whole(was), whole(now)];
  return el("div", { class: "change" }, el("code", { class: "path" }, el("b", {}, sign), ` ${dotted(path)}`),
    left.length ? el("pre", { class: "was" }, left.map(bounded)) : "", right.length ? el("pre", { class: "now" }, right.map(bounded)) : "");
}

/** Two texts with what differs marked: all between their common beginning and end. */
function marked(was, now) {
  let start = 0, end = 0;
  const most = Math.min(was.length, now.length);
  while (start < most && was[start] === now[start]) start++;
  while (end < most - start && was.at(-1 - end) === now.at(-1 - end)) end++;
  const cut = (text) => [text.slice(0, start), el("mark", {}, text.slice(start, text.length - end)), text.slice(text.length - end)].filter((one) => one !== "");
  return [cut(was), cut(now)];
}

/** A value in lines; nothing if there is none. */
function whole(value) {
  return value === undefined ? [] : [typeof value === "string" && value.includes("\n") ? value : JSON.stringify(value, null, 2)];
}

const bounded = (one) => (typeof one === "string" && one.length > 4000 ? el("span", {}, one.slice(0, 4000), el("button", { type: "button", class: "more", onclick: (event) => event.target.parentNode.replaceWith(shown(one)) }, `${(one.length - 4000).toLocaleString("en")} more characters`)) : one);

function call(number) {
  const one = record.calls[number];
  return fold([`call ${number} `, one.function, el("span", { class: one.state === "failed" ? "word failed" : "dim" }, ` ${one.facts.join(", ") || one.state}`)],
    () => one.parts.map(([title, text]) => el("div", { class: `part ${title.split(" ", 1)[0]}` }, el("p", { class: "title" }, title), el("pre", {}, bounded(text)))), { class: "call" });
}

// ---- the document

/** A value as a tree of rows; each name is a button that tells where the value comes from. */
function tree(root, changed) {
  return el("div", { class: "tree" }, branch(root, [], changed));
}

function branch(value, path, changed) {
  const keys = Array.isArray(value) ? value.map((_, at) => at) : Object.keys(value);
  const draw = (key) => leaf(value[key], [...path, key], changed);
  const first = keys.length > 100 ? keys.findIndex((key) => leads(changed, dotted([...path, key]))) : 0;
  if (first < 100) return some(keys, draw);
  const before = el("button", { type: "button", class: "more", onclick: () => before.replaceWith(...some(keys.slice(0, first - 5), draw)) },
    `${(first - 5).toLocaleString("en")} before`);
  return [before, ...some(keys.slice(first - 5), draw)];
}

/** Whether a change is at a place, or below it. */
function leads(changed, name) {
  return changed.has(name) || [...changed].some((one) => one.startsWith(`${name}.`));
}

function leaf(value, path, changed) {
  const name = dotted(path), is = changed.has(name), version = task.versionAt(place), whose = task;
  const ask = el("button", { type: "button", class: "key", "aria-expanded": "false", title: "Where does it come from?", onclick: () => blame(ask, whose, path, version) }, String(path.at(-1)));
  const line = el("div", { class: is ? "leaf new" : "leaf" });
  if (!isBox(value) || !Object.keys(value).length) {
    const isText = typeof value === "string" && value.includes("\n");
    line.append(el("span", { class: "pad" }), ask, ": ", isText ? el("pre", { class: "v string lines" }, bounded(value)) : el("span", { class: `v ${typeof value}` }, bounded(JSON.stringify(value))));
    return el("div", {}, line);
  }
  const size = Object.keys(value).length, kind = Array.isArray(value) ? `[${size}]` : `{${size}}`;
  const inside = el("div", { class: "inside", hidden: true });
  const toggle = el("button", { type: "button", class: "toggle", "aria-expanded": "false", "aria-label": `Open ${name}`, onclick: () => open(inside.hidden) }, "▸");
  const open = (wanted) => {
    if (wanted && !inside.children.length) inside.append(...branch(value, path, changed));
    inside.hidden = !wanted;
    toggle.setAttribute("aria-expanded", String(wanted));
    toggle.textContent = wanted ? "▾" : "▸";
  };
  line.append(toggle, ask, el("span", { class: "dim" }, ` ${kind}`));
  if (leads(changed, name) || (path.length < 3 && size <= 12)) open(true);
  return el("div", {}, line, inside);
}

function blame(button, whose, path, version) {
  const line = button.parentNode, next = line.nextElementSibling;
  const is = next?.classList.contains("blame");
  button.setAttribute("aria-expanded", String(!is));
  is ? next.remove() : line.after(el("div", { class: "blame" }, el("p", { class: "title" }, "Where it comes from"), causes(whose, path, version)));
}

// ---- the timeline

let bars, readout, zoom = 1;

function mark() {
  for (const one of bars.querySelectorAll(".on, .by")) one.classList.remove("on", "by");
  bars.querySelector(`[data-e="${task.place}:${place}"]`)?.classList.add("on");
  const found = lineOf.get(task.lines[place].woken?.[2]);
  if (found) bars.querySelector(`[data-e="${found[0].place}:${found[1]}"]`)?.classList.add("by");
}

const pointed = (event) => event.target.dataset?.e?.split(":").map(Number);

/** Finds the timeline of the page, and lets it answer. */
function useTimeline() {
  bars = document.getElementById("lanes");
  readout = document.getElementById("readout");
  bars.style.width = `${zoom * 100}%`;
  bars.addEventListener("pointerover", (event) => {
    const found = pointed(event);
    if (!found) return;
    const whose = tasks[found[0]], line = whose.lines[found[1]];
    const facts = [line.word, line.seconds !== undefined && seconds(line.seconds), line.woken && `woken by ${line.woken[0]} through ${line.woken[1]}`, ...(line.facts ?? []), line.text?.split("\n", 1)[0]];
    readout.textContent = shown(`${whose.place ? whose.name + " › " : ""}${line.step}: ${facts.filter(Boolean).join(", ")}`);
  });
  bars.addEventListener("click", (event) => {
    const found = pointed(event);
    if (!found) return;
    go(tasks[found[0]], found[1]);
    document.getElementById("run").scrollIntoView({ behavior: "smooth", block: "start" });
  });
  for (const one of document.querySelectorAll("[data-zoom]")) {
    one.addEventListener("click", () => {
      zoom = Math.min(64, Math.max(1, zoom * Number(one.dataset.zoom)));
      const box = bars.parentNode, middle = (box.scrollLeft + box.clientWidth / 2) / box.scrollWidth;
      bars.style.width = `${zoom * 100}%`;
      box.scrollLeft = middle * box.scrollWidth - box.clientWidth / 2;
    });
  }
}

// ---- keys, prompts, paper, and the first look

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    if (event.target.closest(".wide, .timeline")) return;
    event.preventDefault();
    step(event.key === "ArrowLeft" ? -1 : 1);
  } else if (event.key === "/") { event.preventDefault(); search.focus(); }
});

/** Lists all calls; those that were open stay open. */
function listCalls() {
  const box = document.getElementById("prompts"), opened = new Set([...box?.querySelectorAll("details[open]") ?? []].map((one) => one.dataset.call));
  box?.replaceChildren(...some(Object.keys(record.calls), (number) => {
    const made = call(number);
    made.dataset.call = number;
    made.firstChild.prepend(el("span", { class: "who" }, `${record.calls[number].step}, `));
    made.open = opened.has(number);
    return made;
  }, 20));
}

addEventListener("beforeprint", () => { scroller.classList.add("whole"); spacer.replaceChildren(...listed.slice(0, 1000).map(row)); });
addEventListener("afterprint", () => { scroller.classList.remove("whole"); draw(); });
addEventListener("hashchange", fromAddress);

function fromAddress() {
  const found = /^#(\d+):(\d+)$/.exec(location.hash);
  const whose = found && tasks[found[1]];
  if (whose?.lines[found[2]]) go(whose, Number(found[2]), { look: false });
  return Boolean(found);
}

/** Shows what is told anew of the tasks. Whoever looks at the last entry follows; any other entry stays. */
function refresh(told) {
  const follows = place === task.lines.length - 1, scrolled = bars.parentNode?.scrollLeft;
  take(told);
  task = taskOf[task.id] ?? tasks[0];
  pick();
  list();
  if (!bars.isConnected) {
    useTimeline();
    bars.parentNode.scrollLeft = scrolled;
  }
  listCalls();
  if (follows) go(task, task.lines.length - 1, { look: false });
  else { draw(); mark(); }
}

pick();
useTimeline();
listCalls();
list();
if (!fromAddress()) go(task, task.lines.length - 1, { look: false });
