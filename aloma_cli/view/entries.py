"""Each event as one entry for every view: values first, and the words for them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import field
from math import ceil
from typing import Any

from aloma_cli.clock import from_iso
from aloma_cli.ids import root_of
from aloma_cli.record import events as ev
from aloma_cli.record.calls import RecordedCall
from aloma_cli.record.figures import Figures
from aloma_cli.record.who import person
from aloma_cli.values import dataclass
from aloma_cli.view.changes import NOTHING, Summary, operation_text, place, summarise
from aloma_cli.view.format import clean_lines, duration, error_text, money, plural, short_count

_LONGEST_VALUE = 60

_WORDS: dict[type[ev.Event], str] = {
    ev.TaskCreated: "created",
    ev.FiringLooked: "looked",
    ev.FiringFailed: "failed",
    ev.Logged: "log",
    ev.StepsArmed: "armed",
    ev.LimitReached: "paused",
    ev.TreeResumed: "resumed",
    ev.AnsweringSet: "changed",
    ev.RequestRefused: "refused",
    ev.NoticeSent: "notified",
    ev.NoticeFailed: "unsent",
}
_COMMITS = {"firing": "fired", "person": "changed", "landing": "landed", "engine": "engine"}
_AGAIN = {
    "limited": "continues when the limit is raised",
    "stopped": "runs again when the task is resumed",
    "unknown": "continues when its call is settled",
    "asking": "continues when a person has answered",
}


SILENCE = 30.0
"""Seconds without an answer after which the view says how long a call has waited."""

LOGS_KEPT = 20
"""How many log lines of a firing are kept until it ends."""


@dataclass(slots=True)
class Firing:
    """A firing in flight. `asking` are its unanswered calls by key; `said` is its last log line.

    `logs` are (level, text, how many times in a row); `logged` counts all lines.
    """

    number: int
    step: str
    task: str
    since: float
    attempt: int = 1
    run: int = 1
    asking: dict[str, ev.CallSent | ev.CallProgress] = field(default_factory=dict)
    said: str = ""
    subtasks: int = 0
    figures: Figures = field(default_factory=Figures)
    logs: deque[tuple[str, str, int]] = field(default_factory=lambda: deque(maxlen=LOGS_KEPT))
    logged: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, as values; `facts` and `text` put them into words.

    `word` says what (fired, looked, failed, conflict, log, done, …), `step` and `task` to whom: `task` is a subtask's
    label, None for the root. `event` is None for a `firing` that still runs. `others` are the steps that a void firing
    met, `asked` the questions that a task rests with. `name` and `total` are the root's, in an entry about the tree.
    """

    at: str
    word: str
    event: ev.Event | None = None
    step: str | None = None
    task: str | None = None
    seconds: float | None = None
    firing: Firing | None = None
    others: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    name: str | None = None
    total: Figures | None = None

    @property
    def changed(self) -> Summary:
        return summarise(self.event.changes) if isinstance(self.event, ev.Committed) else NOTHING


def word_of(event: ev.Event) -> str | None:
    """What happened, in one word; None for an event without an entry."""
    match event:
        case ev.Committed():
            return "changed" if event.by == "engine" and event.answers else _COMMITS.get(event.by)
        case ev.FiringVoided():
            return event.reason
        case ev.TaskRested():
            return event.state
        case ev.CallProgress():
            return "waits" if event.silent or is_pause(event) else None
    return _WORDS.get(type(event))


def facts(entry: Entry) -> tuple[str, ...]:
    """What there is to say about `entry` beside its changes, in short phrases, the most important first."""
    return (*filter(None, _entry_words(entry)), *(usage_facts(entry.firing.figures) if entry.firing else ()))


