"""Questions to what happened: lists that tests compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from aloma_cli.record import events as ev

ROOT = "1"
"""The id of every root task here."""

Kind = TypeVar("Kind", bound=ev.Event)


def of_kind(events: Iterable[ev.Event], kind: type[Kind], task: str | None = None) -> list[Kind]:
    """The events of one kind, of one task or of all."""
    return [event for event in events if isinstance(event, kind) and task in (None, event.task)]


def fired(events: Iterable[ev.Event], task: str = ROOT) -> list[str | None]:
    """The steps of a task whose firings were committed, in that order."""
    return [event.step for event in of_kind(events, ev.Committed, task) if event.by == "firing"]


def started(events: Iterable[ev.Event], task: str = ROOT) -> list[str]:
    """The steps of a task that were started, in that order, every run counted."""
    return [event.step for event in of_kind(events, ev.FiringStarted, task)]


def looked(events: Iterable[ev.Event], task: str = ROOT) -> list[str]:
    """The steps of a task that looked, in that order."""
    return [event.step for event in of_kind(events, ev.FiringLooked, task)]


def voided(events: Iterable[ev.Event], task: str = ROOT) -> list[tuple[str, str]]:
    """The steps of a task that were voided, with the reason, in that order."""
    return [(event.step, event.reason) for event in of_kind(events, ev.FiringVoided, task)]
