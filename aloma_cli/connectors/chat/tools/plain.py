"""A plain Python function as a tool: its calls are recorded like those of a connector."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from aloma_cli.budget import Amount
from aloma_cli.connectors.base import Answer, Ask, Call, Effect, Function
from aloma_cli.connectors.chat.tools.signature import described, from_json, to_json
from aloma_cli.connectors.effects import declared_effect
from aloma_cli.connectors.injected import called, injected
from aloma_cli.document.diff import clean_copy
from aloma_cli.errors import ConnectorError, DocumentError, PermanentError, RetryableError
from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, dumps, loads


class PlainFunction(Function):
    """One function; a plain `def` runs in a thread.

    Unless it declares another effect it is run again when it was interrupted, like the code of the step itself.
    """

    def __init__(self, function: Callable[..., Any], effect: Effect | None) -> None:
        self.name: str = getattr(function, "__name__", "")
        self._function = function
        self.description, self.schema, self._kinds = described(function, self.name)
        self._parameters = inspect.signature(function).parameters
        self._effect = effect or declared_effect(function) or "idempotent"

    async def __call__(self, ask: Ask, /, **arguments: Any) -> Json:
        return await ask(arguments)

    def effect(self, arguments: JsonObject) -> Effect:  # noqa: ARG002  (one for all)
        return self._effect

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:  # noqa: ARG002  (for models)
        """Nothing: what it calls itself waits for room, and must not wait for the room that this call holds."""
        return Amount()

    async def send(self, call: Call) -> Answer:
        """The function's result as JSON. Raises ConnectorError for whatever the function raises."""
        try:
            return Answer(loads(dumps(clean_copy(to_json(await self._call_function(call)), ("it",)))))
        except ConnectorError:
            raise
        except (DocumentError, JsonError) as error:
            raise ConnectorError(f"{self.name} returned a value that is not JSON: {error}") from None
        except Exception as error:
            message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise ConnectorError(cut(message, 2000), retryable=isinstance(error, RetryableError)) from error

    async def _call_function(self, call: Call) -> Any:
        arguments = {name: from_json(self._kinds[name], value) for name, value in call.arguments.items()}
        return await called(self._function, self.name, **arguments, **injected(self._parameters, call))


def plain_function(function: Any, effect: Effect | None = None) -> PlainFunction:
    """`function` as one that can be recorded. Raises PermanentError where it cannot."""
    if not callable(function) or inspect.isclass(function):
        raise PermanentError(
            f"{cut(repr(function), 100)} is not a tool",
            hint="give a function, a connector's function (connectors.NAME.function), or tool(…)",
        )
    if not getattr(function, "__name__", "").isidentifier():
        raise PermanentError(f"{cut(repr(function), 100)} has no name that a model could call", hint="use `def`")
    return PlainFunction(function, effect)
