"""A tree of tasks as a report shows it: runs, calls, waits and questions, from one pass over its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import field
from functools import cached_property
from typing import Any

from aloma_cli.clock import from_iso
from aloma_cli.document.stash import hide_stash
from aloma_cli.explain.graph import Graph, Wake, graph_of
from aloma_cli.explain.ledger import End, Ledger, without_collector
from aloma_cli.explain.why import Inquiry
from aloma_cli.ids import is_within
from aloma_cli.jsontext import Json, show_path
from aloma_cli.record import events as ev
from aloma_cli.record.calls import CallCount, RecordedCall
from aloma_cli.record.history import NUMBERED
from aloma_cli.record.tree import ASKS, TaskFacts, Tree
from aloma_cli.record.who import person
from aloma_cli.values import dataclass
from aloma_cli.view.changes import place as dotted
from aloma_cli.view.entries import Entry
from aloma_cli.view.live.screen import Screen


@dataclass(slots=True)
class FiringRun:
    """A run of a firing. `begin`, `end` and `retry`: seconds since 1970; `end` is None while it runs.

    `outcome`: fired, looked, failed, running, or why it was voided. `item`: its place in the log of its task.
    """

    firing: int
    step: str
    task: str
    begin: float
    attempt: int = 1
    end: float | None = None
    outcome: str = "running"
    retry: float | None = None
    item: int | None = None
    calls: list[RecordedCall] = field(default_factory=list)


@dataclass(slots=True)
class Item:
    """A line of the log of a task. `number`: as in `aloma task log`; None for what is not numbered there."""

    entry: Entry
    event: ev.Event
    number: int | None = None
    run: FiringRun | None = None
    logs: list[ev.Logged] = field(default_factory=list)


@dataclass(slots=True)
class Wait:
    """Time in which a task waited. `kind`: question or parked. `end`: None if it still waits."""

    task: str
    kind: str
    begin: float
    end: float | None = None


@dataclass(slots=True)
class Talk:
    """A question to a person. `place`: where its answer goes, as dotted path; None for a call that waits for approval.

    `who` answered, in words; None before there is an answer.
    """

    task: str
    step: str
    question: str
    asked: str
    place: str | None
    firing: int | None = None
    answered: str | None = None
    answer: Json = None
    who: str | None = None


class Story:
    """The task of a question and its subtasks. `items`: the log of each; `ledger`: see `explain/ledger.py`."""

    def __init__(self, question: Inquiry) -> None:
        self.question = question
        self.ledger = Ledger()
        self.items: dict[str, list[Item]] = {}
        self.runs: list[FiringRun] = []
        self.calls: dict[int, RecordedCall] = {}
        self.waits: list[Wait] = []
        self.talks: list[Talk] = []
        self._waiting: defaultdict[str, list[Wait]] = defaultdict(list)
        self._screen, self._count = Screen(), CallCount()
        self._open: dict[int, FiringRun] = {}
        self._logs: defaultdict[int, list[ev.Logged]] = defaultdict(list)
        with without_collector():
            for event in question.events:
                self._take(event)
        for run in self._open.values():
            run.calls += [call for call in self._count.unanswered() if call.firing == run.firing]
        self.calls |= {call.number: call for call in self._count.unanswered() if self.is_inside(call.task)}

    @property
    def tree(self) -> Tree:
        return self.ledger.tree

    @property
    def task(self) -> TaskFacts:
        return self.tree.tasks[self.question.task]

    @cached_property
    def tasks(self) -> list[TaskFacts]:
        """The task, and all below it."""
        return [self.task, *self.tree.descendants(self.question.task)]

    @cached_property
    def graph(self) -> Graph:
        return graph_of(self.ledger, self.question)

    @cached_property
    def wakes(self) -> dict[int, Wake]:
        """What woke each firing."""
        return {wake.firing.number: wake for wake in self.graph.wakes}

    @cached_property
    def until(self) -> float:
        """The moment up to which the report goes: now while a process runs the tree, else that of the last event."""
        last = max(from_iso(task.updated_at) for task in self.tasks)
        return max(last, self.question.now) if self.question.held and self._open else last

    def is_inside(self, task: str) -> bool:
        """Whether a task is the one in question, or below it."""
        return is_within(task, self.question.task)

    def _take(self, event: ev.Event) -> None:
        entry = self._screen.entry(event)
        self.ledger.take(event)
        call = self._count.take(event)
        if not self.is_inside(event.task):
            return
        if call is not None:
            self._take_call(call)
        match event:
            case ev.FiringStarted():
                self._begin_run(event)
            case ev.Logged():
                self._logs[event.firing].append(event)
            case ev.CallSent(call=function) if function == ASKS:
                self._approval(event)
            case ev.Committed():
                self._take_commit(event)
            case ev.TaskRested(closed=True):
                self._end_waits(event)
        if entry is not None and not isinstance(event, ev.Logged | ev.CallProgress):
            self._add_item(event, entry)

    def _add_item(self, event: ev.Event, entry: Entry) -> None:
        items = self.items.setdefault(event.task, [])
        item = Item(entry, event)
        if isinstance(event, NUMBERED):
            item.number = len(self.ledger.tasks[event.task].entries) - 1
        if isinstance(event, End) and event.firing is not None:
            item.run = self._end_run(event, event.firing, entry.word, len(items))
            item.logs = self._logs.pop(event.firing, [])
        items.append(item)

    def _begin_run(self, event: ev.FiringStarted) -> None:
        run = FiringRun(event.firing, event.step, event.task, from_iso(event.at), event.attempt)
        self._open[event.firing] = run
        self.runs.append(run)

    def _end_run(self, event: ev.Event, firing: int, outcome: str, item: int) -> FiringRun | None:
        run = self._open.pop(firing, None)
        if run is not None:
            run.end, run.outcome, run.item = from_iso(event.at), outcome, item
            if isinstance(event, ev.FiringFailed) and event.retry_at is not None:
                run.retry = from_iso(event.retry_at)
        return run

    def _take_call(self, call: RecordedCall) -> None:
        self.calls[call.number] = call
        run = self._open.get(call.firing)
        if run is not None:
            run.calls.append(call)
        if call.function == ASKS and call.event is not None:
            self._answer_talk(lambda talk: talk.firing == call.firing and talk.place is None, call.event, call.answer)

    def _approval(self, event: ev.CallSent) -> None:
        asked = str((event.arguments or {}).get("question"))
        if not any(talk.firing == event.firing and talk.answered is None for talk in self.talks):
            self.talks.append(Talk(event.task, event.step, asked, event.at, None, event.firing))
            self._begin_wait(event, "question")

    def _take_commit(self, event: ev.Committed) -> None:
        for asked in event.asked:
            place = show_path(tuple(asked["into"]))
            self.talks.append(Talk(event.task, event.step or "", str(asked["question"]), event.at, place, event.firing))
            self._begin_wait(event, "question")
        for place in event.answers:
            answer = _value_at(event, place)
            self._answer_talk(lambda talk, place=place: talk.task == event.task and talk.place == place, event, answer)
        if event.changes:
            self._end_waits(event, "parked")
        if event.parked_until is not None:
            self._begin_wait(event, "parked", from_iso(event.parked_until))

    def _begin_wait(self, event: ev.Event, kind: str, end: float | None = None) -> None:
        wait = Wait(event.task, kind, from_iso(event.at), end)
        self.waits.append(wait)
        self._waiting[event.task].append(wait)

    def _answer_talk(self, is_it: Any, event: ev.Committed | ev.CallAnswered, answer: Json) -> None:
        talk = next((talk for talk in reversed(self.talks) if talk.answered is None and is_it(talk)), None)
        if talk is not None:
            is_default = isinstance(event, ev.Committed) and event.by == "engine"
            talk.answered, talk.answer = event.at, hide_stash(answer)
            talk.who = "the default answer" if is_default else person(event.who)
        if not any(one.answered is None for one in self.talks if one.task == event.task):
            self._end_waits(event, "question")

    def _end_waits(self, event: ev.Event, *kinds: str) -> None:
        at = from_iso(event.at)
        for wait in self._waiting.pop(event.task, ()):
            if kinds and wait.kind not in kinds:
                self._waiting[event.task].append(wait)
            elif wait.end is None or wait.end > at:
                wait.end = at


def _value_at(event: ev.Committed, place: str) -> Json:
    """What a commit wrote at a dotted path, as far as one of its changes is for this place."""
    return next((one.get("value") for one in event.changes if dotted(one["path"]) == place), None)


def spans_of(run: FiringRun) -> Iterator[tuple[RecordedCall, float, float]]:
    """The calls of a run with the seconds (since 1970) between which each was under way."""
    for call in run.calls:
        if call.event is not None:
            end = from_iso(call.event.at)
            yield call, max(run.begin, end - call.event.seconds), end
