"""`task log`: the history of a task, one numbered entry after the other, with as much detail as asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, TextIO

from aloma_cli.clock import Clock, from_iso, to_iso
from aloma_cli.connectors.address import shown
from aloma_cli.record.calls import RecordedCall, failing_call
from aloma_cli.record.events import FiringFailed
from aloma_cli.record.history import no_such_entry
from aloma_cli.values import dataclass
from aloma_cli.view.changes import is_bookkeeping, operation_text
from aloma_cli.view.entries import call_command, facts, leveled, text
from aloma_cli.view.format import ago, bounded, clean, clock_time, duration, plural
from aloma_cli.view.history import History, Record
from aloma_cli.view.live.scrollback import entry_lines, folded, log_lines
from aloma_cli.view.prompts import call_figures, call_lines, first_line, plain_call_lines
from aloma_cli.view.terminal import Ink, is_for_people, size_of, write, write_plain
from aloma_cli.view.theme import DIM, Glyphs, glyphs_for, style_of
from aloma_cli.view.width import fit, line, wrapped

if TYPE_CHECKING:
    from rich.text import Text

_SIGN_STYLES = {"+": style_of("done"), "-": style_of("error"), "~": style_of("waiting")}
_INDENT = " " * 6
_MOST_WRAPPED = 100


@dataclass(frozen=True, slots=True)
class Details:
    """What to show below the entries. `step` is the number of the only entry to show it for, None for all."""

    changes: bool = False
    logs: bool = False
    calls: bool = False
    prompts: bool = False
    step: int | None = None

    def wanted(self, record: Record) -> bool:
        return self.step is None or self.step == record.number


_NO_DETAILS = Details()


def write_log(
    history: History,
    stream: TextIO,
    *,
    environ: Mapping[str, str],
    clock: Clock,
    details: Details = _NO_DETAILS,
    zone: tzinfo | None = None,
    write: Callable[[TextIO, str], None] = write,
) -> None:
    """Write the log to `stream`, for people with `write`.

    People get columns, colours and values cut to the width of their terminal. Programs get tab-separated lines (number,
    ISO time, what, who, seconds, facts) with details after a leading tab, nothing cut. Raises InputError if
    `details.step` is not a number of the log.
    """
    if details.step is not None and not 0 <= details.step <= history.last_number:
        raise no_such_entry(history.task, details.step, history.last_number)
    if is_for_people(stream, environ):
        page = _Page(size_of(stream).room, glyphs_for(stream.encoding), details, zone, clock.now())
        lines = [page.headline(history), *page.lines(history)]
        write(stream, Ink(stream, environ).text(lines))
    else:
        write_plain(stream, _plain_lines(history, details))


def _plain_lines(history: History, details: Details) -> Iterator[str]:
    for record in history.records():
        entry = record.entry
        number = "" if record.number is None else str(record.number)
        seconds = "" if entry.seconds is None else f"{entry.seconds:.3f}"
        said = ", ".join(filter(None, (", ".join(entry.changed.places), *facts(entry), text(entry))))
        who = entry.step or entry.task or ""
        yield "\t".join(map(clean, (number, entry.at, entry.word, who, seconds, said)))
        yield from (f"\t{text}" for text in _see(history, record))
        if details.wanted(record):
            yield from (f"\t{clean(detail)}" for detail in _plain_details(record, details))
            if details.prompts:
                yield from (f"\t{text}" for text in _plain_prompts(record))


def _plain_details(record: Record, details: Details) -> Iterator[str]:
    if details.changes:
        yield from (" ".join(operation_text(change)) for change in record.changes)
    if details.calls:
        yield from (text for call in record.calls for text in _call_texts(call))
    if details.logs:
        yield from (f"| {said}" for logged in record.logs for said in leveled(logged.level, logged.text))


def _plain_prompts(record: Record) -> Iterator[str]:
    for number, call in enumerate(record.calls):
        yield from plain_call_lines(call, (*record.earlier, *record.calls[:number]))
        yield ""


def _see(history: History, record: Record) -> Iterator[str]:
    """The command that shows why a step failed, if it made calls."""
    event = record.entry.event
    call = failing_call(event.error, record.calls) if isinstance(event, FiringFailed) else None
    if call is not None:
        yield f"→ {call_command(history.task, call) if history.numbers_calls else f'aloma task calls {history.task}'}"


@dataclass(frozen=True, slots=True)
class _Page:
    """How to draw the log for people; `now` is in seconds since 1970."""

    room: int
    glyphs: Glyphs
    details: Details
    zone: tzinfo | None
    now: float

    def headline(self, history: History) -> Text:
        screen, node = history.screen, history.screen.node(history.task)
        headline = line((f"{self.glyphs.sign(node.state)} {node.state}", f"bold {style_of(node.state)}"), "  ")
        headline.append_text(line((node.name, "bold"), (f"  {node.id}", DIM)))
        created = from_iso(screen.tree.tasks[history.task].created_at)
        times = f"  created {ago(self.now - created)}, took {duration(screen.last - created)}"
        headline.append_text(line((times, DIM)))
        return fit(headline, self.room, self.glyphs)

    def lines(self, history: History) -> Iterator[Text]:
        task = history.screen.tree.tasks[history.task]
        days = {self._day(at) for at in (task.created_at, task.updated_at, to_iso(self.now))}
        digits = len(str(history.last_number))
        for record in history.records():
            number = "" if record.number is None else str(record.number)
            day = f"{self._day(record.entry.at)} " if len(days) > 1 else ""
            margin = f" {number:>{digits}}  {day}{clock_time(record.entry.at, self.zone)}  "
            yield from entry_lines(record.entry, self.room, self.glyphs, margin, _INDENT)
            yield from (line((f"{_INDENT}{text}", DIM)) for text in _see(history, record))
            if self.details.wanted(record):
                yield from self._detail_lines(record)

    def _day(self, at: str) -> str:
        return datetime.fromtimestamp(from_iso(at), self.zone).strftime("%Y-%m-%d")

    def _detail_lines(self, record: Record) -> Iterator[Text]:
        if self.details.changes:
            yield from self._change_lines(record)
        if self.details.calls:
            for told, answer in map(_call_texts, record.calls):
                yield from wrapped([bounded(told)], _INDENT, self.room, DIM, _MOST_WRAPPED, self.glyphs)
                yield fit(line(f"{_INDENT}{answer}"), self.room, self.glyphs)
        if self.details.prompts:
            yield from self._prompt_lines(record)
        if self.details.logs:
            logs = folded((logged.level, logged.text) for logged in record.logs)
            yield from log_lines(logs, f"{_INDENT}{self.glyphs.log} ", self.room, _MOST_WRAPPED, self.glyphs)

    def _prompt_lines(self, record: Record) -> Iterator[Text]:
        for number, call in enumerate(record.calls):
            yield line()
            yield from call_lines(
                call, self.room, self.glyphs, _INDENT, (*record.earlier, *record.calls[:number]), self.zone
            )
        if record.calls:
            yield line()

    def _change_lines(self, record: Record) -> Iterator[Text]:
        """The counts of subtasks on one line, unless this entry alone was asked for."""
        counts = [] if self.details.step is not None else [one for one in record.changes if is_bookkeeping(one)]
        for change in record.changes:
            if change not in counts:
                sign, told = operation_text(change, self.room)
                yield fit(line(_INDENT, (sign, _SIGN_STYLES.get(sign, "")), " ", told), self.room, self.glyphs)
        if counts:
            yield line(_INDENT, ("~", _SIGN_STYLES["~"]), f" $children ({plural(len(counts), 'change')} of counts)")


def _call_texts(call: RecordedCall) -> tuple[str, str]:
    """`> 3 openai.chat  gpt-4, 1,121 tokens in, 40 out, $0.0123, 1.4s`, and the first line of the answer or the error.

    Of HTTP: `> 4 http.post 127.0.0.1:8931/notify → 500, 0.32s`.
    """
    said = ", ".join(call_figures(call))
    return f"> {call.number} {call.function}{_address_text(call) or '  '}{said}", f"< {first_line(call)}"


def _address_text(call: RecordedCall) -> str:
    """Of an HTTP request: ` 127.0.0.1:8931/notify → 500, `, with the method where the function does not name it."""
    asked, answer = call.arguments or {}, call.error or call.answer
    url = asked.get("url")
    if not call.function.startswith("http.") or not isinstance(url, str) or not isinstance(answer, dict):
        return ""
    method = f" {asked.get('method')}" if call.function == "http.request" else ""
    status = f" → {answer['status']}" if "status" in answer else ""
    return f"{method} {shown(url).partition('://')[2] or shown(url)}{status}, "
