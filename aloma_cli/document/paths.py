"""Paths into a document: parsing them, following them, and creating the parents of a new value."""

from __future__ import annotations

import json
import re
from typing import Any

from aloma_cli.document.changes import Change
from aloma_cli.errors import InputError
from aloma_cli.jsontext import MAX_DEPTH, Json, Path, show_path

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING", "__slots__": ()})()
"""Returned by `get` if there is no value; null is a value."""

_MOST_DIGITS = 20
"""A longer number is not a position, because lists are shorter."""

_POSITIONS = re.compile(r"(?:\[[0-9]+\])+$")
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|[^."]+')


def parse_path(text: str) -> tuple[str, ...]:
    """The keys of a dotted path: `a.b.0.c`; a key with dots is in double quotes. Raises InputError.

    `.a.b[0].c`, as jq has it, is the same.
    """
    keys: list[str] = []
    at = 1 if text.startswith(".") and len(text) > 1 else 0
    while True:
        piece = _PIECE.match(text, at)
        if piece is None:
            raise InputError(f"the path {text!r} has an empty or broken key at character {at + 1}")
        keys += [_unquoted(piece[0], text)] if piece[0].startswith('"') else _split(piece[0])
        at = piece.end()
        if at == len(text):
            return tuple(keys)
        if text[at] != ".":
            raise InputError(f"the path {text!r} needs a dot at character {at + 1}")
        at += 1


def _split(key: str) -> list[str]:
    """The key, and the positions in brackets behind it."""
    positions = _POSITIONS.search(key)
    if positions is None or positions.start() == 0:
        return [key]
    return [key[: positions.start()], *re.findall("[0-9]+", positions[0])]


def _unquoted(key: str, text: str) -> str:
    try:
        return str(json.loads(key))
    except ValueError:
        raise InputError(f"the path {text!r} has the key {key}, which is not a JSON string") from None


def resolve(document: Json, keys: Path) -> Path:
    """`keys`, with digits converted to positions wherever the document has a list."""
    path: list[str | int] = []
    here = document
    for key in keys:
        at = _position(key) if isinstance(here, list) else key
        path.append(key if at is None else at)
        here = _step_into(here, path[-1])
    return tuple(path)


def get(document: Json, path: Path) -> Json:
    """The value at `path`, or MISSING."""
    here = document
    for key in path:
        here = _step_into(here, key)
        if here is MISSING:
            return MISSING
    return here


def make_room(document: Json, keys: Path) -> tuple[Path, list[Change]]:
    """The path for a value at `keys`, and the changes that create its parents and, in a list, its position.

    A missing or null parent becomes an object, or a list if the next key is an integer. The position at the end of a
    list adds an item. Raises InputError if there are no keys, if a value blocks the path, or if a list is too short.
    """
    if not keys:
        raise InputError("a path needs at least one key")
    if len(keys) > MAX_DEPTH:
        raise InputError(f"the place {show_path(keys[:3])}… is nested deeper than {MAX_DEPTH} levels")
    path: Path = ()
    changes: list[Change] = []
    here: Json = document
    for key, following in zip(keys, (*keys[1:], None), strict=True):
        at = _key_in(here, key, keys, path)
        below = _step_into(here, at)
        if following is not None and (below is MISSING or below is None):
            below = [] if isinstance(following, int) else {}
            changes.append(_put(here, path, at, below))
        elif below is MISSING and isinstance(here, list):
            changes.append(_put(here, path, at, None))
        path, here = (*path, at), below
    return path, changes


def _put(container: Json, path: Path, key: str | int, value: Json) -> Change:
    """The change that puts `value` into the container at `path`; the position may be its end."""
    if isinstance(container, list) and key == len(container):
        return Change("append", path, value)
    return Change("add" if _step_into(container, key) is MISSING else "replace", (*path, key), value)


def _key_in(container: Json, key: str | int, keys: Path, path: Path) -> str | int:
    """`key` as a key of the container at `path`, a step on the path `keys`. Raises InputError."""
    if isinstance(container, dict):
        return str(key)
    position = _position(key) if isinstance(container, list) else None
    if position is None:
        raise InputError(f"{show_path(keys)} leads through a value that has no {key!r}")
    if position > len(container):
        raise InputError(
            f"{show_path(keys)} is beyond the end of the list at {show_path(path)}, which has {len(container)} items",
            hint=f"use {len(container)} to append to it, or a key under an object",
        )
    return position


def _position(key: str | int) -> int | None:
    if isinstance(key, int):
        return key if key >= 0 else None
    return int(key) if key.isascii() and key.isdigit() and len(key) < _MOST_DIGITS else None


def _step_into(container: Json, key: str | int) -> Json:
    if isinstance(container, dict):
        return container.get(key, MISSING)
    if isinstance(container, list) and isinstance(key, int) and 0 <= key < len(container):
        return container[key]
    return MISSING
