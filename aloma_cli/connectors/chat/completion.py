"""An answer in the OpenAI form, with access by attribute or by key."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from aloma_cli.jsontext import Json, JsonObject, kind_of


class JsonView:
    """A read-only view of JSON: `view.usage.total_tokens` and `view["usage"]["total_tokens"]` are the same."""

    __slots__ = ("_plain",)

    def __init__(self, plain: Json) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # copy and pickle look these up before __init__ has run
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
        return bool(self._plain == (other._plain if isinstance(other, JsonView) else other))

    __hash__ = None  # type: ignore[assignment]  # as for a dict

    def __repr__(self) -> str:
        return repr(self._plain)

    def to_dict(self) -> Any:
        """A copy as plain dicts and lists, which a document may hold."""
        return copy.deepcopy(self._plain)


class Completion(JsonView):
    """A chat completion.

    `data`: the content of the first choice, parsed and checked if a shape was requested (an instance, if the shape is a
    pydantic model), else as a string.
    `repaired`: whether the content had to be repaired.
    """

    __slots__ = ("data", "repaired")

    def __init__(self, plain: JsonObject, data: Any, *, repaired: bool = False) -> None:
        super().__init__(plain)
        self.data = data
        self.repaired = repaired


def _view(value: Json) -> Any:
    return JsonView(value) if isinstance(value, dict | list) else value


def content_of(completion: JsonObject) -> str:
    """The text of the first choice, with its parts joined; empty if there is none."""
    match message_of(completion).get("content"):
        case str(text):
            return text
        case list(parts):
            return "".join(map(_text_of, parts))
    return ""


def odd_content(completion: JsonObject) -> str | None:
    """The kind of a content that is not a string, a list of parts or null; else None."""
    content = message_of(completion).get("content")
    if isinstance(content, list):
        kinds = [kind_of(part) for part in content if not isinstance(part, dict | str)]
        return f"list of {kinds[0]}" if kinds else None
    return None if content is None or isinstance(content, str) else kind_of(content)


def message_of(completion: Json) -> JsonObject:
    """The message of the first choice; empty for an answer of another form."""
    match completion:
        case {"choices": [{"message": dict(message)}, *_]}:
            return message
    return {}


def _text_of(part: Json) -> str:
    """The text of one part; a thought or an image has none."""
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) and "text" in str(part.get("type", "text")) else None
    return text if isinstance(text, str) else ""
