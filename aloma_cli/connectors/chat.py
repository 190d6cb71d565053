"""`connectors.openai.chat`: ask a model, check what comes back, ask once more when it does not fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from aloma_cli.connectors.base import Answer, Ask, Call, Send, plain
from aloma_cli.connectors.completion import Completion, View, content_of
from aloma_cli.connectors.reading import complaints, read_object
from aloma_cli.connectors.shape import Shape, to_schema
from aloma_cli.errors import AnswerError, PermanentError, TruncatedAnswerError
from aloma_cli.jsontext import JsonObject, cut

if TYPE_CHECKING:
    import asyncio

NAME = "openai.chat"

Check: TypeAlias = Callable[[Any], Any]
"""An author's quality gate on `answer.data`: it says no by False, by a text with the reason, or by a ValueError."""


Price: TypeAlias = Callable[[str, int, int], float | None]
"""The price of a call in US dollars, by the model that is asked for, input and output tokens; None if unknown."""


class Chat:
    """The function `chat`. `send` carries one request to a model server, or to what stands in for one."""

    def __init__(self, send: Send, *, concurrency: int, price: Price = lambda *_: None) -> None:
        self._send = send
        self._price = price
        self._concurrency = concurrency
        self._slots: asyncio.Semaphore | None = None

    async def __call__(
        self,
        ask: Ask,
        /,
        *,
        messages: Sequence[Any],
        model: str = "default",
        shape: Shape = None,
        check: Check | None = None,
        **options: Any,
    ) -> Completion:
        """The answer to `messages`; its `data` has the `shape` and passed the `check`.

        `options` are sent as they are (`temperature`, `max_tokens`, …), but for `timeout`, in seconds. Raises
        AnswerError when the second answer does not fit either, TruncatedAnswerError when an answer with a shape was
        cut at the limit of tokens, ShapeError for a bad shape, and what the border raises.
        """
        request = _request(messages, model, shape, options)
        answer, wrong = await _attempt(ask, request, check)
        if wrong:
            again = [*request["messages"], *_objection(answer, wrong)]
            answer, wrong = await _attempt(ask, {**request, "messages": again}, check)
        if wrong:
            raise _misfit(answer.to_dict(), model, wrong)
        return answer

    def price(self, request: JsonObject, input_tokens: int, output_tokens: int) -> float | None:
        """What a request would cost, in US dollars; None where that is unknown."""
        return self._price(request["model"], input_tokens, output_tokens)

    async def send(self, call: Call) -> Answer:
        import asyncio

        self._slots = self._slots or asyncio.Semaphore(self._concurrency)
        async with self._slots:
            answer = await self._send(call)
        if "schema" in call.arguments and read_object(content_of(answer.value)).repaired:
            return Answer(answer.value, answer.usage, {**(answer.about or {}), "repaired": True})
        return answer


def _request(messages: Sequence[Any], model: str, shape: Shape, options: dict[str, Any]) -> JsonObject:
    _refuse(options, shape)
    request: JsonObject = {
        "model": plain(NAME, "model", model),
        "messages": plain(NAME, "messages", [m.to_dict() if isinstance(m, View) else m for m in messages]),
    }
    if shape is not None:
        request["schema"] = to_schema(shape)
    return request | {name: plain(NAME, name, value) for name, value in options.items()}


def _refuse(options: dict[str, Any], shape: Shape) -> None:
    if options.get("stream"):
        raise PermanentError("connectors.openai.chat cannot stream: an answer is recorded as a whole")
    if "schema" in options:
        raise PermanentError("connectors.openai.chat takes no schema", hint="what must come back is `shape=`")
    if shape is not None and "response_format" in options:
        raise PermanentError(
            "connectors.openai.chat was given a shape and a response_format", hint="the shape says it all"
        )


async def _attempt(ask: Ask, request: JsonObject, check: Check | None) -> tuple[Completion, list[str]]:
    """One answer, and what is wrong with it."""
    completion: JsonObject = await ask(request)
    content = content_of(completion)
    schema = request.get("schema")
    if schema is None:
        answer = Completion(completion, content)
        return answer, await _objections(check, content)
    _refuse_unfinished(completion, request["model"])
    reading = read_object(content)
    answer = Completion(completion, reading.value, repaired=reading.repaired)
    if reading.complaint:
        return answer, [reading.complaint]
    return answer, complaints(reading.value, schema) or await _objections(check, reading.value)


def _refuse_unfinished(completion: JsonObject, model: str) -> None:
    choice = completion["choices"][0]
    if choice.get("finish_reason") == "length":
        raise TruncatedAnswerError(
            f"the answer of {_who(completion, model)} was cut at the limit of tokens: {_quote(completion)}",
            hint="raise `max_tokens`, or ask for less: List(..., max=3), Text(max=200)",
        )
    refusal = choice["message"].get("refusal")
    if refusal or choice.get("finish_reason") == "content_filter":
        said = cut(str(refusal), 300) if refusal else _quote(completion)
        raise AnswerError(f"{_who(completion, model)} refused to answer: {said}")


async def _objections(check: Check | None, data: Any) -> list[str]:
    if check is None:
        return []
    try:
        verdict = check(data)
        if inspect.isawaitable(verdict):
            verdict = await verdict
    except ValueError as error:
        return [str(error) or "it is not good enough"]
    if isinstance(verdict, str) and verdict:
        return [verdict]
    return ["it is not good enough"] if verdict is False else []


def _objection(answer: Completion, wrong: list[str]) -> list[JsonObject]:
    content = content_of(answer.to_dict())
    listed = "\n".join(f"- {complaint}" for complaint in wrong)
    objection = {
        "role": "user",
        "content": f"That answer cannot be used:\n{listed}\nGive the whole answer again, with this put right.",
    }
    return [{"role": "assistant", "content": content}, objection] if content else [objection]


def _misfit(completion: JsonObject, model: str, wrong: list[str]) -> AnswerError:
    return AnswerError(
        f"{_who(completion, model)} answered twice with what does not fit ({cut('; '.join(wrong), 400)}): "
        f"{_quote(completion)}",
        retryable=True,
    )


def _who(completion: JsonObject, model: str) -> str:
    return str(completion.get("model") or model)


def _quote(completion: JsonObject) -> str:
    return repr(cut(content_of(completion), 300))
