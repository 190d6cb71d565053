"""The data of a task, as it is given on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from aloma_cli.errors import InputError
from aloma_cli.jsontext import JsonError, JsonObject, kind_of, loads

_YAML = (".yaml", ".yml")


def read_data(data: str | None, file: str | None) -> JsonObject:
    """The object given by `-d` (JSON, @FILE or -) or by `-f` (FILE or -); empty where there is neither.

    Standard input is read only for `-`. Raises InputError naming source and place.
    """
    if data is not None and file is not None:
        raise InputError("-d and -f both give the task's data", hint="use one of them")
    if data is not None and not data.startswith("@"):
        return _read_stdin("-d -") if data == "-" else _object(data, "-d")
    path = data[1:] if data is not None else file
    if path is None:
        return {}
    return _read_stdin("-f -") if path == "-" else _read_file(Path(path).expanduser())


def _read_stdin(asked_by: str) -> JsonObject:
    if sys.stdin is None or sys.stdin.closed:
        raise InputError(f"{asked_by} wants JSON on standard input, which is closed")
    return _object(sys.stdin.buffer.read(), f"standard input ({asked_by})")


def _read_file(path: Path) -> JsonObject:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if path.suffix.lower() in _YAML:
        from aloma_cli.cli.yamldata import load_yaml

        return _checked(load_yaml(content, str(path)), str(path))
    return _object(content, str(path))


def _object(text: str | bytes, source: str) -> JsonObject:
    try:
        value = loads(text)
    except JsonError as error:
        raise InputError(f"{source} is not JSON: {error}", hint=_hint(text, source)) from None
    return _checked(value, source)


def _checked(value: object, source: str) -> JsonObject:
    if not isinstance(value, dict):
        raise InputError(f'{source} holds a {kind_of(value)}; a task\'s data is an object, such as {{"name": 1}}')
    return value


def _hint(text: str | bytes, source: str) -> str | None:
    if source == "-d" and isinstance(text, str) and Path(text).is_file():
        return f"did you mean -d @{text} ?"
    if source == "-d" and text[:1] != "{":
        return "put the JSON in single quotes, so that the shell leaves it alone"
    return None
