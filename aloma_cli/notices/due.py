"""The notices that are due in a tree of tasks now."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.jsontext import JsonObject
from aloma_cli.record.states import STATES
from aloma_cli.record.summary import questions_of
from aloma_cli.record.tree import RESTED, Tree, asked_key
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Occasion:
    """A reason for a notice. `word`: one of `settings.WORDS`. `key` names it in the tree.

    `question`: as in the record of a task.
    """

    word: str
    task: str
    key: str
    question: JsonObject | None = None


def occasions(tree: Tree) -> Iterator[Occasion]:
    """All open questions of a tree, and how its root rests. `Tree.noticed` has which notices were sent."""
    for task in tree.tasks.values():
        if not task.closed:
            for asked in questions_of(task):
                yield Occasion("question", task.id, asked_key(task.id, asked["into"], asked.get("call")), asked)
    rest = tree.root.rest
    if rest is not None and (told := STATES[rest.state].told) is not None:
        yield Occasion(told, tree.root_id, RESTED)
