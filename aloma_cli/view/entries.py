"""What is worth telling: each event as one entry, worded once for every view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aloma_cli.clock import from_iso
from aloma_cli.record.events import (
    AnsweringSet,
    Committed,
    Event,
    FiringFailed,
    FiringLooked,
    FiringVoided,
    LimitReached,
    Logged,
    RequestRefused,
    StepsArmed,
    TaskCreated,
    TaskRested,
    TreeResumed,
)
from aloma_cli.view.changes import NOTHING, Summary, operation_text, place, summarise
from aloma_cli.view.format import clean, duration, error_text, money, plural, short_count
from aloma_cli.view.screen import Firing, Screen, Usage

_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    `word` says what (fired, looked, failed, conflict, log, done, …), `step` and `task` to whom: `task` is a subtask's
    label, None for the root. `changed` are the places it changed, `facts` the rest in short phrases, `text` what a
    step wrote or why it failed, at any length. `seconds` is how long a firing took; `firing` is the one that ended,
    with its calls and logs.
    """

    at: str
    word: str
    step: str | None = None
    task: str | None = None
    changed: Summary = NOTHING
    facts: tuple[str, ...] = ()
    text: str = ""
    seconds: float | None = None
    level: str = "info"
    firing: Firing | None = None


def tell(event: Event, screen: Screen, ended: Firing | None) -> Entry | None:
    """The entry for `event`, just folded into `screen`, which ended the firing `ended`. None: nothing to tell."""
    match event:
        case TaskCreated(parent=None):
            return Entry(event.at, "created", facts=(screen.node(event.task).name, event.task))
        case Committed(by="firing") if ended is not None:
            return _firing_entry(event, "fired", screen, ended, fired_facts(event, ended.subtasks))
        case Committed(by="person"):
            task, changed = screen.label(event.task), summarise(event.changes)
            return Entry(event.at, "changed", task=task, changed=changed, facts=("by a person",))
        case Committed(by="engine") if event.answers:
            task, changed = screen.label(event.task), summarise(event.changes)
            return Entry(event.at, "changed", task=task, changed=changed, facts=("by default: nobody had answered",))
        case FiringLooked() if ended is not None:
            return _firing_entry(event, "looked", screen, ended, ())
        case FiringVoided() if ended is not None:
            return _firing_entry(event, event.reason, screen, ended, voided_facts(event, screen.steps))
        case FiringFailed() if ended is not None:
            return _firing_entry(event, "failed", screen, ended, (), failed_text(event))
        case Logged():
            task = screen.label(event.task)
            return Entry(event.at, "log", event.step, task, text=event.text, level=event.level)
        case StepsArmed():
            facts = (clean(", ".join(event.steps)), clean(event.reason))
            return Entry(event.at, "armed", task=screen.label(event.task), facts=facts)
        case LimitReached():
            return Entry(event.at, "paused", task=screen.label(event.task), facts=(clean(event.reason),))
        case TaskRested():
            return Entry(event.at, event.state, task=screen.label(event.task), facts=_rest_facts(event, screen))
    return _tree_entry(event)


def _tree_entry(event: Event) -> Entry | None:
    """What happened to the whole tree."""
    match event:
        case TreeResumed():
            return Entry(event.at, "resumed", facts=("by a person",))
        case AnsweringSet():
            return Entry(event.at, "changed", facts=(clean(event.reason),))
        case RequestRefused():
            return Entry(event.at, "refused", facts=(clean(event.reason),))
    return None


def _firing_entry(
    event: Committed | FiringLooked | FiringVoided | FiringFailed,
    word: str,
    screen: Screen,
    ended: Firing,
    facts: tuple[str, ...],
    text: str = "",
) -> Entry:
    facts, task = (*facts, *usage_facts(ended.usage)), screen.label(event.task)
    changed = summarise(event.changes) if isinstance(event, Committed) else NOTHING
    return Entry(event.at, word, event.step, task, changed, facts, text, event.seconds, firing=ended)


