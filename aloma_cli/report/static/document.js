// The document of a task at each version, made from its changes (RFC 6902), and who wrote what.

const isBox = (value) => value !== null && typeof value === "object";

/** The value at a path; undefined if there is none. */
function valueAt(value, path) {
  for (const key of path) {
    if (!isBox(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** The keys of a JSON pointer. */
function keysOf(pointer) {
  return pointer.split("/").slice(1).map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A JSON pointer as a path in this document: positions in lists are numbers, and "-" is the end of a list. */
function pathOf(pointer, root) {
  let here = root;
  return keysOf(pointer).map((key) => {
    const at = Array.isArray(here) ? (key === "-" ? here.length : Number(key)) : key;
    here = isBox(here) && Object.hasOwn(here, at) ? here[at] : undefined;
    return at;
  });
}

/** Sets a key; one such as `__proto__` as well. */
function put(box, key, value) {
  Object.defineProperty(box, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Applies a change to the document that it may alter, and returns the new one. */
function apply(root, { op, path, value, moves }) {
  const mine = isBox(value) ? structuredClone(value) : value;
  if (!path.length) return mine;
  const box = valueAt(root, path.slice(0, -1)), key = path.at(-1);
  if (moves) box.splice(key, op === "remove" ? 1 : 0, ...(op === "remove" ? [] : [mine]));
  else if (op === "remove") delete box[key];
  else put(box, key, mine);
  return root;
}

/** Where the value at `path` was before a change; null if that change wrote it. */
function before(path, change) {
  const wrote = change.path, last = wrote.length - 1;
  for (let at = 0; at <= last; at++) {
    if (at >= path.length) return path;
    if (at === last && change.moves) {
      const mine = Number(path[at]), other = wrote[at];
      if (change.op === "add" && mine === other) return null;
      const moved = change.op === "add" ? mine - (mine > other) : mine + (mine >= other);
      return [...path.slice(0, at), moved, ...path.slice(at + 1)];
    }
    if (String(path[at]) !== String(wrote[at])) return path;
  }
  return null;
}

/** One task of the record. `lines` is its log; a line that changed the document has `writes`: its changes. */
class Task {
  constructor(told, place) {
    Object.assign(this, told);
    this.place = place;
    this.lines = told.log;
  }

  /** The lines that wrote, in their order. What their paths mean is known only beside the documents. */
  get writes() {
    if (!this.found) {
      let root = structuredClone(this.data);
      this.found = this.lines.filter((line) => line.version);
      for (const line of this.found) {
        line.writes = (line.changes ?? []).map(({ op, path: pointer, value }) => {
          const path = pathOf(pointer, root);
          const moves = op !== "replace" && path.length > 0 && Array.isArray(valueAt(root, path.slice(0, -1)));
          const old = op === "add" && moves ? undefined : valueAt(root, path);
          const change = { op, path, value, moves, was: isBox(old) ? structuredClone(old) : old };
          root = apply(root, change);
          return change;
        });
      }
    }
    return this.found;
  }

  /** The document as of a version. The last one is kept: to step forward costs one change. */
  at(version) {
    if (!this.kept || this.kept.version > version) this.kept = { version: 0, next: 0, root: structuredClone(this.data) };
    const kept = this.kept, writes = this.writes;
    while (kept.next < writes.length && writes[kept.next].version <= version) {
      for (const change of writes[kept.next++].writes) kept.root = apply(kept.root, change);
    }
    kept.version = version;
    return kept.root;
  }

  /** The version as of a line of the log. */
  versionAt(number) {
    for (let at = number; at > 0; at--) if (this.lines[at].version) return this.lines[at].version;
    return 0;
  }

  get last() {
    return this.writes.at(-1)?.version ?? 0;
  }

  /** The line that last wrote, up to a version, the value at `path` as a whole; and, after it, the lines that wrote parts. */
  authors(path, version) {
    const parts = new Map();
    for (let at = this.writes.length - 1; at >= 0; at--) {
      const line = this.writes[at];
      if (line.version > version) continue;
      for (let number = line.writes.length - 1; number >= 0; number--) {
        const change = line.writes[number], was = before(path, change);
        if (was === null) return { whole: line, path, parts };
        if (change.path.length > path.length && path.every((key, i) => String(key) === String(change.path[i]))) {
          const list = change.path.findIndex((key, i) => i >= path.length && typeof key === "number");
          const place = change.path.slice(0, list < 0 ? undefined : list);
          if (place.length > path.length && !parts.has(dotted(place))) parts.set(dotted(place), { line, path: place });
          else if (!parts.has("")) parts.set("", { line, path });
        }
        path = was;
      }
    }
    return { whole: this.lines[0], path, parts };
  }
}

let record, tasks, taskOf;
let lineOf; // of each firing: its task and the place of its last line

/** Takes what is told of the tasks. */
function take(told) {
  record = told;
  tasks = record.tasks.map((one, place) => new Task(one, place));
  taskOf = Object.fromEntries(tasks.map((task) => [task.id, task]));
  lineOf = new Map();
  for (const task of tasks) task.lines.forEach((line, at) => line.firing && lineOf.set(line.firing, [task, at]));
}

take(JSON.parse(document.getElementById("record").textContent));
