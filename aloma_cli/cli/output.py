"""The two streams: results go to standard output by `put`, what is said about them to standard error by `say`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from aloma_cli.jsontext import Json, JsonObject, dumps, kind_of, pretty
from aloma_cli.view.wording import bounded, clean_lines, legible

if TYPE_CHECKING:
    from aloma_cli.redact import Redactor


def put(text: str, stream: TextIO | None = None) -> None:
    """A line of the result, on `stream` instead of stdout if given.

    What its encoding lacks is escaped: a result is never lost to it. A terminal gets nothing that it would obey.
    """
    stream = stream or sys.stdout
    if stream.isatty():
        text = "\n".join(clean_lines(text))
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def put_json(value: Json) -> None:
    """A JSON value: indented for people, on one line for programs."""
    put(legible(pretty(value)) if sys.stdout.isatty() else dumps(value))


def say(text: str) -> None:
    """Tell the user something; a terminal is not given more than a few thousand characters of it.

    That nobody reads it is not an error.
    """
    text = bounded(text) if sys.stderr.isatty() else text
    with contextlib.suppress(OSError):
        print(*clean_lines(text), sep="\n", file=sys.stderr, flush=True)  # noqa: T201  (the place for it)


def say_lines(text: str) -> None:
    """As `say`, but what a terminal is given of it is bounded line by line."""
    for line in text.splitlines():
        say(line)


def hide(scrubber: Redactor) -> None:
    """From here on nothing that this program writes to its streams holds a secret."""
    if scrubber:
        from aloma_cli.redact import RedactedStream

        sys.stdout = RedactedStream(sys.stdout, scrubber)
        sys.stderr = RedactedStream(sys.stderr, scrubber)


@contextmanager
def own_streams() -> Iterator[None]:
    """What was done to the streams within is undone at the end."""
    streams = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def whole_record(record: JsonObject, data: JsonObject) -> Json:
    """What `--json` prints: the record of a task with its document."""
    return visible_record({**record, "data": data})


def visible(value: Json) -> Json:
    """A document, or what was taken from one, as it may be shown: of `$stash` only what kind each value has."""
    if isinstance(value, dict):
        return {key: _kinds(item) if key == "$stash" else visible(item) for key, item in value.items()}
    return [visible(item) for item in value] if isinstance(value, list) else value


def visible_record(record: JsonObject) -> Json:
    """An event, or the record of a task, as it may be shown."""
    shown = {**record}
    if "changes" in record:
        shown["changes"] = _visible_changes(record["changes"])
    if "cycle" in record:
        shown["cycle"] = [{**commit, "changes": _visible_changes(commit["changes"])} for commit in record["cycle"]]
    return visible(shown)


def _visible_changes(changes: Iterable[JsonObject]) -> list[JsonObject]:
    return [
        {**change, "value": _kinds(change["value"])}
        if "value" in change and "$stash" in change["path"].split("/")
        else change
        for change in changes
    ]


def _kinds(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _kinds(item) for key, item in value.items()}
    return f"«{kind_of(value)}»"
