"""The live view: finished firings scroll away above a small region that shows what runs and what waits.

`emit` only takes an event in. A thread draws, at most eight times a second. Otherwise a slow terminal, or a stopped one
(Ctrl-S), would hold up the run.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from aloma_cli.clock import Clock, to_iso
from aloma_cli.record.events import CallProgress, Event, Logged, TaskCreated, TaskRested
from aloma_cli.record.tree import Tree
from aloma_cli.view.base import View
from aloma_cli.view.entries import Entry, Firing
from aloma_cli.view.format import bounded
from aloma_cli.view.live.frame import frame
from aloma_cli.view.live.region import Region
from aloma_cli.view.live.screen import Screen
from aloma_cli.view.live.scrollback import scrolled_lines
from aloma_cli.view.live.stderr import Notes
from aloma_cli.view.live.summary import summary_lines
from aloma_cli.view.terminal import size_of
from aloma_cli.view.theme import DIM, glyphs_for
from aloma_cli.view.width import Size, line

if TYPE_CHECKING:
    from rich.text import Text

_SECONDS_A_FRAME = 1 / 8
_ENTRIES_A_FRAME = 100  # a flood of small firings must not cost the run its time; the rest comes with the next frame
_PATIENCE = 2.0
_SECONDS_A_LOOK = 1.0
_MOST_UNFINISHED = 10


class Live(View):
    """Draws on the terminal `stream` between entering and leaving the context; then ends with a summary.

    `clock.now()` is the time of the events: the machine's for a running task, another for one that is replayed.
    While `is_held()` is false no process runs the task: then its times stand still, and it is shown as interrupted.
    While it is entered, text written to `stream` goes above the region if `stream` is a Notes.
    """

    def __init__(
        self,
        stream: TextIO | Notes,
        *,
        environ: Mapping[str, str],
        clock: Clock,
        is_held: Callable[[], bool] = lambda: True,
    ) -> None:
        self._notes = stream if isinstance(stream, Notes) else None
        self._stream: TextIO = stream.original if isinstance(stream, Notes) else stream
        self._clock, self._is_held = clock, is_held
        self._next_look = 0.0
        self._stands_at: float | None = None
        self._region = Region(self._stream, environ)
        self._glyphs = glyphs_for(self._stream.encoding)
        self._screen = Screen()
        self._news: deque[Entry | str] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_drawing, name="aloma-view", daemon=True)
        self._failure: Exception | None = None
        self._drawing = threading.Lock()
        self._paused = False

    def __enter__(self) -> Self:
        if self._notes is not None:
            self._notes.note = self._news.append
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._notes is not None:
            self._notes.finish()
        self._stop.set()
        self._thread.join(_PATIENCE)
        if self._thread.is_alive() or self._failure is not None:
            return
        size = size_of(self._stream)
        above = self._take_news(size, len(self._news))
        if self._screen.root is not None:
            above += self._unfinished_lines(size)
            above += summary_lines(self._screen, self._now(), size, self._glyphs)
        self._region.draw(above, [])

    def recall(self, tree: Tree) -> None:
        with self._lock:
            self._screen = Screen.of(tree)

    def emit(self, event: Event) -> None:
        if self._failure is not None:
            raise self._failure
        with self._lock:
            entry = self._screen.tell(event)
            if entry is not None and self._worth_a_line(event):
                self._news.append(entry)

    def pause(self) -> None:
        with self._drawing:
            self._paused = True
            self._region.draw(self._take_news(size_of(self._stream), len(self._news)), [])

    def resume(self) -> None:
        with self._drawing:
            self._paused = False

    def _now(self) -> float:
        """The time, and never before the last event, even if the clock is set back."""
        return max(self._clock.now() if self._stands_at is None else self._stands_at, self._screen.last)

    def _look(self) -> None:
        """See whether the process that runs the task is still there: if it dies, nothing comes from it."""
        now = self._clock.elapsed()
        if now >= self._next_look:
            self._next_look = now + _SECONDS_A_LOOK
            self._stands_at = None if self._is_held() else self._now()

    def _worth_a_line(self, event: Event) -> bool:
        """Log lines come below their firing; the region shows what calls wait for, and how the root rests."""
        match event:
            case Logged() | TaskCreated() | CallProgress():
                return False
            case TaskRested():
                return event.task != self._screen.root and event.state not in ("done", "waiting")
        return True

    def _keep_drawing(self) -> None:
        try:
            while not self._stop.wait(_SECONDS_A_FRAME):
                self._draw()
        except Exception as error:  # noqa: BLE001  (`emit` raises it, and the view is dropped there)
            self._failure = error

    def _draw(self) -> None:
        with self._drawing:
            if self._paused:
                return
            size = size_of(self._stream)
            above = self._take_news(size, _ENTRIES_A_FRAME)
            self._look()
            with self._lock:
                if self._screen.root is None:
                    return
                lines = frame(self._screen, self._now(), size, self._glyphs, held=self._stands_at is None)
            self._region.draw(above, lines)

    def _take_news(self, size: Size, most: int) -> list[Text]:
        lines: list[Text] = []
        for _ in range(min(most, len(self._news))):
            news = self._news.popleft()
            if isinstance(news, Entry):
                lines += scrolled_lines(news, size.room, self._glyphs)
            else:
                lines.append(line(bounded(news)))
        return lines

    def _unfinished_lines(self, size: Size) -> list[Text]:
        """What still runs when the view is left: detached from, or interrupted."""
        running = self._screen.running
        entries = map(self._unfinished, islice(running.values(), _MOST_UNFINISHED))
        lines = [text for entry in entries for text in scrolled_lines(entry, size.room, self._glyphs)]
        if len(running) > _MOST_UNFINISHED:
            lines.append(
                line((f"{self._glyphs.ellipsis} and {len(running) - _MOST_UNFINISHED:,} more unfinished", DIM))
            )
        return lines

    def _unfinished(self, firing: Firing) -> Entry:
        at, seconds = to_iso(self._screen.last), max(0.0, self._now() - firing.since)
        task = self._screen.label(firing.task)
        return Entry(at, "unfinished", step=firing.step, task=task, seconds=seconds, firing=firing)
