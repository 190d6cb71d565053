"""The report of a workspace: its tasks over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any

from aloma_cli.clock import from_iso
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import CallAnswered
from aloma_cli.record.figures import Figures
from aloma_cli.record.spending import role_of
from aloma_cli.record.states import ACTIVE, ENDINGS, INTERRUPTED, STATES, seen
from aloma_cli.report.buckets import Buckets
from aloma_cli.report.charts import bars, dots
from aloma_cli.report.markup import Markup, tag
from aloma_cli.report.page import Section, page
from aloma_cli.report.table import badge, table, tiles
from aloma_cli.values import dataclass
from aloma_cli.view.entries import explained
from aloma_cli.view.format import duration, error_text, money
from aloma_cli.view.tables import STEPS, Column, step_row
from aloma_cli.view.usage import COLUMNS, cells, with_total

MOST = 10
"""How many tasks a list of the slowest or most expensive has."""

_FINE = {*ACTIVE, "done"} - {INTERRUPTED}
"""The states of a task that needs no attention."""
MOST_DOTS = 2000
MOST_LISTED = 200

_TASKS = (
    Column("task"),
    Column("id", "id"),
    Column("state", "state"),
    Column("created", "time"),
    Column("took", "seconds"),
    Column("calls", "count", dispensable=True),
    Column("tokens", "count", dispensable=True),
    Column("cost", "money", dispensable=True),
)


@dataclass(frozen=True, slots=True)
class Tasks:
    """`records`: what `aloma task list --json` prints, newest first. `calls`: those of the same time, of all tasks.

    `begin` and `now`: seconds since 1970. `words`: the time in words.
    """

    records: Sequence[JsonObject]
    calls: Sequence[CallAnswered]
    begin: float
    now: float
    name: str
    words: str


def tasks_page(tasks: Tasks) -> str:
    """The report as HTML."""
    return page(f"{tasks.name} · aloma", _head(tasks), _sections(tasks))


def _head(tasks: Tasks) -> Markup:
    total = Figures.of(*tasks.calls)
    ended = [record["seconds"] for record in tasks.records if record["state"] in ENDINGS]
    done = sum(record["state"] == "done" for record in tasks.records)
    share = f"{100 * done / len(ended):.0f}% of those that ended" if ended else ""
    return tag(
        "div",
        tag("p", "aloma · all tasks", class_="brand"),
        tag("h1", tasks.name),
        tag("p", tasks.words),
        tiles(
            total,
            ("tasks", f"{len(tasks.records):,}", ""),
            ("done", f"{done:,}", share),
            ("took", duration(median(ended)) if ended else "–", "median" if ended else ""),
        ),
    )


def _sections(tasks: Tasks) -> Iterator[Section]:
    if not tasks.records:
        yield Section("none", "No tasks", tag("p", "No task was created in this time."))
        return
    buckets = Buckets(tasks.begin, tasks.now)
    by = f"By {buckets.unit}."
    yield Section("time", "Tasks over time", _legend(tasks.records), _by_state(tasks, buckets), about=by)
    if any(call.usage and call.usage.get("cost") for call in tasks.calls):
        yield Section("spent", "Cost over time", _by_cost(tasks, buckets), about=by)
    yield Section("took", "How long they took", _durations(tasks, buckets), about="Each dot is a task.")
    troubled = [record for record in tasks.records if _state(record) not in _FINE]
    if troubled:
        yield Section("look", "Needs attention", *map(_trouble_html, troubled[:MOST]), _more(len(troubled) - MOST))
    slow = sorted(tasks.records, key=lambda one: -one["seconds"])[:MOST]
    yield Section("slow", "Slowest", _task_table(slow, "The slowest"))
    priced = [one for one in tasks.records if one["usage"]["cost"]]
    if priced:
        dear = sorted(priced, key=lambda one: -one["usage"]["cost"])[:MOST]
        yield Section("dear", "Most expensive", _task_table(dear, "The most expensive"))
    yield Section("money", "Steps and models", *_spending(tasks))
    listed = tasks.records[:MOST_LISTED]
    more = _more(len(tasks.records) - MOST_LISTED)
    yield Section("all", "All tasks", _task_table(listed, "All tasks"), more, about="The newest first.")


def _state(record: JsonObject) -> str:
    return seen(record["state"], held=bool(record.get("held")), asleep=bool(record.get("wake_at")))


def _legend(records: Iterable[JsonObject]) -> Markup:
    found = Counter(map(_state, records))
    words = [name for name in STATES if found[name]]
    spans = (tag("span", tag("i", class_=f"key s-{word}"), f"{found[word]:,} {word}") for word in words)
    return tag("p", *spans, class_="legend")


def _by_state(tasks: Tasks, buckets: Buckets) -> Markup:
    counts: list[Counter[str]] = [Counter() for _ in buckets.starts]
    for record in tasks.records:
        counts[buckets.of(from_iso(record["created_at"]))][_state(record)] += 1
    parts = [{name: float(count[name]) for name in reversed(STATES) if count[name]} for count in counts]
    return bars("Tasks by state over time", buckets, parts, lambda number: f"{number:,.0f}")


def _by_cost(tasks: Tasks, buckets: Buckets) -> Markup:
    costs = [0.0] * len(buckets)
    for call in tasks.calls:
        costs[buckets.of(from_iso(call.at))] += (call.usage or {}).get("cost") or 0.0
    return bars("Cost over time", buckets, [{"spent": cost} if cost else {} for cost in costs], money)


def _durations(tasks: Tasks, buckets: Buckets) -> Markup:
    shown = tasks.records[:MOST_DOTS]
    found = ((from_iso(one["created_at"]), one["seconds"], _state(one), one["name"]) for one in shown)
    return dots("How long tasks took", buckets, found)


def _trouble_html(record: JsonObject) -> Markup:
    """A task that did not reach its goal, or that waits for somebody, and why."""
    errors = [f"{step} failed: {error_text(error)}" for step, error in record["errors"].items()]
    asked = [f"asks: {question['question']}" for question in record["questions"]]
    reasons = [*errors, *asked, record["reason"], *explained(record["missing"], record.get("cycle", ()))]
    return tag(
        "div",
        tag("p", tag("b", record["name"]), " ", badge(_state(record)), " ", tag("code", record["id"])),
        *(tag("p", reason, class_="about") for reason in dict.fromkeys(filter(None, reasons))),
        class_="talk",
    )


def _more(number: int) -> Markup | None:
    return tag("p", f"and {number:,} more: aloma task list", class_="about") if number > 0 else None


def _task_table(records: Iterable[JsonObject], caption: str) -> Markup:
    return table(_TASKS, map(_record_row, records), caption, plain=True)


def _record_row(record: JsonObject) -> list[Any]:
    usage = record["usage"]
    tokens = usage["input_tokens"] + usage["output_tokens"]
    figures = (usage["calls"] or None, tokens or None, usage["cost"] or None)
    return [record["name"], record["id"], _state(record), record["created_at"], record["seconds"], *figures]


def _spending(tasks: Tasks) -> Iterator[Markup]:
    steps: dict[str, Counter[str]] = {}
    for record in tasks.records:
        for one in record["steps"]:
            counts = {name: value for name, value in one.items() if name != "step"}
            steps.setdefault(one["step"], Counter()).update(counts)
    rows = [[*step_row({"step": step, **figures}), figures["cost"] or None] for step, figures in steps.items()]
    rows.sort(key=lambda row: (-(row[-1] or 0), -(row[-2] or 0)))
    yield table((*STEPS, Column("cost", "money", dispensable=True)), rows, "By step")
    models = Figures.grouped((call, [role_of(call)]) for call in tasks.calls)
    spent = sorted(models.items(), key=lambda one: (-one[1].cost, -one[1].tokens))
    if spent:
        shown = with_total([[role.shown, *cells(figures)] for role, figures in spent], Figures.of(*tasks.calls))
        yield table((Column("model"), *COLUMNS), shown, "By model")
