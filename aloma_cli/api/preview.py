"""Which steps a task would begin with, and what their first calls would cost. No call is made, nothing is recorded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aloma_cli.api.workspace import Workspace
from aloma_cli.budget import Amount
from aloma_cli.connectors.base import Answer, Ask, Call, Connectors, Function
from aloma_cli.content.step import Step
from aloma_cli.engine.plan import start_order
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import JsonObject


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

    Each runs up to its first calls. Raises as `Workspace.fire`.
    """
    beginnings = []
    for step in home.steps.values():
        if step.enabled and step.condition.matches(data):
            planned: list[Planned] = []
            await home.fire(step, data, border=partial(_counting, planned))
            beginnings.append(Beginning(step, planned))
    return sorted(beginnings, key=lambda beginning: start_order(beginning.step))


def _counting(planned: list[Planned], connectors: Connectors) -> Connectors:
    table = {
        name: {function: _Counted(inner, planned.append) for function, inner in functions.items()}
        for name, functions in connectors.items()
    }
    return Connectors(table, [connectors.aclose])


class _Counted(Function):
    """A function whose requests are counted, and refused."""

    def __init__(self, inner: Function, note: Callable[[Planned], None]) -> None:
        self._inner = inner
        self._note = note
        self.__signature__ = inspect.signature(inner)

    def __call__(self, ask: Ask, /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        return self._inner(ask, *args, **kwargs)

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:
        return await self._inner.estimate(arguments, usual)

    async def send(self, call: Call) -> Answer:
        amount = await self._inner.estimate(call.arguments, None)
        model = call.arguments.get("model")
        self._note(Planned(call.name, model if isinstance(model, str) else None, amount))
        raise ConnectorError("this is a dry run: no call is made")
