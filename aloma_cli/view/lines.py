"""The view where there is no terminal: one plain line for each thing that happened.

    08:00:01   +0.05s  fired       coordinator                   workflow.plan, 4 subtasks, 1 call
    08:00:03   +2.31s  failed      analyst [finance]             retry in 2.0s (attempt 1 failed): …

Time of day, time since the task began, what, who [in which subtask], and the rest. Two spaces part the columns.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from types import TracebackType
from typing import Self, TextIO

from aloma_cli.clock import from_iso
from aloma_cli.record.events import Event, TaskRested
from aloma_cli.view.changes import Summary
from aloma_cli.view.entries import Entry, explained, tell
from aloma_cli.view.format import bounded, clean, clean_lines, clock_time, duration, plural
from aloma_cli.view.screen import Screen
from aloma_cli.view.terminal import write_plain


class Lines:
    """Writes to `stream`, each line at once. When nobody reads it any more, it goes silent.

    `zone` is the time zone of the times of day; None is the machine's.
    """

    def __init__(self, stream: TextIO, *, zone: tzinfo | None = None) -> None:
        self._stream = stream
        self._zone = zone
        self._screen = Screen()
        self._silent = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def recall(self, events: Iterable[Event]) -> None:
        for event in events:
            self._screen.fold(event)

    def emit(self, event: Event) -> None:
        entry = tell(event, self._screen, self._screen.fold(event))
        if entry is None:
            return
        texts = _texts(entry)
        if isinstance(event, TaskRested):
            texts += explained(event.missing, event.cycle)
        self._write([self._line(entry, text) for text in texts])

    def _line(self, entry: Entry, text: str) -> str:
        offset = f"+{duration(from_iso(entry.at) - self._screen.began)}"
        time = clock_time(entry.at, self._zone)
        text = bounded(text, f"aloma task log {self._screen.root} --json")  # a person reads it, also in a pipe
        return f"{time}  {offset:>7}  {entry.word:<10}  {who(entry):<28}  {text}".rstrip()

    def _write(self, lines: list[str]) -> None:
        if self._silent:
            return
        try:
            write_plain(self._stream, lines)
        except (OSError, ValueError):  # the reader is gone, or the stream was closed under us
            self._silent = True


def who(entry: Entry) -> str:
    """`step [subtask]`, `step` in the root, `[subtask]` for what a subtask itself went through."""
    task = f"[{entry.task}]" if entry.task is not None else ""
    return " ".join(part for part in (clean(entry.step or ""), task) if part)


def _texts(entry: Entry) -> list[str]:
    if entry.word == "log":
        prefix = "" if entry.level == "info" else f"{entry.level}: "
        return [prefix + line for line in clean_lines(entry.text)]
    took = () if entry.seconds is None else (duration(entry.seconds),)
    error = (clean(entry.text),) if entry.text else ()
    return [", ".join((*_changes(entry.changed), *entry.facts, *took, *error))]


def _changes(changed: Summary) -> tuple[str, ...]:
    return (f"{plural(len(changed), 'change')} ({changed.text(4)})",) if changed else ()
