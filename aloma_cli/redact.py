"""Find secrets by value in texts and JSON, and replace them by their names: `«secret:CRM_TOKEN»`.

A secret is found as it is, escaped as in JSON (however deep) and percent-encoded as in a URL (however often). It is not
found in another encoding, such as base 64, or in pieces.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import count
from json import dumps
from typing import TypeAlias

from aloma_cli.jsontext import Json, JsonObject

SHORTEST = 8
"""The minimum length of a secret, in characters; shorter values would match ordinary text."""

NamedValue: TypeAlias = tuple[str, str]
"""The name of a secret, and its value."""

_Span: TypeAlias = tuple[int, int, int]
"""An occurrence of a secret in a text: start, end, and its rank among the secrets."""

# Characters that no encoding changes, runs of backslashes, and any other single character.
_PIECES = re.compile(r"[A-Za-z0-9_.-]+|\\+|[\s\S]")
_NUMBER = re.compile(r"[-+.0-9eE]+")
_SHORTHANDS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_QUOTED = "\"'/"
_PERCENT = "%(?:25)*"
_ELLIPSIS = "…"
_LAST_RESORT = "«***»"


class Redactor:
    """Replaces secrets, which it knows by value. False if there is no secret to find.

    A value of several lines is also searched line by line. Among equal values the first name is used, among overlapping
    ones the name of the longest.
    """

    def __init__(self, secrets: Iterable[NamedValue] = ()) -> None:
        named: dict[str, str] = {}
        for name, value in secrets:
            for part in _parts(value):
                named.setdefault(part, name)
        longest_first = sorted(named, key=len, reverse=True)
        self._secrets = [_Secret(value, _mask(named[value], longest_first)) for value in longest_first]
        self._numeric = any(map(_NUMBER.fullmatch, longest_first))

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def text(self, text: str) -> str:
        """`text` without secrets; the same object where it holds none."""
        if _ELLIPSIS not in text:
            for secret in self._secrets:
                if secret.needle in text:
                    break
            else:
                return text
        # Because a replacement may complete another secret with the text around it.
        while spans := sorted(self._spans(text)):
            text = self._masked(text, spans)
        return text

    def growing(self, text: str) -> str:
        """A text that is still being received: as `text`, and without an end that may be the beginning of a secret."""
        begun = max((secret.begun(text) for secret in self._secrets), default=0)
        return self.text(text[: len(text) - begun])

    def value(self, value: Json) -> Json:
        """JSON without secrets in its texts, keys and numbers; the same object where it holds none.

        A number that contains one becomes a string. Keys that become equal are numbered.
        """
        if not self._secrets:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return self._redact_object(value)
        if isinstance(value, list | tuple):
            items = [self.value(item) for item in value]
            return items if any(map(_differ, items, value)) else value
        if self._numeric and type(value) in (int, float):
            written = dumps(value)
            redacted = self.text(written)
            return value if redacted is written else redacted
        return value

    def unused(self, key: str, taken: Collection[str]) -> str:
        """`key`, with a number appended if it is taken."""
        if key not in taken:
            return key
        numbered = (f"{key} {number}" for number in count(2))
        return next(key for key in numbered if key not in taken and self.text(key) == key)

    def _redact_object(self, value: JsonObject) -> JsonObject:
        items = [self.value(item) for item in value.values()]
        names = [self.text(key) for key in value]
        if any(map(_differ, names, value)):
            taken = {name for name, key in zip(names, value, strict=True) if name is key}
            for at, key in enumerate(value):
                if names[at] is not key:
                    names[at] = self.unused(names[at], taken)
                    taken.add(names[at])
        elif not any(map(_differ, items, value.values())):
            return value
        return dict(zip(names, items, strict=True))

    def _spans(self, text: str) -> Iterator[_Span]:
        for rank, secret in enumerate(self._secrets):
            if secret.needle in text:
                for found in secret.pattern.finditer(text):
                    yield found.start(), found.end(), rank
            if _ELLIPSIS in text and secret.value[:SHORTEST] in text:
                yield from ((start, end, rank) for start, end in _cut_short(secret.value, text))

    def _masked(self, text: str, spans: list[_Span]) -> str:
        """`text` with each run of overlapping secrets replaced by the name of the longest."""
        pieces: list[str] = []
        done, (start, end, rank) = 0, spans[0]
        for from_, to, other in [*spans[1:], (len(text) + 1, 0, 0)]:
            if from_ < end:
                end, rank = max(end, to), min(rank, other)
                continue
            pieces += text[done:start], self._secrets[rank].mask
            done, start, end, rank = end, from_, to, other
        return "".join(pieces) + text[done:]


NO_SECRETS = Redactor()


class _Secret:
    """`needle` occurs in every form of the value, so that a text without it can be skipped."""

    def __init__(self, value: str, mask: str) -> None:
        self.value = value
        self.mask = mask
        pieces: list[str] = _PIECES.findall(value)
        self.needle = max((piece for piece in pieces if _is_steady(piece)), key=len, default="")

    def begun(self, text: str) -> int:
        """How many characters at the end of `text` are the beginning of the value."""
        lengths = range(min(len(self.value) - 1, len(text)), 0, -1)
        return next((length for length in lengths if text.endswith(self.value[:length])), 0)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the value in all its forms; each character may be escaped or not."""
        pieces: list[str] = _PIECES.findall(self.value)
        before = ["", *pieces]
        return re.compile("".join(map(_any_form, pieces, before)))


