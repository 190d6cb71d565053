"""A document as lines, of which those that an entry wrote are marked; and its changes with the values before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.cli.watching.log import LoggedEdit, LogMoment
from aloma_cli.document.paths import MISSING
from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import Json, Path, show_path
from aloma_cli.view.format import bounded
from aloma_cli.view.prompts import as_text
from aloma_cli.view.theme import style_of
from aloma_cli.view.width import broken, line

if TYPE_CHECKING:
    from rich.text import Text

_NEW, _OLD = style_of("done"), style_of("error")
_INDENT = "  "
_WHOLE = "aloma task log --changes"


class _Line(NamedTuple):
    indent: str
    text: str
    is_new: bool


def document_lines(moment: LogMoment, room: int) -> Iterator[Text]:
    """The document; `+` marks what the entry wrote, and at the end `-` what it removed."""
    for shown in _value_lines(hide_stash(moment.document), moment.touched, room - 2, "", "", is_new=False):
        sign, style = ("+ ", _NEW) if shown.is_new else ("  ", "")
        for piece in _pieces(shown.text, room - 2 - len(shown.indent)):
            yield line((f"{sign}{shown.indent}{piece}", style))
    for edit in moment.edits:
        if edit.change.op == "remove":
            yield line((f"- {show_path(edit.change.path)}", _OLD))


def _value_lines(
    value: Json, touched: Sequence[Path], room: int, lead: str, tail: str, *, is_new: bool
) -> Iterator[_Line]:
    """The lines of a value after `lead` and before `tail`; `touched`: the paths below it that were written."""
    is_new = is_new or () in touched
    flat = f"{lead}{json.dumps(value, ensure_ascii=False)}{tail}"
    is_whole = is_new or not touched
    if not isinstance(value, dict | list) or not value or (is_whole and len(flat) <= room):
        yield _Line("", flat, is_new)
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield _Line("", lead + opening, is_new)
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    for number, (key, item) in enumerate(pairs, 1):
        name = f"{json.dumps(key, ensure_ascii=False)}: " if isinstance(value, dict) else ""
        below = [path[1:] for path in touched if path[:1] == (key,)]
        comma = "," if number < len(pairs) else ""
        for one in _value_lines(item, below, room - len(_INDENT), name, comma, is_new=is_new):
            yield one._replace(indent=_INDENT + one.indent)
    yield _Line("", closing + tail, is_new)


def diff_lines(edits: Sequence[LoggedEdit], room: int) -> Iterator[Text]:
    """Each change: its place, below it the value before (`-`) and the value after (`+`)."""
    for change, old in edits:
        yield line((show_path(change.path) + ("[]" if change.op == "append" else "") or "the document", "bold"))
        if old is not MISSING:
            yield from _side_lines("- ", hide_stash(old, change.path), _OLD, room)
        if change.op != "remove":
            yield from _side_lines("+ ", hide_stash(change.value, change.path), _NEW, room)


def _side_lines(sign: str, value: Json, style: str, room: int) -> Iterator[Text]:
    for text in as_text(value, room - 2).split("\n"):
        body = text.lstrip(" ")
        margin = " " * (len(text) - len(body))
        yield from (line((f"{sign}{margin}{piece}", style)) for piece in _pieces(body, room - 2 - len(margin)))


def _pieces(text: str, room: int) -> list[str]:
    return broken(bounded(text, _WHOLE), max(8, room))
