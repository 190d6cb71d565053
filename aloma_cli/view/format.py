"""Times, amounts, values and foreign text as people read them, the same in every view.

Names, logs and errors come from people, models and other systems. All of them are cleaned where they are drawn:
otherwise a terminal would obey an escape sequence in them. Until then they stay as they are.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, tzinfo

from aloma_cli.clock import from_iso
from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import UNSAFE, cut, printable

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_UNSAFE_IN_JSON = UNSAFE.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f")
_UNSAFE_IN_TEXT = UNSAFE.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f")
_SEQUENCE = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))"
_SPACES = r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+ *"


LONGEST = 4000
"""Characters of one text that a terminal is given."""


def bounded(text: str, whole: str = "aloma task log --json") -> str:
    """`text` for a terminal: the rest after LONGEST characters is only counted, with the command that shows it all."""
    more = len(text) - LONGEST
    return text if more <= 0 else f"{text[:LONGEST]}… ({more:,} more characters; {whole})"


def clean(text: object) -> str:
    """`text` on one line, without the spaces around it, with nothing in it that a terminal would obey."""
    return one_line(str(text).strip())


def one_line(text: str) -> str:
    """As `clean`, with the spaces around it."""
    return printable(re.sub(_SPACES, " ", text))


def plain(text: str) -> str:
    """`text` as it is, with nothing in it that a terminal would obey; a carriage return begins a line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(_UNSAFE_IN_TEXT, "\ufffd", re.sub(_SEQUENCE, "", text))


def legible(text: str) -> str:
    """Indented JSON with what a terminal would obey as JSON's own escapes: the same value still."""
    return re.sub(_UNSAFE_IN_JSON, lambda match: f"\\u{ord(match[0]):04x}", text)


def clean_lines(text: object) -> list[str]:
    """The lines of `text`, each of them clean; leading spaces stay."""
    lines = str(text).rstrip().expandtabs(4).splitlines() or [""]
    return [printable(line.rstrip()) for line in lines]


def duration(seconds: float) -> str:
    """`0.05s`, `8.3s`, `42s`, `2m05s`, `3h07m`, `5d04h`: precise while it is short."""
    seconds = max(0.0, seconds)
    if seconds < 0.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < _HOUR:
        return f"{whole // _MINUTE}m{whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02d}h"


def ticking(seconds: float) -> str:
    """A duration that is redrawn all the time: tenths below 10 seconds only."""
    return duration(seconds) if seconds >= _MINUTE else f"{max(0.0, seconds):.{1 if seconds < 9.95 else 0}f}s"


def ago(seconds: float) -> str:
    """`just now`, `5 minutes ago`, `2 hours ago`, `3 days ago`; `in 5 minutes` for what is to come."""
    for size, unit in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if abs(seconds) >= size:
            amount = plural(int(abs(seconds) // size), unit)
            return f"{amount} ago" if seconds > 0 else f"in {amount}"
    return "just now"


def clock_time(at: str, zone: tzinfo | None = None) -> str:
    """The time of day of the ISO time `at`, in `zone` (None: the machine's)."""
    return datetime.fromtimestamp(from_iso(at), zone).strftime("%H:%M:%S")


def plural(number: int, noun: str) -> str:
    """`1 call`, `1,204 calls`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def short_count(number: int) -> str:
    """`830`, `1.2k`, `45k`, `3.1M`."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size - size // 2000:
            amount = number / size
            return f"{amount:.1f}{unit}" if amount < 9.95 else f"{amount:.0f}{unit}"
    return str(number)


def data_size(size: int) -> str:
    """`830 B`, `1.2 kB`, `45 kB`, `3.1 MB`, in steps of a thousand."""
    for power, unit in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= power - power // 2000:
            amount = size / power
            return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"
    return f"{size} B"


def money(dollars: float) -> str:
    """`$12.30`, `$0.0423`, `<$0.0001`; never 0 for something that cost."""
    if 0 < dollars < 0.0001:
        return "<$0.0001"
    return f"${dollars:.2f}" if dollars >= 1 or dollars == 0 else f"${dollars:.4f}"


def error_text(error: object) -> str:
    """`ConnectorError: 503 Service Unavailable` of an event's `error`; anything else as JSON."""
    if not isinstance(error, dict):
        return value_text(error)
    kind, message = str(error.get("type") or "Error"), str(error.get("message") or "").strip()
    return f"{kind}: {message}" if message else kind


def value_text(value: object, most: int | None = None) -> str:
    """A JSON value on one line, at most `most` characters long; values under `$stash` are hidden."""
    if isinstance(value, str) and most is not None:
        # A long text need not be escaped whole to be cut.
        value = value[: most + 1]
    text = printable(json.dumps(hide_stash(value), ensure_ascii=False))
    return text if most is None else cut(text, most)
