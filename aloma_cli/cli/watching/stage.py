"""The full-screen view as styled lines: left the log, right the document of an entry, or what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from aloma_cli.cli.watching.document import diff_lines, document_lines
from aloma_cli.cli.watching.log import WatchedLog
from aloma_cli.cli.watching.state import WatchState, grown, next_in, played, pressed, settled
from aloma_cli.errors import AlomaError
from aloma_cli.record.events import Event
from aloma_cli.record.states import seen
from aloma_cli.view.entries import facts, leveled, text
from aloma_cli.view.format import bounded, clean_lines, clock_time, duration
from aloma_cli.view.history import Record
from aloma_cli.view.prompts import call_lines
from aloma_cli.view.theme import DIM, Glyphs, style_of
from aloma_cli.view.width import Size, fit, flow, line, paragraph

if TYPE_CHECKING:
    from rich.text import Text

_KEYS = ("arrows step", "p prompts", "d diff", "w why", "q quits", "space plays", "/ finds", "pgdn more")
_MOST_ENTRIES_WIDTH = 60
_CONTEXT = 2
"""Lines above the first marked one that stay in sight."""

Why = Callable[[str, int], Sequence[str]]


class Stage:
    """The view of one task. `why`: the lines about a step at an entry. `speed`: how many times as fast it plays.

    `held`: whether a process runs the task. `end`: what is said at the last entry in place of the keys.
    """

    def __init__(
        self, log: WatchedLog, why: Why, glyphs: Glyphs, *, speed: float = 1.0, position: int = 0, held: bool = True
    ) -> None:
        self.log = log
        self.state = WatchState(position=max(0, min(position, len(log) - 1)))
        self._why, self._glyphs, self._speed = why, glyphs, speed
        self.held, self.end = held, ""
        self._height = 1

    def press(self, key: str, character: str | None) -> None:
        """Take a key."""
        self.state = pressed(self.state, key, character, self.log, self._height)

    def take(self, event: Event) -> None:
        """Take what happens now."""
        before, self.held = len(self.log), True
        self.log.take(event)
        self.state = settled(grown(self.state, before, len(self.log)), self.log)

    def play(self) -> None:
        """Show the next entry."""
        self.state = played(self.state, self.log)

    @property
    def next_in(self) -> float | None:
        """The seconds until `play` is due."""
        return next_in(self.state, self.log, self._speed)

    def frame(self, size: Size) -> list[Text]:
        """The lines of the whole screen, none wider than `size.width`, and not more than `size.height`."""
        self._height = max(1, size.height - 2)
        left = min(_MOST_ENTRIES_WIDTH, size.width * 2 // 5)
        pairs = zip_longest(range(self._height), self._entries(left), self._visible_side(size.width - left - 2))
        lines = [self._head(), *(self._joined_row(one, other, left) for _, one, other in pairs), self._foot(size.width)]
        return [fit(one, size.width, self._glyphs) for one in lines][-size.height :]

    def _joined_row(self, entry: Text | None, side: Text | None, left: int) -> Text:
        row = fit(entry or line(), left, self._glyphs, pad=True).append_text(line((f"{self._glyphs.log} ", DIM)))
        return row.append_text(side or line())

    @property
    def _selected(self) -> Record:
        return self.log.records[self.state.position]

    def _head(self) -> Text:
        log, state = self.log, seen(self.log.state, held=self.held)
        number = self._selected.number
        where = f"line {self.state.position + 1}" if number is None else f"entry {number}"
        told = [where, clock_time(self._selected.entry.at), self.state.pane]
        if self.state.playing:
            told.append(f"plays {self._speed:g}×")
        if log.running:
            told.append(f"runs {', '.join(log.running)}")
        head = line((f"{self._glyphs.sign(state)} {state}", f"bold {style_of(state)}"), ("  " + log.name, "bold"))
        return head.append_text(line(("  " + self._glyphs.dot.join(told), DIM)))

    def _foot(self, room: int) -> Text:
        if self.state.typing:
            return line(("/", "bold"), self.state.words, ("_", DIM))
        if self.state.missed:
            return line((f"no entry of the log matches {self.state.words}", style_of("waiting")))
        if self.end and self.state.position == len(self.log) - 1:
            return line((self.end, style_of("error")))
        return line((flow(_KEYS, room, self._glyphs, most=1)[0], DIM))

    def _entries(self, room: int) -> list[Text]:
        """As many entries as there is room for, that of the position about in the middle."""
        first = max(0, min(self.state.position - self._height // 2, len(self.log) - self._height))
        digits = len(str(len(self.log)))
        records = self.log.records[first : first + self._height]
        return [
            self._entry(one, room, digits, is_here=at == self.state.position) for at, one in enumerate(records, first)
        ]

    def _entry(self, record: Record, room: int, digits: int, *, is_here: bool) -> Text:
        entry, glyphs = record.entry, self._glyphs
        number = "" if record.number is None else record.number
        told = ", ".join(filter(None, (entry.changed.text(1) if entry.changed else "", *facts(entry), text(entry))))
        shown = line(
            (">" if is_here else " ", "bold"),
            (f"{number:>{digits}} ", DIM),
            (f"{glyphs.sign(entry.word)} ", style_of(entry.word)),
            (entry.step or entry.task or entry.word, "reverse" if is_here else ""),
            ("" if entry.seconds is None else f" {duration(entry.seconds)}", DIM),
            (f" {told}", DIM),
        )
        return fit(shown, room - 1, glyphs)

    def _visible_side(self, room: int) -> list[Text]:
        """The lines of the right side that are in sight; where it was scrolled too far, it is scrolled less."""
        lines, first = self._pane(max(8, room))
        most = max(0, len(lines) - self._height)
        first = min(first, most)
        top = max(0, min(first + self.state.scroll, most))
        self.state = replace(self.state, scroll=top - first)
        return [fit(one, room, self._glyphs) for one in lines[top : top + self._height]]

    def _pane(self, room: int) -> tuple[list[Text], int]:
        """The lines of the right side, and which of them is to be the first in sight."""
        moment, record = self.log.moment(self.state.position), self._selected
        match self.state.pane:
            case "prompts":
                return self._prompts(record, room), 0
            case "diff":
                changed = [*diff_lines(moment.edits, room)] or [line(("no change", DIM))]
                return [*changed, *_details(record, room)], 0
            case "why":
                return [line(piece) for told in self._explained(record) for piece in paragraph(told, room)], 0
        lines = [*document_lines(moment, room)]
        marked = next((at for at, one in enumerate(lines) if one.plain[:2] in ("+ ", "- ")), 0)
        return lines, 0 if marked < self._height else marked - _CONTEXT

    def _prompts(self, record: Record, room: int) -> list[Text]:
        lines: list[Text] = []
        for number, call in enumerate(record.calls):
            before = (*record.earlier, *record.calls[:number])
            lines += [*call_lines(call, room, self._glyphs, before=before), line()]
        return lines or [line(("no call", DIM))]

    def _explained(self, record: Record) -> list[str]:
        step, number = record.entry.step, record.number
        if step is None or number is None:
            return ["No step fired at this entry."]
        try:
            return [one for told in self._why(step, number) for one in clean_lines(told)]
        except AlomaError as error:
            return clean_lines(error)


def _details(record: Record, room: int) -> list[Text]:
    """The details of an entry: its facts, its error, and what its step logged."""
    said = [", ".join(facts(record.entry)), *clean_lines(text(record.entry))]
    said += [f"| {one}" for logged in record.logs for one in leveled(logged.level, logged.text)]
    return [line((piece, DIM)) for one in filter(None, said) for piece in paragraph(bounded(one), room)]
