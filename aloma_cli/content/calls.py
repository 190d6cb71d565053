"""Connector calls of one firing, recorded: an answered call is never sent, or paid, again.

The identity of a call is its function, its arguments and the number of equal calls that the firing made before it. A
firing repeated after a void or a crash makes the same calls, and gets the recorded answers.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import field, replace
from functools import partial
from typing import Any, NoReturn

from aloma_cli.budget import Amount
from aloma_cli.clock import to_iso
from aloma_cli.connectors.base import Answer, Ask, Call, Effect, Function, Interceptor
from aloma_cli.content.cancellation import Queued
from aloma_cli.content.host import Host
from aloma_cli.content.job import Effects, Job
from aloma_cli.content.lost import unwatched
from aloma_cli.content.misuse import misuse
from aloma_cli.content.progress import Watched
from aloma_cli.content.reservation import Reservation
from aloma_cli.document.diff import clean_copy
from aloma_cli.errors import (
    AnswerError,
    ConnectorError,
    KeyRefusedError,
    PermanentError,
    StepLimited,
    StepUnsettled,
    StoreError,
    TruncatedAnswerError,
)
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.record.counts import sound_usage
from aloma_cli.record.events import CallAnswered, CallProgress, CallSent, Logged
from aloma_cli.record.figures import is_own
from aloma_cli.record.tree import ASKS
from aloma_cli.values import dataclass


@dataclass(slots=True)
class Calls:
    """The calls of one run of one firing.

    `own`: as in Connectors. `written`: what its step has written and asked for so far.
    """

    job: Job
    host: Host
    effects: Effects
    queued: Queued
    own: Interceptor
    written: Callable[[], object] = lambda: None
    refused: StepLimited | None = None
    _made: Counter[str] = field(default_factory=Counter)
    _fallbacks: dict[str, str | None] = field(default_factory=dict)
    """The fallback that answered last, by the model that was asked for: the one that is asked first from then on."""

    async def make(self, name: str, function: Function, /, *arguments: Any, **options: Any) -> Any:
        """Call one function (`connector.function`); each of its requests is sent, or answered from the record."""
        asking = _Asking(self, name, function)
        try:
            return await _called(name, function, asking, arguments, options)
        except AnswerError as error:
            error.misfits = tuple(asking.keys)
            raise

    async def ask(self, name: str, function: Function, request: JsonObject, keys: list[str]) -> Json:
        """The answer to one request of a function; its key is added to `keys`."""
        # Another model is another call: the answer of the model before is not used for it.
        if request.get("model") in self.job.models:
            request = {**request, "model": self.job.models[request["model"]]}
        key = self._key(name, request)
        keys.append(key)
        recorded = self.job.calls.get(key)
        if recorded is not None:
            self._remember(request, recorded)
            return self._replay(recorded)
        return await self._send(name, function, request, key)

    def is_answered(self, name: str, request: JsonObject) -> bool:
        """Whether the next call with this request is answered from the record."""
        digest = _digest(name, request)
        return f"{digest}.{self._made[digest] + 1}" in self.job.calls

    def _key(self, name: str, arguments: JsonObject) -> str:
        digest = _digest(name, arguments)
        self._made[digest] += 1
        self.effects.called = True
        return f"{digest}.{self._made[digest]}"

    def _replay(self, recorded: CallAnswered) -> Json:
        at = to_iso(self.host.clock.now())
        self.host.note(replace(recorded, at=at, firing=self.job.firing, replayed=True))
        if recorded.error is not None:
            _raise_again(recorded.error)
        return clean_copy(recorded.answer)

    def _fallback(self, request: JsonObject) -> str | None:
        return self._fallbacks.get(model) if isinstance(model := request.get("model"), str) else None

    def _remember(self, request: JsonObject, recorded: CallAnswered) -> None:
        if recorded.error is None and isinstance(model := request.get("model"), str):
            self._fallbacks[model] = (recorded.about or {}).get("fallback")

    async def _send(self, name: str, function: Function, arguments: JsonObject, key: str) -> Json:
        try:
            waits = partial(self._wait_for_room, name, key)
            async with Reservation(self.host, function, self.job.step, arguments, waits) as room:
                return await self._carry_out(name, function, arguments, key, room)
        except StepLimited as refusal:
            # Kept for a step that catches everything: what it returns after this is void.
            self.refused = refusal
            raise

    def _wait_for_room(self, name: str, key: str) -> None:
        """Tell the views that a call waits until others have left room within the limits."""
        job, at = self.job, to_iso(self.host.clock.now())
        self.host.note(
            CallProgress(
                at=at,
                task=job.task,
                firing=job.firing,
                step=job.step,
                call=name,
                key=key,
                state="queued",
                text="room within the limits",
            )
        )

    async def _carry_out(
        self, name: str, function: Function, arguments: JsonObject, key: str, room: Reservation
    ) -> Json:
        job = self.job
        await function.ready(self.log)
        sent = self._sent(name, key, function.effect(arguments), arguments)
        if sent.effect == "read":
            self.host.note(sent)
        else:  # before it leaves, so that a `once` call is never sent twice
            await self.host.keep(sent)
        with Watched(self.host, sent, self.queued) as progress:
            call = Call(
                name,
                arguments,
                f"{job.task}-{job.firing}-{key}",
                job.task,
                job.step,
                job.firing,
                job.base,
                progress,
                lambda error: self._keep_try(call, key, progress.seconds, error, room),
                self.log,
                self._fallback(arguments),
            )
            answer = await self._answer(function, call, sent, progress)
            # The recorded answer, not the received one: a repeated firing must get the same.
            recorded = await self._record(call, key, progress.seconds, answer)
        self._remember(arguments, recorded)
        return clean_copy(recorded.answer)

    def _sent(self, name: str, key: str, effect: Effect, arguments: JsonObject) -> CallSent:
        return CallSent(
            at=to_iso(self.host.clock.now()),
            task=self.job.task,
            firing=self.job.firing,
            step=self.job.step,
            call=name,
            key=key,
            effect=effect,
            # Other calls are made again with the same arguments, and need not have them twice on record.
            arguments=arguments if effect == "once" else None,
        )

    async def _answer(self, function: Function, call: Call, sent: CallSent, progress: Watched) -> Answer:
        try:
            with unwatched():  # a connector's own tasks are not the step's
                return await function.send(call)
        except ConnectorError as error:
            if error.unanswered and sent.effect == "once":
                self.log(str(error), "warning")
                raise StepUnsettled(str(error)) from error
            await self._fail(call, sent.key, progress.seconds, error)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  (the call may have to be paid for even so)
            failed = ConnectorError(f"connectors.{call.name} failed: {type(error).__name__}: {error}")
            failed.__cause__ = error
            await self._fail(call, sent.key, progress.seconds, failed)

    def log(self, line: str, level: str = "info") -> None:
        job, at = self.job, to_iso(self.host.clock.now())
        self.host.note(Logged(at=at, task=job.task, firing=job.firing, step=job.step, level=level, text=line))

    async def _keep_try(self, call: Call, key: str, seconds: float, error: ConnectorError, room: Reservation) -> None:
        """Record a try of which a part of the answer came; if another one follows, reserve room for it. Raises
        StepLimited.
        """
        failed = {**_describe(error), "again": True}
        await self._record(call, key, seconds, Answer(error.answer, error.usage, error.about), error=failed)
        if error.retryable:
            await room.renew()

    async def _fail(self, call: Call, key: str, seconds: float, error: ConnectorError) -> NoReturn:
        """Record a call that failed, with any answer it got, and raise its error as recorded."""
        failed = _describe(error)
        recorded = await self._record(call, key, seconds, Answer(error.answer, error.usage, error.about), error=failed)
        if recorded.error is not None and recorded.error != failed:
            _raise_again(recorded.error)
        raise error

    async def _record(
        self, call: Call, key: str, seconds: float, answer: Answer, *, error: JsonObject | None = None
    ) -> CallAnswered:
        return await self.host.keep(
            CallAnswered(
                at=to_iso(self.host.clock.now()),
                task=call.task,
                firing=call.firing,
                step=call.step,
                call=call.name,
                key=key,
                arguments=call.arguments,
                answer=answer.value,
                error=error,
                usage=sound_usage(answer.usage),
                about=answer.about,
                seconds=round(seconds, 6),
            )
        )


class _Asking:
    """The Ask of one call of a function; `keys` are those of its requests."""

    def __init__(self, calls: Calls, name: str, function: Function) -> None:
        self._calls = calls
        self._name = name
        self._function = function
        self.keys: list[str] = []

    async def __call__(self, request: JsonObject) -> Json:
        return await self._calls.ask(self._name, self._function, request, self.keys)

    async def call(self, name: str, function: Function, arguments: JsonObject) -> Any:
        before = self._calls.written()
        try:
            intercepted = self._calls.own(name, function) if is_own(name) else function
            return await self._calls.make(name, intercepted, **arguments)
        finally:
            if self._calls.written() != before:
                self._calls.log(
                    f"data or task was changed while {name} ran, and a repeated firing does not run it again: "
                    "return the value from the tool, and write it after chat",
                    "warning",
                )

    async def approve(self, question: str, call: str, arguments: JsonObject, *, needed: bool) -> bool:
        asked = {"question": question, "schema": {"type": "boolean"}, "call": call, "arguments": arguments}
        # The author may have changed what needs approval since a person was asked, or since the call was made.
        is_asked = needed and not self._calls.is_answered(call, arguments)
        if not is_asked and not self._calls.is_answered(ASKS, asked):
            return True
        return await self._calls.make(ASKS, self._calls.own(ASKS, _PERSON), **asked) is True


class _Person(Function):
    """Asks a person. The answer comes from outside, so that the firing stops here until it is on record."""

    async def __call__(self, ask: Ask, /, **question: Any) -> Json:
        return await ask(question)

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:  # noqa: ARG002  (it costs nothing)
        return Amount()

    async def send(self, call: Call) -> Answer:
        raise StepUnsettled(f"a person is asked: {call.arguments['question']}")


_PERSON = _Person()


def _called(
    name: str, function: Function, ask: Ask, arguments: tuple[Any, ...], options: dict[str, Any]
) -> Coroutine[Any, Any, Any]:
    """The call, to be awaited. Raises PermanentError for invalid arguments."""
    try:
        return function(ask, *arguments, **options)
    except TypeError as error:
        problem, hint = misuse(function, arguments, options)
        raise PermanentError(f"connectors.{name} {problem or error}", hint=hint) from None


def _digest(name: str, arguments: JsonObject) -> str:
    text = json.dumps([name, arguments], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _describe(error: ConnectorError) -> JsonObject:
    described: JsonObject = {"type": type(error).__name__, "message": str(error), "retryable": error.retryable}
    if error.status is not None:
        described["status"] = error.status
    if error.hint is not None:
        described["hint"] = error.hint
    return described


def _raise_again(error: JsonObject) -> NoReturn:
    kind = _KINDS.get(error["type"], ConnectorError)
    raise kind(error["message"], retryable=error["retryable"], status=error.get("status"), hint=error.get("hint"))


_KINDS = {kind.__name__: kind for kind in (ConnectorError, KeyRefusedError, AnswerError, TruncatedAnswerError)}
"""The errors that a record can name; a connector's own kind is raised again as a ConnectorError."""
