"""HTML and SVG as text. Whatever is not Markup is data: it is escaped, and has nothing in it that a reader obeys."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape

from aloma_cli.jsontext import UNSAFE, Json, dumps, printable
from aloma_cli.view.format import plain

_VOID = ("meta", "input", "br", "rect", "line", "path", "circle", "use")


class Markup(str):
    """A piece of HTML or SVG that was made here."""

    __slots__ = ()


Child = Markup | str | int | None


def tag(name: str, /, *children: Child, **attributes: str | float | bool | None) -> Markup:
    """An element. In names of attributes a last `_` is dropped, others are hyphens. None and False leave one out."""
    told = "".join(
        [_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False]
    )
    if name in _VOID:
        return Markup(f"<{name}{told}/>")
    return Markup(f"<{name}{told}>{join(children)}</{name}>")


def region(label: str, look: str, *children: Child) -> Markup:
    """A part of a page that scrolls by itself, also by keys."""
    return tag("div", *children, class_=look, tabindex=0, role="region", aria_label=label)


def join(children: Iterable[Child]) -> Markup:
    """The children one after the other."""
    return Markup("".join([one if isinstance(one, Markup) else text(one) for one in children if one is not None]))


def text(value: object) -> Markup:
    """`value` as text on any number of lines."""
    return Markup(escape(plain(str(value)), quote=False))


def with_code(words: str) -> Markup:
    """A sentence of this program, with what is between `backticks` as code."""
    return join(tag("code", part) if number % 2 else part for number, part in enumerate(words.split("`")))


def data(value: Json) -> Markup:
    """JSON for a `script` element, which no text in it can end."""
    return Markup(re.sub(f"[<>&]|{UNSAFE}", lambda match: f"\\u{ord(match[0]):04x}", dumps(value)))


def _attribute(key: str, value: str | float | bool) -> str:
    name = _attribute_name(key)
    if value is True:
        return f" {name}"
    return f' {name}="{escape(printable(value)) if isinstance(value, str) else value}"'


@lru_cache(maxsize=256)
def _attribute_name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")
