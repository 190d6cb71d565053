"""A run as a list of events, written as short as its tests want to read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aloma_cli.clock import to_iso
from aloma_cli.record.events import (
    CallAnswered,
    CallProgress,
    CallSent,
    Committed,
    Event,
    FiringFailed,
    FiringLooked,
    FiringStarted,
    FiringVoided,
    Logged,
    TaskCreated,
    TaskRested,
)
from aloma_cli.view.live.screen import Screen

ROOT = "01jd3k4m5nqz7w8x"
NOON = 1_795_348_800.0  # 2026-11-22T12:00:00Z


class Story:
    """Collects events; times are seconds after noon. `tell` is called with each event."""

    def __init__(self, tell: Callable[[Event], object] = lambda event: None) -> None:
        self.events: list[Event] = []
        self.steps: dict[int, str] = {}
        self.tasks: dict[int, str] = {}
        self._tell = tell

    def add(self, kind: type[Event], at: float, task: str, **fields: Any) -> None:
        event = kind(at=to_iso(NOON + at), task=task, **fields)
        self.events.append(event)
        self._tell(event)

    def create(self, at: float, name: str, task: str = ROOT, parent: str | None = None) -> None:
        self.add(TaskCreated, at, task, name=name, data={}, parent=parent, group="g" if parent else None)

    def start(self, at: float, firing: int, step: str, task: str = ROOT, **fields: Any) -> None:
        self.steps[firing], self.tasks[firing] = step, task
        self.add(FiringStarted, at, task, firing=firing, step=step, version=0, **fields)

    def of(self, kind: type[Event], at: float, firing: int, **fields: Any) -> None:
        self.add(kind, at, self.tasks[firing], firing=firing, step=self.steps[firing], **fields)

    def ask(self, at: float, firing: int, key: str = "k") -> None:
        self.of(CallSent, at, firing, call="openai.chat", key=key)

    def wait(
        self, at: float, firing: int, state: str, *, until: float | None = None, key: str = "k", **fields: Any
    ) -> None:
        until_iso = None if until is None else to_iso(NOON + until)
        self.of(CallProgress, at, firing, call="openai.chat", key=key, state=state, until=until_iso, **fields)

    def answer(self, at: float, firing: int, tokens: int = 100, cost: float | None = 0.01, **fields: Any) -> None:
        usage = {"input_tokens": tokens, "output_tokens": tokens // 2}
        fields = {"usage": usage if cost is None else {**usage, "cost": cost}, "about": {"model": "gpt-4"}, **fields}
        self.of(CallAnswered, at, firing, **{"call": "openai.chat", "key": "k", "arguments": {}, **fields})

    def log(self, at: float, firing: int, text: str, level: str = "info") -> None:
        self.of(Logged, at, firing, level=level, text=text)

    def fire(self, at: float, firing: int, *paths: str, subtasks: int = 0, **fields: Any) -> None:
        changes = [{"op": "add", "path": path, "value": 1} for path in paths]
        if subtasks:
            changes.append({"op": "add", "path": "/$children", "value": {"g": {"total": subtasks}}})
        self.of(Committed, at, firing, version=1, by="firing", changes=tuple(changes), **fields)

    def look(self, at: float, firing: int, **fields: Any) -> None:
        self.of(FiringLooked, at, firing, **fields)

    def void(self, at: float, firing: int, reason: str, **fields: Any) -> None:
        self.of(FiringVoided, at, firing, reason=reason, **fields)

    def fail(self, at: float, firing: int, message: str, retry: float | None = None, **fields: Any) -> None:
        error = {"type": "ConnectorError", "message": message}
        retry_at = None if retry is None else to_iso(NOON + retry)
        self.of(FiringFailed, at, firing, error=error, retry_at=retry_at, **{"attempt": 1, **fields})

    def rest(self, at: float, state: str = "done", task: str = ROOT, **fields: Any) -> None:
        self.add(TaskRested, at, task, state=state, **fields)


def child(number: int) -> str:
    return f"{ROOT}.1.{number}"


def research(tell: Callable[[Event], object] = lambda event: None) -> Story:
    """A coordinator makes two subtasks; one fails and tries again; synthesis looks, meets a conflict, and fires."""
    story = Story(tell)
    story.create(0, "quantum")
    story.start(0, 1, "research/coordinator")
    story.ask(0.01, 1)
    story.answer(0.9, 1)
    story.log(0.95, 1, "two topics")
    story.fire(1, 1, "/workflow/plan", "/findings", "/status", subtasks=2, seconds=1.0)
    story.create(1, "market", child(1), ROOT)
    story.create(1, "finance", child(2), ROOT)
    story.start(1.1, 2, "analyst", child(1))
    story.start(1.1, 3, "analyst", child(2))
    story.ask(1.2, 2)
    story.ask(1.2, 3)
    story.fail(2.1, 3, "503 Service Unavailable", retry=4.1, seconds=1.0)
    story.answer(3, 2)
    story.fire(3.1, 2, "/note", seconds=2.0, completed={"result": 1})
    story.rest(3.1, task=child(1), closed=True)
    story.start(3.2, 4, "synthesis")
    story.look(3.21, 4, seconds=0.01)
    story.start(4.1, 5, "analyst", child(2), attempt=2)
    story.answer(5, 5)
    story.fire(5.1, 5, "/note", seconds=1.0, completed={"result": 2})
    story.rest(5.1, task=child(2), closed=True)
    story.start(5.2, 6, "synthesis")
    story.answer(6, 6)
    story.void(6.2, 6, "conflict", paths=("status",), others=(1,), again=True, seconds=1.0)
    story.start(6.2, 6, "synthesis", run=2)
    story.answer(6.3, 6, replayed=True)
    story.log(6.4, 6, "thin sources", "warning")
    story.fire(6.5, 6, "/synthesis", seconds=0.3, completed={"result": 3})
    story.rest(6.5, closed=True)
    return story


def fold(story: Story, until: float | None = None) -> Screen:
    """The screen after the events of `story` up to `until` seconds after noon."""
    screen = Screen()
    for event in story.events:
        if until is None or event.at <= to_iso(NOON + until):
            screen.fold(event)
    return screen


def is_recorded(event: Event) -> bool:
    """Whether an event is written to the journal; the others are for views only."""
    if isinstance(event, CallSent):
        return event.effect != "read"
    return not isinstance(event, CallProgress) and not (isinstance(event, CallAnswered) and event.replayed)
