"""The two streams: results go to standard output by `put`, messages to standard error by `say`."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from aloma_cli.document.reserved import RESERVED
from aloma_cli.document.stash import hide_in_changes, hide_stash
from aloma_cli.jsontext import Json, JsonObject, dumps, pretty
from aloma_cli.later import Later
from aloma_cli.view.format import bounded, clean_lines, legible

if TYPE_CHECKING:
    from aloma_cli.cli import descriptors
    from aloma_cli.content import streams
    from aloma_cli.redact import Redactor
    from aloma_cli.view import terminal, width
    from aloma_cli.view.live import stderr
else:
    descriptors = Later("aloma_cli.cli.descriptors")
    stderr = Later("aloma_cli.view.live.stderr")
    streams = Later("aloma_cli.content.streams")
    terminal = Later("aloma_cli.view.terminal")
    width = Later("aloma_cli.view.width")

is_apart = False
"""Whether descriptors 1 and 2 are not our own streams."""

_result: TextIO | None = None
"""Standard output, once `sys.stdout` is lent to the files of a workspace."""


def result() -> TextIO:
    """The stream for the result, and for nothing else."""
    return _result or sys.stdout


def for_people() -> bool:
    """Whether people read the result: at a terminal, or in a pager with FORCE_COLOR or CLICOLOR_FORCE set."""
    return terminal.is_for_people(result(), os.environ)


def put_wrapped(text: str) -> None:
    """A sentence of the result: for people bounded, and broken between words."""
    for line in _broken_lines(bounded(text), result()) if for_people() else [text]:
        put(line)


def put(text: str) -> None:
    """Write a line of the result.

    Characters that its encoding lacks are escaped. A terminal gets no control characters.
    """
    stream = result()
    if stream.isatty():
        text = "\n".join(clean_lines(text))
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def put_json(value: Json) -> None:
    """Write a JSON value: indented for people, on one line for programs."""
    put(legible(pretty(value)) if result().isatty() else dumps(value))


def say(text: str) -> None:
    """Write a message; for a terminal it is bounded, and broken between words. A closed stream is not an error."""
    lines = clean_lines(bounded(text) if sys.stderr.isatty() else text)
    if sys.stderr.isatty():
        terminal = sys.stderr.original if isinstance(sys.stderr, stderr.Notes) else sys.stderr
        lines = [piece for line in lines for piece in _broken_lines(line, terminal)]
    with contextlib.suppress(OSError):
        print(*lines, sep="\n", file=sys.stderr, flush=True)  # noqa: T201  (the place for it)


def _broken_lines(text: str, stream: TextIO) -> Iterable[str]:
    """The lines of `text` on `stream`, broken between words."""
    return width.paragraph(text, terminal.size_of(stream).room)


def say_lines(text: str) -> None:
    """Write several messages, one a line."""
    for line in text.splitlines():
        say(line)


def hide(redactor: Redactor) -> None:
    """From here on files of a workspace run: no secret is written to any stream, and only the result to stdout."""
    global _result
    own: Any = result()
    notes: Any = sys.stderr if isinstance(sys.stderr, stderr.Notes) else stderr.Notes(sys.stderr)
    if redactor:
        own, notes.original = (streams.RedactedStream(one, redactor) for one in (own, notes.original))
    _result, sys.stdout, sys.stderr = own, notes, notes
    if is_apart:
        descriptors.listen(notes, own)


def has_left(error: OSError) -> bool:
    """Whether a write failed because the reader has closed the pipe or the terminal."""
    return error.errno in (errno.EPIPE, errno.EIO)


def close_result() -> None:
    """Drop what is left to write of the result, so that Python's last flush does not fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), result().fileno())


@contextmanager
def put_on(stream: TextIO) -> Iterator[None]:
    """Within, results go to another stream."""
    global _result  # noqa: PLW0603  (there is one standard output)
    before, _result = _result, stream
    try:
        yield
    finally:
        _result = before


@contextmanager
def own_streams() -> Iterator[None]:
    """Restore the two streams at the end, if they were lent."""
    global _result  # noqa: PLW0603  (there is one standard output)
    own = sys.stdout, sys.stderr
    try:
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):
            result().flush()
        if _result is not None:
            _result = None
            streams.put_back(*own)


def whole_record(record: JsonObject, data: JsonObject) -> Json:
    """What `--json` prints: the record of a task, with its document as `data`."""
    return visible_record({**record, "data": data})


def visible_result(record: JsonObject, data: JsonObject) -> Json:
    """What `--result` prints: what a task was completed with, else its document without the fields of the engine."""
    if record["result"] is not None:
        return visible_record({"result": record["result"]})["result"]
    return {key: value for key, value in data.items() if key not in RESERVED}


def visible_record(record: JsonObject) -> Json:
    """An event, or the record of a task, without `$stash`."""
    shown = {**record}
    if "changes" in record:
        shown["changes"] = hide_in_changes(record["changes"])
    if "cycle" in record:
        shown["cycle"] = [{**commit, "changes": hide_in_changes(commit["changes"])} for commit in record["cycle"]]
    return hide_stash(shown)