def fired_facts(event: Committed, subtasks: int = 0) -> tuple[str, ...]:
    """What a firing did beside its changes: the subtasks it made, and what it asked of its task."""
    facts = []
    if subtasks:
        facts.append(plural(subtasks, "subtask"))
    if event.name is not None:
        facts.append(f"named {clean(event.name)}")
    if event.stopped:
        facts.append(f"stopped {plural(len(event.stopped), 'task')}")
    facts += [f"asks {clean(asked['question'])}" for asked in event.asked]
    if event.parked_until is not None:
        facts.append(f"parked for {duration(from_iso(event.parked_until) - from_iso(event.at))}")
    if event.completed is not None:
        facts.append("completed")
    if event.redo:
        facts.append("redo")
    return tuple(facts)


def voided_facts(event: FiringVoided, steps: dict[int, str]) -> tuple[str, ...]:
    """Where a void firing met which others, and whether it is repeated. `steps` names firings."""
    facts = []
    if event.paths:
        facts.append("at " + ", ".join(place(path) for path in event.paths))
    if event.others:
        names = dict.fromkeys(steps.get(other, f"firing {other}") for other in event.others)
        facts.append("with " + ", ".join(names))
    if event.again:
        facts.append(_AGAIN.get(event.reason, "runs again"))
    return tuple(facts)


_AGAIN = {"limited": "continues when the limit is raised", "stopped": "runs again when the task is resumed"}


def failed_text(event: FiringFailed) -> str:
    """`retry in 2.0s (attempt 1 failed): ConnectorError: …`, or the error alone when it was the last attempt."""
    text, where = error_text(event.error), event.error.get("place")
    if event.retry_at is None:
        at = f" ({clean(where)})" if where and where not in text else ""
        return f"{text}{at}"
    wait = from_iso(event.retry_at) - from_iso(event.at)
    return f"retry in {duration(wait)} (attempt {event.attempt} failed): {text}"


def usage_facts(usage: Usage) -> tuple[str, ...]:
    """`("3 calls", "1.2k tokens", "$0.0041")`, and what of it was simulated."""
    if not usage.calls:
        return ()
    facts = [plural(usage.calls, "call")]
    if usage.tokens:
        facts.append(f"{short_count(usage.tokens)} tokens")
    return (*facts, *cost_facts(usage))


def cost_facts(usage: Usage) -> tuple[str, ...]:
    """`$0.0041`, `price unknown`, `simulated`: the money of `usage`, or why there is none."""
    facts = []
    if usage.cost:
        facts.append(money(usage.cost) + (f" + {usage.unpriced} of unknown price" if usage.unpriced else ""))
    elif usage.unpriced:
        facts.append("price unknown")
    if usage.simulated:
        some = "" if usage.simulated == usage.answers else f"{usage.simulated} of {usage.answers} "
        facts.append(f"{some}simulated")
    return tuple(facts)


def _rest_facts(event: TaskRested, screen: Screen) -> tuple[str, ...]:
    node = screen.node(event.task)
    facts = [clean(event.reason)] if event.reason else []
    if event.task == screen.root:
        return (node.name, *facts, *total_facts(screen))
    return tuple(facts)


def total_facts(screen: Screen) -> tuple[str, ...]:
    """`("6 fired", "2 looked", "1 failed", "9 calls", …)`: the whole tree, without the zeros."""
    total = screen.totals()
    counts = ((total.fired, "fired"), (total.looked, "looked"), (total.failed, "failed"), (total.voided, "voided"))
    return (*(f"{number:,} {word}" for number, word in counts if number), *usage_facts(screen.usage))


def explained(missing: Iterable[dict[str, Any]], cycle: Iterable[dict[str, Any]]) -> list[str]:
    """Why a task ended short of its goal, by the two fields of TaskRested: a line for each step that came nearest to
    firing, and one for each commit on the way round."""
    return [*(f"nearest: {_miss(miss)}" for miss in missing), *(f"round: {_leg(leg)}" for leg in cycle)]


def _miss(miss: dict[str, Any]) -> str:
    more = [f"{miss['more']:,} more"] if miss.get("more") else []
    return f"{clean(miss['step'])}: {', '.join([*map(clean, miss['missing']), *more])}"


def _leg(leg: dict[str, Any]) -> str:
    changes = [" ".join(operation_text(change, _LONGEST_VALUE)) for change in leg["changes"]]
    return f"{clean(leg['step'] or '')}: {', '.join(changes) or 'no change'}"
