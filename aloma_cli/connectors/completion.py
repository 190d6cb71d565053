"""An answer in the OpenAI form, to be read by attribute or by key."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from aloma_cli.jsontext import Json, JsonObject


class View:
    """A read-only view of JSON: `view.usage.total_tokens` and `view["usage"]["total_tokens"]` are the same."""

    __slots__ = ("_plain",)

    def __init__(self, plain: Json) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copy and pickle look for these before there is anything to look in
            raise AttributeError(name)
        if isinstance(self._plain, dict) and name in self._plain:
            return _view(self._plain[name])
        known = ", ".join(self._plain) if isinstance(self._plain, dict) else "positions only"
        raise AttributeError(f"the answer has no {name} here (it has: {known})")

    def __getitem__(self, key: str | int | slice) -> Any:
        return _view(self._plain[key])

    def __iter__(self) -> Iterator[Any]:
        return (_view(item) for item in self._plain)

    def __len__(self) -> int:
        return len(self._plain)

    def __contains__(self, item: object) -> bool:
        return item in self._plain

    def __eq__(self, other: object) -> bool:
        return bool(self._plain == (other._plain if isinstance(other, View) else other))

    __hash__ = None  # type: ignore[assignment]  # as for a dict

    def __repr__(self) -> str:
        return repr(self._plain)

    def to_dict(self) -> Any:
        """The same as plain dicts and lists, the caller's own: what may be put into a document."""
        return copy.deepcopy(self._plain)


class Completion(View):
    """A chat completion.

    `data`: the content of the first choice, parsed and checked where a shape was asked for, else as text.
    `repaired`: whether the content was mended to get there.
    """

    __slots__ = ("data", "repaired")

    def __init__(self, plain: JsonObject, data: Json, *, repaired: bool = False) -> None:
        super().__init__(plain)
        self.data = data
        self.repaired = repaired


def _view(value: Json) -> Any:
    return View(value) if isinstance(value, dict | list) else value


def content_of(completion: JsonObject) -> str:
    """The text of the first choice; empty where there is none."""
    content = completion["choices"][0]["message"].get("content")
    return content if isinstance(content, str) else ""
