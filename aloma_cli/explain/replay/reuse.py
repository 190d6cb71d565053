"""The answers of one task, for another one: a call that was answered there is not made again."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import field

from aloma_cli.budget import Amount
from aloma_cli.connectors.base import Answer, Call, Connectors, Function, Intercepted
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import CallAnswered, Event
from aloma_cli.values import dataclass

REUSED = "reused"
"""In `about` of a call: the task that it was answered in."""


@dataclass(slots=True)
class KnownAnswers:
    """The answers of the tree `root` by what was asked; each is given once. `given`: how many were."""

    root: str
    given: int = 0
    _kept: defaultdict[str, deque[CallAnswered]] = field(default_factory=lambda: defaultdict(deque))

    @classmethod
    def of(cls, root: str, events: Iterable[Event]) -> KnownAnswers:
        answers = cls(root)
        for event in events:
            if isinstance(event, CallAnswered) and event.error is None:
                answers._kept[answers._call_key(event.step, event.call, event.arguments)].append(event)
        return answers

    def take(self, call: Call) -> Answer | None:
        """The answer to the same call of the same step; None if there is none left. It costs nothing."""
        key = self._call_key(call.step, call.name, call.arguments, call.task.partition(".")[0])
        if not self._kept[key]:
            return None
        self.given += 1
        kept = self._kept[key].popleft()
        return Answer(kept.answer, None, {**(kept.about or {}), REUSED: self.root})

    def intercept(self, connectors: Connectors) -> Connectors:
        """The same connectors, with recorded calls answered from the record."""
        return connectors.intercepted(lambda name, function: Reused(name, function, self), own=True)

    def _call_key(self, step: str, call: str, arguments: JsonObject, root: str | None = None) -> str:
        # The id of a task may be part of a prompt, and a copy has another one.
        text = json.dumps([step, call, arguments], sort_keys=True)
        return text.replace(root or self.root, "ROOT")

    def may_have(self, call: str, arguments: JsonObject) -> bool:
        """Whether a call with these arguments, by any step, may be answered."""
        wanted = json.dumps([call, arguments], sort_keys=True)[1:]
        return any(kept and key.endswith(wanted) for key, kept in self._kept.items())


class Reused(Intercepted):
    """A function, answered from another task where that was asked the same."""

    def __init__(self, name: str, function: Function, answers: KnownAnswers) -> None:
        super().__init__(function)
        self._name = name
        self._answers = answers

    async def send(self, call: Call) -> Answer:
        return self._answers.take(call) or await self.inner.send(call)

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:
        if self._answers.may_have(self._name, arguments):
            return Amount(calls=1)
        return await self.inner.estimate(arguments, usual)
