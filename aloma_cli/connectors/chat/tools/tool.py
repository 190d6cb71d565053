"""One tool, as a model sees it and as it is called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from aloma_cli.condition import Condition, compile_condition
from aloma_cli.connectors.base import Ask, AskThrough, Function
from aloma_cli.connectors.chat.tools.plain import plain_function
from aloma_cli.errors import PermanentError, did_you_mean
from aloma_cli.jsontext import JsonObject
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.connectors.base import Effect

Approve: TypeAlias = bool | Callable[[JsonObject], Any] | JsonObject
"""Whether a person must allow a call: always, or by its arguments: a function of them, or a condition on them."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call.

    `name`, `description` and `schema` (of the arguments, a JSON Schema of an object) are for the model; without a
    `schema`, `known` asks for it. `call` is the name on record, `connector.function`. `function` makes the call: it is
    called with the arguments by name, and its `for_model` turns the result into text for the model. `approve`: whether
    a person must allow a call first, as `tool` got it; a condition is compiled.
    """

    name: str
    description: str
    schema: JsonObject | None
    call: str
    function: Function
    approve: bool | Callable[[JsonObject], Any] | Condition = False

    @property
    def definition(self) -> JsonObject:
        """As the `tools` of a request hold it."""
        told = {"name": self.name, "description": self.description, "parameters": self.schema}
        return {"type": "function", "function": told}

    @classmethod
    def of(cls, call: str, function: Function) -> Tool:
        """A connector's function as a tool. Raises PermanentError for one that cannot be a tool."""
        description, schema = function.described(call) or ("", None)
        return cls(re.sub(r"[^A-Za-z0-9_-]", "_", call)[:64], description, schema, call, function)

    async def known(self, ask: Ask) -> Tool:
        """This tool with its schema, which another system may have to be asked for."""
        if self.schema is not None:
            return self
        description, schema = await self.function.asked(ask)
        return replace(self, description=self.description or description, schema=schema)

    async def asks(self, arguments: JsonObject) -> bool:
        """Whether a person must allow a call with these arguments; those left out have their defaults."""
        approve = self.approve
        if isinstance(approve, bool):
            return approve
        named = self._parameters.items()
        given = {name: one["default"] for name, one in named if isinstance(one, dict) and "default" in one} | arguments
        verdict = approve.matches(given) if isinstance(approve, Condition) else approve(given)
        return bool(await verdict if inspect.isawaitable(verdict) else verdict)

    @property
    def _parameters(self) -> JsonObject:
        named = (self.schema or {}).get("properties")
        return named if isinstance(named, dict) else {}  # another system's schema may be anything

    def check(self) -> None:
        """Raise PermanentError where `approve` is a condition on an argument that it does not have."""
        named = self._parameters
        has_more = (self.schema or {}).get("additionalProperties", not named)
        paths = self.approve.paths if isinstance(self.approve, Condition) and not has_more else ()
        for wrong in sorted({path[0] for path in paths if path and path[0] not in named}):
            hint = did_you_mean(wrong, named) or f"its arguments are: {', '.join(named) or 'none'}"
            raise PermanentError(f"`approve` of {self.name}: the tool has no argument {wrong!r}", hint=hint)


def tool(
    function: Any,
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect | None = None,
    approve: Approve = False,
) -> Tool:
    """A tool made of a function, of a connector's function or of another tool, with other words or under approval.

    `effect`: of a plain function, instead of what it declares. Raises PermanentError for anything else, and
    ConditionError for an `approve` that is not a valid condition.
    """
    made = _made(function, effect)
    if name is not None and not _NAME.fullmatch(name):
        raise PermanentError(f"{name!r} is not a name for a tool", hint="use letters, digits, _ and -, at most 64")
    if not (isinstance(approve, bool | dict) or callable(approve)):
        raise PermanentError(f"`approve` of {made.name} must be True, a condition or a function, got {approve!r}")
    words = made.description if description is None else description
    rule = compile_condition(approve, name="approve") if isinstance(approve, dict) else approve
    return replace(made, name=name or made.name, description=words, approve=rule or made.approve)


def _made(function: Any, effect: Effect | None) -> Tool:
    if not isinstance(function, Tool) and not hasattr(function, "as_tool"):
        called = plain_function(function, effect)
        return Tool(called.name, called.description, called.schema, f"tool.{called.name}", called)
    if effect is not None:
        raise PermanentError("a connector's function declares its effect itself", hint='use `@effect("read")` there')
    made: Tool = function if isinstance(function, Tool) else function.as_tool()
    return made


async def as_tools(given: Sequence[Any], ask: Ask) -> dict[str, Tool]:
    """The tools of a call by their names. A connector stands for all its functions.

    Raises PermanentError for what is not a tool, for two of one name, and as `Tool.check`.
    """
    tools: dict[str, Tool] = {}
    ask = _AskOnce(ask)
    for one in await _single(given, ask):
        made = await (one if isinstance(one, Tool) else tool(one)).known(ask)
        if made.name in tools:
            raise PermanentError(f"two tools are called {made.name}", hint="use tool(function, name=…)")
        made.check()
        tools[made.name] = made
    return tools


class _AskOnce(AskThrough):
    """An Ask for descriptions: tools of one server share one list."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask)
        self._told: dict[str, Any] = {}

    async def call(self, name: str, function: Function, arguments: JsonObject) -> Any:
        if name not in self._told:
            self._told[name] = await super().call(name, function, arguments)
        return self._told[name]


async def _single(given: Sequence[Any], ask: Ask) -> list[Any]:
    parts = [await one.as_tools(ask) if hasattr(type(one), "as_tools") else [one] for one in given]
    return [tool for part in parts for tool in part]