def _parts(value: str) -> list[str]:
    parts = [value, *(line.strip() for line in value.splitlines())]
    return [part for part in parts if len(part) >= SHORTEST]


def _mask(name: str, values: list[str]) -> str:
    """The replacement for a secret, which must not contain another secret or be part of one."""
    mask = f"«secret:{name}»"
    return _LAST_RESORT if any(value in mask or "«" in value for value in values) else mask


def _cut_short(value: str, text: str) -> Iterator[tuple[int, int]]:
    """The places at which `text` has the beginning of `value` and then an ellipsis."""
    for found in re.finditer(_ELLIPSIS, text):
        end = found.start()
        for length in range(len(value) - 1, SHORTEST - 1, -1):
            if text.endswith(value[:length], 0, end):
                yield end - length, end
                break


def _is_steady(piece: str) -> bool:
    return piece[0].isascii() and (piece[0].isalnum() or piece[0] in "_.-")


def _any_form(piece: str, before: str) -> str:
    """A pattern for all forms of one piece of a value; `before` is the piece before it."""
    if _is_steady(piece):
        return re.escape(piece)
    if piece[0] == "\\":
        return rf"(?:\\|{_PERCENT}(?i:5c)){{{len(piece)},}}"
    # Because a run of backslashes includes those of the escape after it.
    escape = "" if before[:1] == "\\" else r"(?<!\\)\\+"
    return f"(?:{'|'.join(_spellings(piece, escape))})"


def _spellings(character: str, escape: str) -> Iterator[str]:
    code = ord(character)
    if character in _QUOTED:
        yield escape + character
    yield re.escape(character)
    if character in _SHORTHANDS:
        yield escape + _SHORTHANDS[character]
    if character == " ":
        yield r"\+"
    if code < 0x100:
        yield f"{escape}x(?i:{code:02x})"
    if code > 0xFFFF:
        yield f"{escape}U(?i:{code:08x})"
    yield escape + r"\\+".join(f"u(?i:{unit})" for unit in _units(character))
    yield "".join(f"{_PERCENT}(?i:{byte:02x})" for byte in character.encode("utf-8", "surrogatepass"))


def _units(character: str) -> Iterator[str]:
    """The UTF-16 units of a character's JSON escape, in hexadecimal digits."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return (units[at : at + 4] for at in range(0, len(units), 4))


def _differ(one: object, other: object) -> bool:
    return one is not other