def _entry_words(entry: Entry) -> tuple[str | None, ...]:
    match entry.event:
        case None if entry.firing is not None:
            return (doing(entry.firing, from_iso(entry.at)),)
        case ev.CallProgress() as event:
            return (waiting(event, from_iso(event.at)),)
        case ev.TaskCreated() as event if entry.name is not None:
            return entry.name, event.task
        case ev.Committed(by="firing") as event:
            return _fired_facts(event, entry.firing.subtasks if entry.firing else 0)
        case ev.Committed(by="person") as event:
            return (f"by {person(event.who)}",)
        case ev.TreeResumed():
            return ("by a person",)
        case ev.Committed(by="engine", answers=answers) if answers:
            return ("default used, no answer in time",)
        case ev.FiringVoided() as event:
            return _voided_facts(event, entry.others)
        case ev.StepsArmed() as event:
            return ", ".join(event.steps), event.reason, f"by {person(event.who)}" if event.who else None
        case ev.TaskRested() as event:
            questions = (f'"{question}"' for question in entry.asked)
            return entry.name, *questions, event.reason, *(total_facts(entry.total) if entry.total else ())
        case ev.LimitReached() | ev.AnsweringSet() | ev.RequestRefused() as event:
            return (event.reason,)
    return _notice_facts(entry.event)


def _notice_facts(event: ev.Event | None) -> tuple[str, ...]:
    match event:
        case ev.NoticeSent():
            return (f"{event.word}: {event.to}",)
        case ev.NoticeFailed():
            return event.to, event.reason
    return ()


def text(entry: Entry) -> str:
    """What a step logged or why it failed, at any length."""
    match entry.event:
        case ev.Logged() as event:
            return event.text
        case ev.FiringFailed() as event:
            return _failed_text(event)
    return ""


def leveled(level: str, logged: str) -> list[str]:
    """The lines of a log text, each after its level unless that is info."""
    prefix = "" if level == "info" else f"{level}: "
    return [prefix + line for line in clean_lines(logged)]


def _fired_facts(event: ev.Committed, subtasks: int) -> tuple[str | None, ...]:
    until = event.parked_until
    return (
        *(f'asks "{asked["question"]}"' for asked in event.asked),
        plural(subtasks, "subtask") if subtasks else None,
        None if event.name is None else f"named {event.name}",
        f"stopped {plural(len(event.stopped), 'task')}" if event.stopped else None,
        None if until is None else f"parked for {duration(from_iso(until) - from_iso(event.at))}",
        None if event.completed is None else "completed",
        "redo" if event.redo else None,
    )


def _voided_facts(event: ev.FiringVoided, others: tuple[str, ...]) -> tuple[str | None, ...]:
    return (
        "at " + ", ".join(map(place, event.paths)) if event.paths else None,
        "with " + ", ".join(others) if others else None,
        _AGAIN.get(event.reason, "runs again") if event.again else None,
    )


def _failed_text(event: ev.FiringFailed) -> str:
    """`retry in 2.0s (attempt 1 failed): ConnectorError: …`, or after the last attempt the error and its place."""
    told, where = error_text(event.error), event.error.get("place")
    if event.retry_at is None:
        return f"{told} ({where})" if where and where not in told else told
    wait = from_iso(event.retry_at) - from_iso(event.at)
    return f"retry in {duration(wait)} (attempt {event.attempt} failed): {told}"


def call_command(task: str, call: RecordedCall) -> str:
    """The command that shows a call of `task`."""
    return f"aloma task calls {root_of(task)} {call.number}"


def doing(firing: Firing, now: float) -> str:
    """What a firing does at `now`: the calls it waits for, else the last line it logged."""
    told = [waiting(call, now) for call in firing.asking.values()]
    asked = [text if count == 1 else f"{text} ({count})" for text, count in Counter(filter(None, told)).items()]
    again = f"attempt {firing.attempt}" if firing.attempt > 1 else f"run {firing.run}" if firing.run > 1 else ""
    return ", ".join(filter(None, (*(asked or [firing.said]), again)))


def is_queued(firing: Firing) -> bool:
    """Whether a firing does nothing but wait for its turn at a server."""
    return bool(firing.asking) and all(is_in_queue(call) for call in firing.asking.values())


def is_in_queue(call: ev.CallSent | ev.CallProgress) -> bool:
    """Whether a call waits for its turn at a server."""
    return isinstance(call, ev.CallProgress) and call.state == "queued"


def streaming(firing: Firing) -> str | None:
    """The last part of the answer that the only call of a firing receives; None if that is not what it does."""
    match [*firing.asking.values()]:
        case [ev.CallProgress(state="streaming", text=str(text), silent=0)]:
            return text
    return None


