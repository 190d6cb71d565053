"""Which steps a task would begin with, and what their first calls would cost. No call is made, nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from functools import partial

from aloma_cli.api.fire import fire
from aloma_cli.api.workspace import Workspace
from aloma_cli.budget import Amount
from aloma_cli.connectors.base import LIST, Answer, Ask, Call, Connectors, Function, Intercepted, Log
from aloma_cli.content.step import Step
from aloma_cli.engine.plan import start_order
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import JsonObject
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Planned:
    """A call that a step would make. `amount`: what it is expected to take; its cost is None for an unknown price."""

    call: str
    model: str | None
    amount: Amount


@dataclass(frozen=True, slots=True)
class Beginning:
    """A step that fires first, with the calls that it makes before it needs an answer."""

    step: Step
    calls: list[Planned] = field(default_factory=list)


async def preview(home: Workspace, data: JsonObject) -> list[Beginning]:
    """The steps whose condition holds on `data`, in the order in which they start.

    Each runs up to its first calls. Raises as `fire`.
    """
    beginnings = []
    for step in home.steps.values():
        if step.enabled and step.condition.matches(data):
            planned: list[Planned] = []
            await fire(home, step, data, lambda _: None, intercept=partial(_counting, planned))
            beginnings.append(Beginning(step, planned))
    return sorted(beginnings, key=lambda beginning: start_order(beginning.step))


def _counting(planned: list[Planned], connectors: Connectors) -> Connectors:
    return connectors.intercepted(lambda _name, inner: _Counted(inner, planned.append), own=True)


class _Counted(Intercepted):
    """A function whose requests are counted, and refused."""

    def __init__(self, inner: Function, note: Callable[[Planned], None]) -> None:
        super().__init__(inner)
        self._note = note

    async def ready(self, log: Log) -> None:
        """Nothing connects."""

    async def asked(self, ask: Ask) -> tuple[str, JsonObject]:  # noqa: ARG002
        """Nothing is asked, so that the call of the model is reached."""
        return "", {"type": "object"}

    async def send(self, call: Call) -> Answer:
        if call.name.endswith(f".{LIST}"):
            return Answer([])
        amount = await self.inner.estimate(call.arguments, None)
        model = call.arguments.get("model")
        self._note(Planned(call.name, model if isinstance(model, str) else None, amount))
        raise ConnectorError("this is a dry run: no call is made")
