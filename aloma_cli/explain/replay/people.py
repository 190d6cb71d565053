"""The answers of people in one task, for another one: a question that was answered there need not be asked again."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import field

from aloma_cli.document.pointer import pointer_of
from aloma_cli.jsontext import Json, JsonObject, dumps, show_path
from aloma_cli.record.events import Committed, Event
from aloma_cli.values import dataclass


@dataclass(slots=True)
class KnownPeople:
    """What people answered in a tree, by question; each answer is given once, in the order of the record."""

    _kept: defaultdict[str, deque[JsonObject]] = field(default_factory=lambda: defaultdict(deque))

    @classmethod
    def of(cls, events: Iterable[Event]) -> KnownPeople:
        people, asked = cls(), dict[tuple[str, str], JsonObject]()
        for event in events:
            if not isinstance(event, Committed):
                continue
            for place in event.answers if event.by == "person" else ():
                question = asked.get((event.task, place))
                if question is not None:
                    people._keep_answer(event, place, question)
            for question in event.asked:
                asked[event.task, show_path(tuple(question["into"]))] = question
        return people

    def take(self, question: JsonObject) -> JsonObject | None:
        """The request that answers an open question of a record as before; None if it was not asked so."""
        kept = self._kept[_question_key(question["into"], question)]
        return {"kind": "answer", "into": question["into"], **kept.popleft()} if kept else None

    def _keep_answer(self, event: Committed, place: str, question: JsonObject) -> None:
        pointer = pointer_of(question["into"])
        values = [change["value"] for change in event.changes if change["path"] == pointer and "value" in change]
        if values:
            user = {"user": event.who["user"]} if event.who and event.who.get("user") else {}
            answer = {"value": values[-1], "who": {"channel": "record", **user}}
            self._kept[_question_key(place, question)].append(answer)


def _question_key(place: Json, question: JsonObject) -> str:
    return dumps([place, question["question"], question.get("schema"), question.get("context")])
