"""`task log`: what happened to a task, one numbered entry after the other, with as much detail as asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, TextIO

from aloma_cli.clock import Clock, from_iso, to_iso
from aloma_cli.connectors.chat.parse import was_repaired
from aloma_cli.errors import InputError
from aloma_cli.record.events import CallAnswered
from aloma_cli.view.changes import operation_text
from aloma_cli.view.entries import Entry, cost_facts
from aloma_cli.view.format import ago, bounded, clean, clean_lines, clock_time, duration, error_text
from aloma_cli.view.history import History, Record
from aloma_cli.view.live.scrollback import entry_lines, wrapped
from aloma_cli.view.screen import Usage
from aloma_cli.view.terminal import Ink, size_of, write, write_plain
from aloma_cli.view.theme import DIM, Glyphs, glyphs_for, style_of
from aloma_cli.view.width import Size, fit

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
    step: int | None = None

    def wanted(self, record: Record) -> bool:
        return self.step is None or self.step == record.number


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of detail: a sign that says what kind it is, and the text; `whole` is wrapped rather than cut."""

    sign: str
    text: str
    style: str = ""
    whole: bool = False


def write_log(
    history: History,
    stream: TextIO,
    *,
    environ: Mapping[str, str],
    clock: Clock,
    details: Details = Details(),
    zone: tzinfo | None = None,
) -> None:
    """Write the log to `stream`.

    A terminal gets columns, colours and values cut to its width; anything else gets tab-separated lines (number, ISO
    time, what, who, seconds, facts) with details after a leading tab, nothing cut. Raises InputError when
    `details.step` is no number of the log.
    """
    if details.step is not None and not 0 <= details.step <= history.last_number:
        raise InputError(
            f"the log of task {history.task} has no entry {details.step}: its entries are 0 to {history.last_number}",
            hint=f"aloma task log {history.task}",
        )
    if stream.isatty():
        _write_for_people(history, stream, environ, clock.now(), details, zone)
    else:
        write_plain(stream, _plain_lines(history, details))


def _plain_lines(history: History, details: Details) -> Iterator[str]:
    for record in history.records:
        entry = record.entry
        number = "" if record.number is None else str(record.number)
        seconds = "" if entry.seconds is None else f"{entry.seconds:.3f}"
        facts = [entry.changed.text(len(entry.changed)), *entry.facts, clean(entry.text)]
        yield "\t".join([number, entry.at, entry.word, _who(entry), seconds, ", ".join(filter(None, facts))])
        if details.wanted(record):
            yield from (f"\t{line.sign} {line.text}" for line in _detail(record, details, None))


def _write_for_people(
    history: History,
    stream: TextIO,
    environ: Mapping[str, str],
    now: float,
    details: Details,
    zone: tzinfo | None,
) -> None:
    glyphs, size = glyphs_for(stream.encoding), size_of(stream)
    lines = [_headline(history, size, glyphs, now), *_page(history, size, glyphs, details, zone, now)]
    write(stream, "".join(f"{line}\n" for line in Ink(stream, environ).styled(lines)))


def _headline(history: History, size: Size, glyphs: Glyphs, now: float) -> Text:
    from rich.text import Text

    screen, node = history.screen, history.screen.node(history.task)
    line = Text.assemble((f"{glyphs.sign(node.state)} {node.state}", f"bold {style_of(node.state)}"))
    line.append("  ").append(node.name, "bold").append(f"  {node.id}", DIM)
    if history.records:
        created = from_iso(history.records[0].entry.at)
        took = screen.last - created
        line.append(f"  created {ago(now - created)}, took {duration(took)}", DIM)
    return fit(line, size.room, glyphs)


def _page(
    history: History, size: Size, glyphs: Glyphs, details: Details, zone: tzinfo | None, now: float
) -> Iterator[Text]:
    from rich.text import Text

    days = {_day(record.entry.at, zone) for record in history.records} | {_day(to_iso(now), zone)}
    digits = len(str(history.last_number))
    for record in history.records:
        number = "" if record.number is None else str(record.number)
        day = f"{_day(record.entry.at, zone)} " if len(days) > 1 else ""
        margin = f" {number:>{digits}}  {day}{clock_time(record.entry.at, zone)}  "
        for index, line in enumerate(entry_lines(record.entry, Size(size.width - len(margin), size.height), glyphs)):
            yield Text.assemble((" " * len(margin) if index else margin, DIM), line)
        if details.wanted(record):
            yield from _detail_lines(record, details, size, glyphs)


def _day(at: str, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(from_iso(at), zone).strftime("%Y-%m-%d")


def _detail_lines(record: Record, details: Details, size: Size, glyphs: Glyphs) -> Iterator[Text]:
    from rich.text import Text

    for line in _detail(record, details, size.room):
        sign = glyphs.log if line.sign == "|" else line.sign
        if line.whole:
            yield from wrapped([line.text], f"{_INDENT}{sign} ", size.room, DIM, _MOST_WRAPPED, glyphs)
        else:
            yield fit(Text.assemble(_INDENT, (sign, line.style), " ", line.text), size.room, glyphs)


def _who(entry: Entry) -> str:
    return clean(entry.step or entry.task or "")


def _detail(record: Record, details: Details, most: int | None) -> Iterator[_Line]:
    """The lines below an entry; values longer than `most` characters are cut."""
    if details.changes:
        for change in record.changes:
            sign, text = operation_text(change, most)
            yield _Line(sign, text, _SIGN_STYLES.get(sign, ""))
    if details.calls:
        texts = map(_call_text, record.calls)
        yield from (_Line(">", text if most is None else bounded(text), whole=True) for text in texts)
    if details.logs:
        for logged in record.logs:
            prefix = "" if logged.level == "info" else f"{logged.level}: "
            text = logged.text if most is None else bounded(logged.text)
            yield from (_Line("|", prefix + line, whole=True) for line in clean_lines(text))


def _call_text(call: CallAnswered) -> str:
    """`openai.chat  gpt-4, 1,121 tokens, $0.0123, 1.4s`, or `http.post 127.0.0.1:8931/notify → 500, 0.32s`."""
    usage = Usage()
    usage.add(call)
    model = (call.about or {}).get("model")
    facts = [clean(model)] if model else []
    if usage.tokens:
        facts.append(f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out")
    facts += cost_facts(usage)
    if was_repaired(call.arguments, call.answer):
        facts.append("repaired")
    facts.append(duration(call.seconds))
    if call.error is not None:
        facts.append(error_text(call.error))
    address = _address_text(call)
    return f"{clean(call.call)}{address or '  '}{', '.join(facts)}"


def _address_text(call: CallAnswered) -> str:
    """Of an HTTP request: ` 127.0.0.1:8931/notify → 500, `, with the method where the function does not name it."""
    url, answer = call.arguments.get("url"), call.error or call.answer
    if not call.call.startswith("http.") or not isinstance(url, str) or not isinstance(answer, dict):
        return ""
    from aloma_cli.connectors.address import shown

    method = f" {call.arguments.get('method')}" if call.call == "http.request" else ""
    status = f" → {answer['status']}" if "status" in answer else ""
    return clean(f"{method} {shown(url).partition('://')[2] or shown(url)}{status}").join((" ", ", "))
