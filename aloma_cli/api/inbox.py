"""The open questions of a workspace, and the requests that answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from aloma_cli.jsontext import Json, JsonObject

if TYPE_CHECKING:
    from aloma_cli.api.reader import Records
    from aloma_cli.errors import StoreError

_NEVER = "9999"
"""After every ISO time."""


def open_questions(
    home: Records, *, only: str | None = None, unreadable: Callable[[StoreError], object]
) -> list[JsonObject]:
    """All open questions, the most urgent first: those with a deadline by that, then the others, oldest first.

    Each is as in the `questions` of a record, with `name`, `root` and `tags` of the root as well. `only`: those of
    roots with this tag. `unreadable`: as for `Records.records`.
    """
    found = (record for [record] in home.records(unreadable=unreadable) if only is None or only in record["tags"])
    return most_urgent_first(asked for record in found for asked in questions_of(record))


def questions_of(record: JsonObject) -> list[JsonObject]:
    """The open questions of the record of a root, as `open_questions` gives them."""
    more = {"name": record["name"], "root": record["id"], "tags": record.get("tags")}
    return [] if record["closed"] else [{**asked, **more} for asked in record["questions"]]


def most_urgent_first(questions: Iterable[JsonObject]) -> list[JsonObject]:
    """Questions in the order of `open_questions`."""
    return sorted(
        questions, key=lambda asked: (asked.get("until") or _NEVER, asked.get("asked_at") or "", asked["task"])
    )


def answer_to(asked: JsonObject, value: Json, who: JsonObject) -> JsonObject:
    """The request that answers an open question of a record, and no later one in its place."""
    which = {name: asked[name] for name in ("into", "call") if asked.get(name) is not None}
    asked_at = {"asked_at": asked["asked_at"]} if asked.get("asked_at") and "call" not in which else {}
    return {"kind": "answer", "value": value, **which, **asked_at, "who": who}


def is_same(one: JsonObject, other: JsonObject) -> bool:
    """Whether two questions of records are the same one, and not a later one in its place."""
    return all(one.get(name) == other.get(name) for name in ("task", "into", "call", "asked_at"))
