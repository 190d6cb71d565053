"""The model servers of a run: a call goes to the server in the name of its model, then to the fallbacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import NamedTuple, TypeVar

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.finish import broke_off, was_refused
from aloma_cli.connectors.chat.server import ChatServer
from aloma_cli.connectors.settings import ALL, ModelSettings
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import Json, JsonObject, cut

OUTAGE = 60.0
"""Seconds for which a server that could not be used is passed over, where another one can answer."""

_Ended = TypeVar("_Ended", Answer, ConnectorError)


class Target(NamedTuple):
    """A model and its server. `server`: its name among `ModelSettings.servers`; None is the one of the run."""

    server: str | None
    model: str

    @property
    def name(self) -> str:
        return self.model if self.server is None else f"{self.server}/{self.model}"


class _Outage(NamedTuple):
    """`until`: when the target is asked again, by the monotonic clock."""

    until: float
    reason: str


class Router:
    """The servers that `settings` name; each is opened by `open_server`, at its first call."""

    def __init__(self, settings: ModelSettings, open_server: Callable[[ModelSettings], ChatServer]) -> None:
        self._settings = settings
        self._open = open_server
        self._servers: dict[str | None, ChatServer] = {}
        self._down: dict[Target, _Outage] = {}

    async def send(self, call: Call) -> Answer:
        """The answer of the first server that can give one; its `about` names those that could not (`instead_of`)."""
        first, *others = targets(self._settings, call.arguments["model"])
        *route, last = sorted((first, *others), key=lambda target: target.name != call.fallback or target == first)
        failed = _Failed(first)
        for target in route:
            answer = await self._answer_of(_for(target, first, call), target, failed)
            if answer is not None:
                return failed.before(answer, target)
        try:
            return failed.before(await self._send_to(_for(last, first, call), last), last)
        except ConnectorError as error:
            raise failed.before(error) from error.__cause__

    async def _answer_of(self, call: Call, target: Target, failed: _Failed) -> Answer | None:
        """The answer of one server; None, with a word in the log, if another one is to be asked."""
        outage = self._down.get(target)
        if outage is not None and outage.until > monotonic():
            skipped: JsonObject = {"server": self._server(target.server).name, "model": target.model}
            failed.add(skipped, f"skipped, because the previous call failed: {outage.reason}", None)
            return None
        try:
            answer = await self._send_to(call, target)
        except ConnectorError as error:
            if not error.elsewhere:
                raise failed.before(error) from error.__cause__
            if error.retryable:
                self._down[target] = _Outage(monotonic() + OUTAGE, str(error))
            kept = await _is_kept(call, error)
            reason, about, usage = str(error), error.about, None if kept else error.usage
        else:
            refusal = _no_answer(answer.value)
            if refusal is None:
                return answer
            reason, about, usage = f"{target.model} {refusal}", answer.about, answer.usage
        failed.add(about, reason, usage)
        call.log(f"trying another model: {reason}")
        return None

    async def price(self, asked: str, input_tokens: int, output_tokens: int) -> float | None:
        """As `chat.Price`."""
        target = targets(self._settings, asked)[0]
        return await self._server(target.server).price(target.model, input_tokens, output_tokens)

    async def aclose(self) -> None:
        """Close the connections of all servers."""
        for server in self._servers.values():
            await server.aclose()

    async def _send_to(self, call: Call, target: Target) -> Answer:
        server = self._server(target.server)
        try:
            answer = await server.send(call, target.model)
        except ConnectorError as error:
            error.about = {"server": server.name, **(error.about or {})}
            raise
        return Answer(answer.value, answer.usage, {"server": server.name, **(answer.about or {})})

    def _server(self, name: str | None) -> ChatServer:
        if name not in self._servers:
            self._servers[name] = self._open(self._settings if name is None else self._settings.servers[name])
        return self._servers[name]


def targets(settings: ModelSettings, asked: str) -> list[Target]:
    """Where to send a call for the model that a step names `asked`: first, and in order where that cannot answer."""
    first = settings.model or settings.models.get(asked, asked)
    named = (settings.fallbacks.get(name) for name in (asked, first, ALL))
    others = next((found for found in named if found is not None), ())
    names = (first, *(settings.models.get(name, name) for name in others))
    return list(dict.fromkeys(_target(settings, name) for name in names))


def _for(target: Target, first: Target, call: Call) -> Call:
    """The call for a target: headers and parameters were given for the first server, and may hold a key of it."""
    if target.server == first.server:
        return call
    return replace(call, arguments={name: value for name, value in call.arguments.items() if name not in _PRIVATE})


_PRIVATE = ("extra_headers", "extra_query")


def _target(settings: ModelSettings, name: str) -> Target:
    server, slash, model = name.partition("/")
    if not slash or server not in settings.servers:
        return Target(None, name)
    return Target(None if server == settings.name else server, model)


async def _is_kept(call: Call, error: ConnectorError) -> bool:
    """Record the part of an answer that came as a call of its own, and return whether anything came."""
    match error.answer:
        case {"choices": [{"message": dict()}, *_]}:
            await call.unfinished(error)
            return True
    return False


class _Failed:
    """The servers that could not answer a call, and what their tries took."""

    def __init__(self, first: Target) -> None:
        self._first = first
        self._targets: list[JsonObject] = []
        self._usage: JsonObject | None = None

    def add(self, about: Json, reason: str, usage: JsonObject | None) -> None:
        named = {name: value for name, value in (about or {}).items() if name in ("server", "model")}
        self._targets.append({**named, "error": cut(reason, 300)})
        self._usage = _sum(self._usage, usage)

    def before(self, ended: _Ended, target: Target | None = None) -> _Ended:
        """`ended`, with what came before it. `target`: who answered."""
        told: JsonObject = {"instead_of": self._targets} if self._targets else {}
        if target is not None and target != self._first:
            told["fallback"] = target.name
        if not told:
            return ended
        usage, about = _sum(self._usage, ended.usage), {**(ended.about or {}), **told}
        if isinstance(ended, ConnectorError):
            ended.usage, ended.about = usage, about
            return ended
        return Answer(ended.value, usage, about)


def _sum(one: JsonObject | None, other: JsonObject | None) -> JsonObject | None:
    """Two usages as one. The cost is unknown if that of either is."""
    if not one or not other:
        return one or other
    added = {name: (one.get(name) or 0) + (other.get(name) or 0) for name in _COUNTS if name in one or name in other}
    cost = {"cost": one["cost"] + other["cost"]} if "cost" in one and "cost" in other else {}
    estimated = {"estimated": True} if one.get("estimated") or other.get("estimated") else {}
    return {**added, **cost, **estimated}


_COUNTS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")


def _no_answer(value: Json) -> str | None:
    """Why a chat completion is not an answer; None if it is one, or something else."""
    match value:
        case {"choices": [choice, *_]} if was_refused(choice):
            return "refused to answer"
        case {"choices": [choice, *_]} if broke_off(choice):
            return "broke off its answer"
    return None
