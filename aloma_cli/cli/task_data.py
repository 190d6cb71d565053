"""The data of a task from the command line, a file or standard input."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aloma_cli.cli.output import say
from aloma_cli.errors import InputError
from aloma_cli.jsontext import JsonError, JsonObject, kind_of, loads
from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.loader import yamldata
else:
    yamldata = Later("aloma_cli.loader.yamldata")

_YAML = (".yaml", ".yml")


def read_data(data: str | None, file: str | None) -> JsonObject:
    """The object given by `-d` (JSON, @FILE or -) or by `-f` (FILE or -); `{}` without both.

    Standard input is read only for `-`. Raises InputError with source and place.
    """
    if data is not None and file is not None:
        raise InputError("-d and -f both give the task's data", hint="use one of them")
    if "-" in (data, file):
        option = "-d" if file is None else "-f"
        return _object_in(read_stdin(f"{option} -"), f"standard input ({option} -)")
    if file is not None:
        return _object_in_file(file, "-f")
    if data is None:
        return {}
    return _object_in_file(data[1:], "-d @") if data.startswith("@") else _object_in(data, "-d")


def given_path(text: str) -> Path:
    """A path as typed; the shell replaces `~` only at the beginning of a word."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  (Path.expanduser raises where there is no such user)


def read_given(name: str) -> bytes:
    """The content of a file as typed. Raises InputError."""
    path = given_path(name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def read_stdin(asked_by: str) -> bytes:
    """Standard input, to its end. Raises InputError if it is closed."""
    if sys.stdin is None or sys.stdin.closed:
        raise InputError(f"{asked_by} reads standard input, which is closed")
    if sys.stdin.isatty():
        say("aloma: type the task's data as JSON, then Ctrl-D")
    return sys.stdin.buffer.read()


def _object_in_file(name: str, asked_by: str) -> JsonObject:
    if not name:
        raise InputError(f"{asked_by} needs the name of a file")
    path = given_path(name)
    is_yaml = path.suffix.lower() in _YAML  # most data is JSON
    return _object_in(read_given(name), str(path), partial(yamldata.load_yaml, source=str(path)) if is_yaml else loads)


def _object_in(text: str | bytes, source: str, parse: Callable[[Any], object] = loads) -> JsonObject:
    if not text.strip():
        raise InputError(f"{source} is empty; a task's data is a JSON object", hint="write {} for an empty one")
    try:
        value = parse(text)
    except JsonError as error:
        raise InputError(f"{source} is not valid JSON: {error}", hint=_data_hint(text, source)) from None
    if not isinstance(value, dict):
        raise InputError(f'{source} holds a {kind_of(value)}; a task\'s data is an object, such as {{"name": 1}}')
    return value


def _data_hint(text: str | bytes, source: str) -> str | None:
    if isinstance(text, bytes):
        if text.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "it looks like UTF-16: save it as UTF-8"
        text = text.decode("utf-8", "replace")
    typed = source == "-d"
    if typed and os.path.isfile(text):  # noqa: PTH113  (Path.is_file raises for what is too long to be a name)
        return f"did you mean `-d @{text}`?"
    if typed and _FILE_NAME.fullmatch(text):
        return f"did you mean `-f {text}`?"
    return next(
        (hint for pattern, hint in _SLIPS if pattern.search(text)), _QUOTES if typed and _unquoted(text) else None
    )


def _unquoted(text: str) -> bool:
    return text[0] not in "{[" or '"' not in text


_QUOTES = """put names and strings in double quotes, and all of it in single quotes for the shell: '{"name": "Ada"}'"""
_FILE_NAME = re.compile(r"[^\s{}\[\]\"':]+\.(json|ya?ml)", re.IGNORECASE)
_SLIPS = (
    (re.compile(r"^\s*[{\[]\s*'"), _QUOTES),
    (re.compile(r",\s*}"), "remove the comma before }"),
    (re.compile(r",\s*\]"), "remove the comma before ]"),
    (re.compile(r"\A\s*\{.*\}\s*\n\s*\{"), "it holds several documents, one a line: create one task for each line"),
)
