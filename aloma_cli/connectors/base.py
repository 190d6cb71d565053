"""A connector: functions, each of which sends its requests to another system in one place, its `send`.

A step calls a function; the function makes its requests through `ask`, which the engine supplies. The engine records
each request with its answer, so that a repeated firing gets the recorded answer. A function's work on an answer
(checking it, asking once more) comes after that, and is simply repeated.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Literal, Protocol, TypeAlias

from aloma_cli.budget import Amount
from aloma_cli.document.diff import clean_copy
from aloma_cli.errors import ConnectorError, DocumentError, PermanentError
from aloma_cli.jsontext import Json, JsonError, JsonObject, dumps, loads
from aloma_cli.values import dataclass

Waiting: TypeAlias = Literal["queued", "waiting", "rate_limited", "streaming", "working"]
"""What a call waits for: a turn at its server, an answer, permission to try again, more of the answer, its own work."""


class Progress(Protocol):
    """Tells those who watch a run what a call waits for; called on the thread of the event loop, as often as needed."""

    def __call__(
        self,
        state: Waiting,
        *,
        seconds: float | None = None,
        attempt: int | None = None,
        tries: int | None = None,
        text: str | None = None,
    ) -> None:
        """The call is in `state` from now on.

        `seconds`: how long this wait takes at most: the time limit of a try, or the time until the next one. `attempt`
        of `tries` (from 1): the try that is under way or comes next. `text`: of `streaming` all of the answer so far;
        of `working` how far it is; of another state why there is a wait before the next try, such as `429`.
        """


def unwatched(state: Waiting, **details: Any) -> None:
    """A Progress that is not shown."""


async def keep_nothing(error: ConnectorError) -> None:
    """A `Call.unfinished` that records nothing."""


Log: TypeAlias = Callable[[str], None]


def log_nothing(line: str) -> None:
    """A Log that is not kept."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the outside, as the engine records it.

    `name` is `connector.function`; `arguments` are JSON and identify the call; `key` is sent as idempotency key if the
    other system supports one. `document` is the one that the firing started from. `progress` tells what it waits for.
    `unfinished` records a try of which a part of the answer came (the error's `answer`, `usage`, `about`), before
    another try is made (then the error is retryable) or the call is ended from outside. `log` writes a line to the log
    of the step. `fallback`: what answered the last call of the firing to the same model, as in `about` of that Answer.
    """

    name: str
    arguments: JsonObject
    key: str
    task: str
    step: str
    firing: int
    document: JsonObject
    progress: Progress = field(default=unwatched, repr=False, compare=False)
    unfinished: Callable[[ConnectorError], Awaitable[None]] = field(default=keep_nothing, repr=False, compare=False)
    log: Log = field(default=log_nothing, repr=False, compare=False)
    fallback: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call: `value` is JSON.

    `usage`: `input_tokens`, `output_tokens`; of these `cached_tokens` and `reasoning_tokens`, if any; `cost` in US
    dollars if the price is known; `estimated` if the tokens were not counted. `about`: who answered (`provider`,
    `model`, `simulated`, `entry`, …); `fallback` names a model of `fallbacks`, if that one did.
    """

    value: Json
    usage: JsonObject | None = None
    about: JsonObject | None = None


Effect: TypeAlias = Literal["read", "idempotent", "once"]
"""What a call does to the other system.

`read`: nothing. `idempotent`: the same if it is sent twice with one key. `once`: it must not be sent twice.
"""

EFFECTS: tuple[Effect, ...] = ("read", "idempotent", "once")


class Ask(Protocol):
    """Makes the recorded requests of one call of a function."""

    async def __call__(self, request: JsonObject) -> Json:
        """A request: takes the arguments of a Call, gives the `value` of its Answer."""

    async def call(self, name: str, function: Function, arguments: JsonObject) -> Any:
        """Call another function, `connector.function`, within the same firing: its requests are recorded as its own."""

    async def approve(self, question: str, call: str, arguments: JsonObject, *, needed: bool) -> bool:
        """Whether a person allows a call. The firing waits for the answer without a process.

        Where that is not `needed`, or the call was made already, no one is asked, but what a person said before counts.
        """


Send: TypeAlias = Callable[[Call], Awaitable[Answer]]
"""Sends one request, and raises ConnectorError if that fails."""


class Function(Protocol):
    """One function of a connector."""

    async def __call__(self, ask: Ask, /, *args: Any, **kwargs: Any) -> Any:
        """The function as steps call it; every request goes through `ask`."""

    async def send(self, call: Call) -> Answer:
        """Send one request. Raises ConnectorError if that fails."""

    async def ready(self, log: Log) -> None:  # noqa: ARG002  (for functions that must connect first)
        """Find out what `effect` must know; called before it, and not for a call that is answered from the record."""
        return

    def effect(self, arguments: JsonObject) -> Effect:  # noqa: ARG002  (for functions that do several things)
        """What a request with these arguments does to the other system."""
        return "once"

    def described(self, name: str) -> tuple[str, JsonObject] | None:
        """How a model sees this function, `name`, as a tool: a description, and the JSON Schema of its arguments.

        None where only another system knows: see `asked`. Raises PermanentError where it cannot be a tool.
        """
        raise PermanentError(f"connectors.{name} cannot be a tool")

    async def asked(self, ask: Ask) -> tuple[str, JsonObject]:  # noqa: ARG002  (for remote functions)
        """As `described`, from the other system; `ask` records its answer."""
        raise PermanentError("this function cannot be a tool")

    def for_model(self, result: Any) -> Any:
        """The result as a model gets it."""
        return result

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:  # noqa: ARG002  (for models)
        """What a request with these arguments is expected to take.

        `usual`: an upper bound of the tokens of most earlier answers to such requests; None if there are none.
        """
        return Amount(calls=1)


class Intercepted(Function):
    """A function with another `send`: a test, a replay and a dry run answer its requests in another way.

    `intercept`: applied to the functions that it calls itself.
    """

    def __init__(self, inner: Function) -> None:
        self.inner = inner
        self.intercept: Interceptor = _unchanged
        self.__signature__ = inspect.signature(inner)

    def __call__(self, ask: Ask, /, *args: Any, **kwargs: Any) -> Coroutine[Any, Any, Any]:
        return self.inner(ask, *args, **kwargs)

    async def send(self, call: Call) -> Answer:
        return await self.inner.send(call)

    async def ready(self, log: Log) -> None:
        await self.inner.ready(log)

    def effect(self, arguments: JsonObject) -> Effect:
        return self.inner.effect(arguments)

    def described(self, name: str) -> tuple[str, JsonObject] | None:
        return self.inner.described(name)

    async def asked(self, ask: Ask) -> tuple[str, JsonObject]:
        return await self.inner.asked(_InterceptedAsk(ask, self.intercept))

    def for_model(self, result: Any) -> Any:
        return self.inner.for_model(result)

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:
        return await self.inner.estimate(arguments, usual)


Interceptor: TypeAlias = Callable[[str, Function], Function]
"""Takes `connector.function` and its Function, and returns one with another `send`."""


def _unchanged(_name: str, function: Function) -> Function:
    return function


class AskThrough(Ask):
    """An Ask that passes to another one what a subclass does not change."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def __call__(self, request: JsonObject) -> Json:
        return await self._ask(request)

    async def call(self, name: str, function: Function, arguments: JsonObject) -> Any:
        return await self._ask.call(name, function, arguments)

    async def approve(self, question: str, call: str, arguments: JsonObject, *, needed: bool) -> bool:
        return await self._ask.approve(question, call, arguments, needed=needed)


class _InterceptedAsk(AskThrough):
    """Intercepts the functions which a connector calls itself."""

    def __init__(self, ask: Ask, intercept: Interceptor) -> None:
        super().__init__(ask)
        self._intercept = intercept

    async def call(self, name: str, function: Function, arguments: JsonObject) -> Any:
        return await super().call(name, self._intercept(name, function), arguments)


LIST = "tools/list"
"""The function by which a connector whose functions only another system knows asks for them."""

Connector: TypeAlias = Mapping[str, Function]
"""Functions by their names. One that only another system knows has `names(ask)`, which records the answer."""


class Connectors(Mapping[str, Connector]):
    """The connectors of a run: `connectors["openai"]["chat"]`. Close them at its end.

    `own`: intercepts functions that are in no connector: tools of a step, and questions to a person.
    """

    def __init__(
        self,
        table: Mapping[str, Connector],
        closers: Sequence[Callable[[], Awaitable[None]]] = (),
        own: Interceptor = _unchanged,
    ) -> None:
        self._table = dict(table)
        self._closers = tuple(closers)
        self.own = own

    def intercepted(self, intercept: Interceptor, *, own: bool) -> Connectors:
        """The same connectors, each function intercepted; with `own` also those that are in no connector."""
        table = {name: _InterceptedConnector(name, connector, intercept) for name, connector in self.items()}
        return Connectors(table, [self.aclose], intercept if own else self.own)

    def __getitem__(self, name: str) -> Connector:
        return self._table[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    async def aclose(self) -> None:
        """Close the open connections."""
        for close in self._closers:
            await close()


class _InterceptedConnector(Mapping[str, Function]):
    """A connector whose functions are intercepted."""

    def __init__(self, name: str, inner: Connector, intercept: Interceptor) -> None:
        self._name = name
        self._inner = inner
        self._intercept = intercept

    def __getitem__(self, name: str) -> Function:
        function = self._intercept(f"{self._name}.{name}", self._inner[name])
        if isinstance(function, Intercepted):
            function.intercept = self._intercept
        return function

    def __iter__(self) -> Iterator[str]:
        return iter(self._inner)

    def __len__(self) -> int:
        return len(self._inner)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return (lambda ask: found(_InterceptedAsk(ask, self._intercept))) if name == "names" else found


def plain(call: str, argument: str, value: object) -> Json:
    """`value` as the JSON that is recorded. Raises PermanentError, naming the argument, if it is not JSON."""
    try:
        return loads(dumps(clean_copy(value, (argument,))))
    except (DocumentError, JsonError) as error:
        raise PermanentError(
            f"connectors.{call}: the argument {argument} is not JSON, which a recorded call requires: {error}"
        ) from None


def is_retryable(status: int) -> bool:
    """Whether a request answered with this HTTP status may succeed later."""
    return status in {408, 409, 425, 429} or status >= 500
