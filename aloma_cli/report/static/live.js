// Keeps a page as what it tells of is now: asks its server for it again, and puts in the parts that have changed.

const LEAST = 1000; // milliseconds between two questions
const SHARE = 5; // and so many times as long as an answer takes, so that a large page is no burden
const kept = new Set(["run", "calls"]); // what the script fills
const came = new Map(); // the parts as they came
let version = document.documentElement.dataset.version, failed = 0;

async function again() {
  const began = performance.now();
  if (!document.hidden) await ask();
  setTimeout(again, Math.max(LEAST, SHARE * (performance.now() - began)) * Math.min(10, 1 + failed));
}

async function ask() {
  try {
    const answer = await fetch(location.pathname + location.search, { headers: { "if-none-match": version }, cache: "no-store" });
    if (answer.ok) {
      version = answer.headers.get("etag");
      renew(new DOMParser().parseFromString(await answer.text(), "text/html"));
    }
    failed = answer.ok || answer.status === 304 ? 0 : failed + 1;
    say(answer.status === 403 ? "The server was restarted: open the address that it printed." : failed ? "The page cannot be refreshed." : "");
  } catch {
    failed++;
    say("The server has stopped.");
  }
}

function say(text) {
  const line = document.getElementById("state");
  if (line.textContent !== text) line.textContent = text;
}

function renew(fresh) {
  document.title = fresh.title;
  for (const name of ["header", "nav"]) swap(document.querySelector(name), fresh.querySelector(name), name);
  const main = document.getElementById("content");
  const sections = [...fresh.getElementById("content").children], ids = new Set(sections.map((one) => one.id));
  for (const one of [...main.children]) if (!ids.has(one.id)) one.remove();
  let at = main.firstElementChild;
  for (const theirs of sections) {
    const mine = document.getElementById(theirs.id), wanted = part(mine, theirs);
    if (mine && mine !== wanted) mine.replaceWith(wanted);
    if (at === mine && mine) at = wanted.nextElementSibling;
    else main.insertBefore(wanted, at);
  }
  const told = JSON.parse(fresh.getElementById("record").textContent);
  if (told) refresh(told);
}

/** What is to be shown of a part: what is shown already, unless it has changed. */
function part(mine, theirs) {
  const same = mine && (kept.has(theirs.id) || came.get(theirs.id) === theirs.outerHTML);
  came.set(theirs.id, theirs.outerHTML);
  if (!same) localTimes(theirs);
  return same ? mine : theirs;
}

function swap(mine, theirs, name) {
  if (!theirs || came.get(name) === theirs.outerHTML) return;
  came.set(name, theirs.outerHTML);
  localTimes(theirs);
  mine ? mine.replaceWith(theirs) : document.getElementById("content").before(theirs);
}

setTimeout(again, LEAST);
