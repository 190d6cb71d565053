"""A workspace's own connectors: the public functions of `connectors/NAME.py`, or of any object."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

from aloma_cli.connectors.base import Answer, Ask, Call, Connector, Effect, Function, plain
from aloma_cli.connectors.chat.tools.signature import described
from aloma_cli.connectors.effects import effect_of
from aloma_cli.connectors.injected import called, injected, is_injected
from aloma_cli.document.diff import clean_copy
from aloma_cli.errors import ConnectorError, DocumentError, RetryableError
from aloma_cli.jsontext import Json, JsonError, JsonObject, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable


def module_connector(name: str, module: object) -> Connector:
    """The public functions that `module` defines, as the connector `name`; or the public methods of an object.

    Arguments and results must be JSON, because calls are recorded. A function gets by the names of its parameters:
    `idempotency_key`, the key of the call, the same when a call is sent again after a crash; `call`, a CallHandle.
    Raises PermanentError for an invalid `effect` of a function.
    """
    public = ((attribute, getattr(module, attribute)) for attribute in dir(module) if not attribute.startswith("_"))
    return {
        attribute: ModuleFunction(f"{name}.{attribute}", value)
        for attribute, value in public
        if callable(value) and not isinstance(value, type) and not _is_imported(value, module)
    }


def _is_imported(function: object, module: object) -> bool:
    return isinstance(module, ModuleType) and getattr(function, "__module__", None) != module.__name__


class ModuleFunction(Function):
    """One function; a plain `def` runs in a thread."""

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        self._name = name
        self._function = function
        signature = inspect.signature(function)
        self._parameters = signature.parameters
        self._effect = effect_of(function, signature)
        self._signature = signature.replace(
            parameters=[parameter for parameter in signature.parameters.values() if not is_injected(parameter)]
        )

    async def __call__(self, ask: Ask, /, *args: Any, **kwargs: Any) -> Json:
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"connectors.{self._name}: {error}") from None
        return await ask({argument: plain(self._name, argument, value) for argument, value in bound.arguments.items()})

    def effect(self, arguments: JsonObject) -> Effect:  # noqa: ARG002  (one for all)
        return self._effect

    def described(self, name: str) -> tuple[str, JsonObject]:
        return described(self._function, f"connectors.{name}")[:2]

    async def send(self, call: Call) -> Answer:
        """The function's result. Raises its ConnectorError; any other exception becomes the cause of one."""
        try:
            value = await self._run_function(call)
        except ConnectorError:
            raise
        except Exception as error:
            raise ConnectorError(
                f"connectors.{self._name} failed: {type(error).__name__}: {error}",
                retryable=isinstance(error, RetryableError),
            ) from error
        try:
            return Answer(loads(dumps(clean_copy(value, ("it",)))))
        except (DocumentError, JsonError) as error:
            raise ConnectorError(
                f"connectors.{self._name} returned a value that is not JSON, which a recorded call requires: {error}"
            ) from None

    async def _run_function(self, call: Call) -> Any:
        bound = self._signature.bind_partial()
        bound.arguments = dict(call.arguments)
        kwargs = bound.kwargs | injected(self._parameters, call)
        return await called(self._function, self._name, *bound.args, **kwargs)
