// Where a value comes from: who wrote it, by which calls, and what that firing had read, as far back as is opened.

/** What led to the value at `path` as of a version. */
function causes(task, path, version) {
  const found = task.authors(path, version);
  const whole = cause(task, path, version, found.whole);
  return el("ul", { class: "causes" }, whole, some([...found.parts.values()], (part) => cause(task, part.path, version, part.line), 20));
}

function cause(task, path, version, line) {
  const value = valueAt(task.at(version), path);
  const calls = (line.calls ?? []).map((number) => record.calls[number]);
  const cost = calls.reduce((sum, call) => sum + (call.cost ?? 0), 0);
  const told = [calls.length ? `${calls.length} call${calls.length > 1 ? "s" : ""}` : "", calls[0]?.model, cost ? `$${cost.toFixed(4)}` : ""];
  return el("li", {},
    el("code", {}, dotted(path)), " = ", el("code", { class: "value" }, short(value)), " ← ", who(task, line),
    el("small", {}, ` ${clock(line.at)} ${told.filter(Boolean).join(", ")}`),
    inputs(task, path, line));
}

/** The one who wrote, as a button that leads to the line. */
function who(task, line) {
  const words = line.word === "created" ? (task.parent ? "the payload of a subtask" : "the payload")
    : line.by === "person" ? line.who : line.by === "landing" ? `subtask ${taskOf[line.child]?.name ?? line.child}`
    : line.by === "engine" ? (line.answers ? "the default answer" : line.step ? `the engine, because ${line.step} failed` : "the engine") : line.step;
  const entry = line.number === undefined ? "" : ` (entry ${line.number})`;
  return el("button", { type: "button", class: "link", onclick: () => go(task, task.lines.indexOf(line)) }, words + entry);
}

/** What the writer had started from; nothing for the data of the root and for people. */
function inputs(task, path, line) {
  if (line.child && taskOf[line.child]) return fold("from its document", () => landed(taskOf[line.child], path));
  if (line.firing) {
    const read = readBy(task, line);
    return read.length ? fold(`read ${read.length} value${read.length > 1 ? "s" : ""}`, () => el("ul", { class: "causes" },
      read.map((one) => cause(task, one, line.from, task.authors(one, line.from).whole)))) : null;
  }
  if (line.word === "created" && task.parent) {
    const maker = lineOf.get(Number(task.id.split(".").at(-2)));
    return maker ? fold("made by", () => el("ul", { class: "causes" }, el("li", {}, who(maker[0], maker[0].lines[maker[1]]),
      inputs(maker[0], [], maker[0].lines[maker[1]])))) : null;
  }
  return null;
}

/** The places that a firing read: those its condition names today, and those on record. Of two equal ones the first. */
function readBy(task, line) {
  const root = task.at(line.from), all = [...(record.conditions[line.step] ?? []), ...(line.read ?? [])];
  const known = new Map(all.map((path) => pathIn(root, path)).map((path) => [dotted(path), path]));
  return [...known.values()].filter((path) => valueAt(root, path) !== undefined && path[0] !== "$children");
}

function pathIn(root, keys) {
  let here = root;
  return keys.map((key) => {
    const at = Array.isArray(here) && /^\d+$/.test(key) ? Number(key) : key;
    here = isBox(here) && Object.hasOwn(here, at) ? here[at] : undefined;
    return at;
  });
}

/** In a subtask: where the value comes from that it handed to its parent at `path`. */
function landed(child, path) {
  const inside = path.slice((child.into ?? []).length + 1);
  const ended = child.lines.find((line) => line.result);
  if (!ended) return causes(child, pathIn(child.at(child.last), inside), child.last);
  return el("ul", { class: "causes" }, el("li", {}, "the result ",
    el("code", { class: "value" }, short(valueAt(ended.result[0], inside))), " ← ", who(child, ended), inputs(child, inside, ended)));
}
