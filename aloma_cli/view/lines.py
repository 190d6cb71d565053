"""The view without a terminal: one plain line for each entry.

    08:00:01   +0.05s  fired       coordinator                   workflow.plan, 4 subtasks, 1 call
    08:00:03   +2.31s  failed      analyst [finance]             retry in 2.0s (attempt 1 failed): …

Time of day, time since the task began, what, step [subtask], and the rest, in columns two spaces apart.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import TextIO

from aloma_cli.clock import from_iso
from aloma_cli.record.events import CallProgress, Event, Logged, TaskRested
from aloma_cli.record.tree import Tree
from aloma_cli.view.base import View
from aloma_cli.view.entries import Entry, explained, facts, leveled, text
from aloma_cli.view.format import bounded, clean, clock_time, duration, plural
from aloma_cli.view.live.screen import Screen
from aloma_cli.view.terminal import write_plain

_QUIET = 2.0
"""The least seconds between two lines about waits of the same function."""


class Lines(View):
    """Writes to `stream`, each line at once, until its reader is gone.

    `zone` is the time zone of the times of day; None is the machine's.
    """

    def __init__(self, stream: TextIO, *, zone: tzinfo | None = None) -> None:
        self._stream = stream
        self._zone = zone
        self._screen = Screen()
        self._silent = False
        self._told: dict[str, float] = {}

    def recall(self, tree: Tree) -> None:
        self._screen = Screen.of(tree)

    def emit(self, event: Event) -> None:
        entry = self._screen.tell(event)
        if entry is None or (isinstance(event, CallProgress) and not self._is_news(event)):
            return
        texts = _entry_texts(entry)
        if isinstance(event, TaskRested):
            texts += explained(event.missing, event.cycle)
        self._write_lines([self._entry_line(entry, text) for text in texts])

    def _is_news(self, event: CallProgress) -> bool:
        """Whether a wait is worth a line: many calls that wait for one server at the same time are reported once."""
        now = from_iso(event.at)
        if now - self._told.get(event.call, -_QUIET) < _QUIET:
            return False
        self._told[event.call] = now
        return True

    def _entry_line(self, entry: Entry, text: str) -> str:
        offset = f"+{duration(from_iso(entry.at) - self._screen.began)}"
        time = clock_time(entry.at, self._zone)
        text = bounded(text, f"aloma task log {self._screen.root} --json")
        return clean(f"{time}  {offset:>7}  {entry.word:<10}  {_who(entry):<28}  {text}")

    def _write_lines(self, lines: list[str]) -> None:
        if self._silent:
            return
        try:
            write_plain(self._stream, lines)
        except (OSError, ValueError):  # the reader is gone, or the stream was closed under us
            self._silent = True


def _who(entry: Entry) -> str:
    """`step [subtask]`, `step` in the root, `[subtask]` for what happened to a subtask itself."""
    task = f"[{entry.task}]" if entry.task is not None else ""
    return " ".join(part for part in (entry.step or "", task) if part)


def _entry_texts(entry: Entry) -> list[str]:
    if isinstance(entry.event, Logged):
        return leveled(entry.event.level, entry.event.text)
    changed = (f"{plural(len(entry.changed), 'change')} ({entry.changed.text(4)})",) if entry.changed else ()
    took = () if entry.seconds is None else (duration(entry.seconds),)
    return [clean(", ".join(filter(None, (*changed, *facts(entry), *took, text(entry)))))]