def waiting(call: ev.CallSent | ev.CallProgress, now: float) -> str:
    """What a call waits for at `now`, in words."""
    if not isinstance(call, ev.CallProgress):
        return f"calling {call.call}"
    if is_pause(call):
        return f"{call.text}: waits {_left(call, now)} s{_try(call, ', ')}"
    silent = call.silent + now - from_iso(call.at)
    if is_in_queue(call):
        return "queued" if call.text is None else f"waits for {call.text}"
    if silent >= SILENCE:
        heard = "no more text" if call.state == "streaming" else "no answer"
        return f"{heard} for {duration(silent) if silent >= 60 else f'{int(silent)} s'}{_limit(call)}"
    if call.state == "working":
        return f"{call.call}: {call.text}"
    return f"{'receiving from' if call.state == 'streaming' else 'calling'} {call.call}"


def is_pause(call: ev.CallProgress) -> bool:
    """Whether a call waits before its next try."""
    return call.state in ("rate_limited", "waiting") and call.text is not None


def _left(call: ev.CallProgress, now: float) -> int:
    return max(0, ceil(from_iso(call.until or call.at) - now))


def _limit(call: ev.CallProgress) -> str:
    """` (limit 90 s, try 1 of 3)`."""
    until = call.until and f"limit {round(from_iso(call.until) - from_iso(call.at) + call.silent)} s"
    told = ", ".join(filter(None, (until, _try(call))))
    return f" ({told})" if told else ""


def _try(call: ev.CallProgress, before: str = "") -> str:
    return f"{before}try {call.attempt} of {call.tries}" if call.attempt and call.tries else ""


def usage_facts(usage: Figures) -> tuple[str, ...]:
    """`("3 calls", "1.2k tokens", "$0.0041", "1 of 3 simulated")`, without what is zero."""
    some = "" if usage.simulated == usage.answers else f"{usage.simulated} of {usage.answers} "
    told = (
        plural(usage.calls, "call") if usage.calls else None,
        f"{short_count(usage.tokens)} tokens" if usage.tokens else None,
        money(usage.cost) if usage.cost else None,
        f"{some}simulated" if usage.simulated else None,
    )
    return tuple(filter(None, told))


def total_facts(total: Figures) -> tuple[str, ...]:
    """`("6 fired", "2 looked", "1 failed", "9 calls", …)`, without what is zero."""
    counts = ((total.fired, "fired"), (total.looked, "looked"), (total.failed, "failed"), (total.voided, "voided"))
    told = (f"{number:,} {word}" for number, word in counts if number)
    return (*told, *usage_facts(total), *_unpriced(total))


def spent(usage: Figures) -> tuple[str, ...]:
    """All that a task used: `("9 calls", "400 tokens in, 200 out", "$0.0400")`, or `("9 of 9 answers simulated",)`."""
    if not usage.calls:
        return ()
    simulated = f"{usage.simulated:,} of {plural(usage.answers, 'answer')} simulated" if usage.simulated else None
    if simulated and usage.simulated == usage.answers:
        return (simulated,)
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    about = "about " if usage.estimated else ""
    tokens = f"{about}{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out" if usage.tokens else None
    cost = money(usage.cost) if usage.cost else None
    return tuple(filter(None, (plural(usage.calls, "call"), tokens, cost, *_unpriced(usage), simulated)))


def _unpriced(usage: Figures) -> tuple[str, ...]:
    """Said once, about all calls: a local server has no prices at all."""
    if not usage.unpriced:
        return ()
    return (f"{plural(usage.unpriced, 'call')} of unknown price" if usage.cost else "price unknown",)


def explained(missing: Iterable[dict[str, Any]], cycle: Iterable[dict[str, Any]]) -> list[str]:
    """Why a task did not reach its goal, by two fields of TaskRested: a line for each step that came closest to firing,
    and for each commit of the cycle."""
    return [*(f"closest step: {_miss(miss)}" for miss in missing), *(f"cycle: {_leg(leg)}" for leg in cycle)]


def _miss(miss: dict[str, Any]) -> str:
    more = [f"{miss['more']:,} more"] if miss.get("more") else []
    return f"{miss['step']}: {'; '.join([*miss['missing'], *more])}"


def _leg(leg: dict[str, Any]) -> str:
    changes = [" ".join(operation_text(change, _LONGEST_VALUE)) for change in leg["changes"]]
    return f"{leg['step'] or ''}: {', '.join(changes) or 'no change'}"
