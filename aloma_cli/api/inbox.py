"""The open questions of a workspace, and the requests that answer them."""

from __future__ import annotations

from collections.abc import Callable
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
    found = [
        {**asked, "name": record["name"], "root": record["id"], "tags": record["tags"]}
        for [record] in home.records(unreadable=unreadable)
        if not record["closed"] and (only is None or only in record["tags"])
        for asked in record["questions"]
    ]
    return sorted(found, key=lambda asked: (asked.get("until") or _NEVER, asked.get("asked_at") or "", asked["task"]))


def answer_to(asked: JsonObject, value: Json, who: JsonObject) -> JsonObject:
    """The request that answers an open question of a record, and no later one in its place."""
    which = {name: asked[name] for name in ("into", "call") if asked.get(name) is not None}
    asked_at = {"asked_at": asked["asked_at"]} if asked.get("asked_at") and "call" not in which else {}
    return {"kind": "answer", "value": value, **which, **asked_at, "who": who}


def is_same(one: JsonObject, other: JsonObject) -> bool:
    """Whether two questions of records are the same one, and not a later one in its place."""
    return all(one.get(name) == other.get(name) for name in ("task", "into", "call", "asked_at"))
