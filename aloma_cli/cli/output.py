"""Standard output: results, and nothing else."""

from __future__ import annotations

import os
import sys

from aloma_cli.jsontext import Json, JsonObject, dumps, kind_of, pretty


def put(text: str) -> None:
    """A line of the result. What the terminal's encoding lacks is escaped: a result is never lost to it."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def put_json(value: Json) -> None:
    """A JSON value: indented for people, on one line for programs."""
    put(pretty(value) if sys.stdout.isatty() else dumps(value))


def whole_record(record: JsonObject, data: JsonObject) -> JsonObject:
    """What `--json` prints: the record of a task with its document."""
    return {**record, "data": visible(data)}


def visible(data: JsonObject) -> JsonObject:
    """The document as it may be shown: of `$stash` only what kind each value has."""
    return {**data, "$stash": _kinds(data["$stash"])} if "$stash" in data else data


def _kinds(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _kinds(item) for key, item in value.items()}
    return f"«{kind_of(value)}»"


def close_quietly() -> None:
    """Nobody reads any more: what is left to write goes nowhere, and Python's own last flush finds nothing to say."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
