"""`connectors.NAME.chat`: ask a model, check its answer, and ask once more if it does not fit."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from aloma_cli.budget import Amount
from aloma_cli.clock import POSITIVE_DURATION, is_positive_duration
from aloma_cli.connectors.base import Answer, Ask, Call, Effect, Function, Send, plain
from aloma_cli.connectors.chat.completion import Completion, JsonView, content_of, odd_content
from aloma_cli.connectors.chat.dialect import with_words
from aloma_cli.connectors.chat.finish import broke_off, reason, was_cut, was_refused
from aloma_cli.connectors.chat.parse import read_object
from aloma_cli.connectors.chat.parts import counted_apart, put_back, set_aside
from aloma_cli.connectors.chat.pydantic_model import PydanticModel, is_model, validated
from aloma_cli.connectors.chat.shape import Shape, to_schema
from aloma_cli.connectors.chat.tools.loop import MAX_TURNS, ToolLoop, checked_turns
from aloma_cli.connectors.chat.tools.tool import as_tools
from aloma_cli.connectors.lazy import with_library
from aloma_cli.errors import AnswerError, PermanentError, TruncatedAnswerError
from aloma_cli.jsontext import JsonObject, cut, with_article

Check: TypeAlias = Callable[[Any], Any]
"""An author's check of `answer.data`: it rejects by False, by a string with the reason, or by a ValueError."""


Price: TypeAlias = Callable[[str, int, int], Awaitable[float | None]]
"""The price of a call in US dollars, by the requested model, input and output tokens; None if unknown."""


_PARSER = re.compile(r"the answer is not JSON: Expecting (value|property name)")

_LONG = 20_000
"""Answers of more characters are read in a thread."""


_UNKNOWN_OUTPUT = 4000
"""Tokens reserved for an answer when its length cannot be predicted."""

_CHARACTERS_PER_TOKEN = 4


async def unknown(*_: object) -> None:
    """The price of a model without a price list."""


class Chat(Function):
    """The function `chat`. `send` carries one request to a model server, or to a stand-in for one.

    `concurrency`: calls at the same time; None where `send` has a queue of its own.
    """

    def __init__(
        self, send: Send, *, name: str = "openai.chat", concurrency: int | None = None, price: Price = unknown
    ) -> None:
        self._send = send
        self._name = name
        self._price = price
        self._slots = None if concurrency is None else asyncio.Semaphore(concurrency)

    async def __call__(
        self,
        ask: Ask,
        /,
        *,
        messages: Sequence[Any] | str,
        model: str = "default",
        shape: Shape = None,
        check: Check | None = None,
        tools: Sequence[Any] | None = None,
        max_turns: int = MAX_TURNS,
        **options: Any,
    ) -> Completion:
        """The answer to `messages`; its `data` has the `shape` and passed the `check`.

        With a pydantic model as `shape`, `data` is an instance of it.

        `tools`: functions, functions of connectors, and what `tool` gives. The model may call them in all but the last
        of its `max_turns` turns, and the answer is the one that calls none. Definitions (dicts) are sent unchanged:
        then the answer may hold calls for the step to make.

        `messages` may be a string: one message of the user. `options` (`temperature`, `max_tokens`, …) are sent
        unchanged, except `timeout`: seconds for the whole call with all its tries. Raises AnswerError when the second
        answer does not fit either, TruncatedAnswerError when an answer with a shape was cut at the token limit,
        ShapeError for an invalid shape, and the errors of `send`.
        """
        if tools is not None and all(isinstance(one, dict) for one in tools):
            options["tools"] = list(tools)
        elif tools is not None:
            loop = ask = ToolLoop(ask, await as_tools(tools, ask), checked_turns(max_turns))
            options["tools"] = loop.definitions
        schema = None if shape is None else await with_library(lambda: to_schema(shape), "reading a shape")
        request = _request(self._name, messages, model, schema, options)
        with set_aside(request) as recorded:
            return await _checked_completion(ask, recorded, shape if is_model(shape) else None, check)

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:
        text, parts = counted_apart(arguments["messages"], arguments["model"])
        asked = parts + len(json.dumps({**arguments, "messages": text}, ensure_ascii=False)) // _CHARACTERS_PER_TOKEN
        answered = arguments.get("max_tokens") or arguments.get("max_completion_tokens")
        if not isinstance(answered, int):
            answered = _UNKNOWN_OUTPUT if usual is None else usual
        cost = await self._price(arguments["model"], asked, answered)
        return Amount(calls=1, tokens=asked + answered, cost=cost)

    async def send(self, call: Call) -> Answer:
        whole = replace(call, arguments=put_back(call.arguments))
        if self._slots is None:
            return await self._send(whole)
        if self._slots.locked():
            call.progress("queued")
        async with self._slots:
            return await self._send(whole)

    def effect(self, arguments: JsonObject) -> Effect:  # noqa: ARG002  (whatever is asked)
        return "idempotent"


def _request(
    name: str, messages: Sequence[Any] | str, model: str, schema: JsonObject | None, options: dict[str, Any]
) -> JsonObject:
    _refuse_options(name, options, schema)
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    request: JsonObject = {
        "model": plain(name, "model", model),
        "messages": plain(name, "messages", [m.to_dict() if isinstance(m, JsonView) else m for m in messages]),
    }
    if schema is not None:
        request["schema"] = schema
    return request | {option: plain(name, option, value) for option, value in options.items()}


def refuse_timeout(name: str, options: Mapping[str, Any]) -> None:
    """Raise PermanentError for a timeout that is not one."""
    if options.get("timeout") is not None and not is_positive_duration(options["timeout"]):
        raise PermanentError(
            f"the timeout of connectors.{name} must be {POSITIVE_DURATION}, got {options['timeout']!r}"
        )


def _refuse_options(name: str, options: dict[str, Any], schema: JsonObject | None) -> None:
    if options.get("stream"):
        raise PermanentError(f"connectors.{name} cannot stream: an answer is recorded as a whole")
    refuse_timeout(name, options)
    if "schema" in options:
        raise PermanentError(f"connectors.{name} takes no schema", hint="use `shape=`")
    if schema is not None and "response_format" in options:
        raise PermanentError(f"connectors.{name} was given a shape and a response_format", hint="use `shape=` alone")


async def _checked_completion(
    ask: Ask, request: JsonObject, kind: PydanticModel | None, check: Check | None
) -> Completion:
    """An answer that fits, at the second try if need be. Raises AnswerError."""
    answer, wrong = await _attempt(ask, request, kind, check)
    if wrong:
        last = ask.last if isinstance(ask, ToolLoop) else request
        again = _objection(last["messages"], answer, wrong)
        answer, wrong = await _attempt(ask, {**last, "messages": again}, kind, check)
    if wrong:
        raise _misfit(answer.to_dict(), request["model"], wrong)
    return answer


async def _attempt(
    ask: Ask, request: JsonObject, kind: PydanticModel | None, check: Check | None
) -> tuple[Completion, list[str]]:
    """One answer, and the objections to it.

    The answer is on record before it is read here. A repeated firing reads the same answer, with the same result.
    """
    completion: JsonObject = await ask(request)
    _refuse_odd(completion, request["model"])
    _refuse_broken(completion, request["model"])
    schema, content = request.get("schema"), content_of(completion)
    if schema is None:
        return Completion(completion, content), await _objections(check, content)
    _refuse_unfinished(completion, request["model"])
    reading = await with_library(lambda: read_object(content, schema), "reading an answer", long=len(content) >= _LONG)
    data, wrong = reading.value, reading.complaints
    if kind is not None and isinstance(data, dict):
        data, wrong = validated(kind, data)
    return Completion(completion, data, repaired=reading.repaired), [*wrong] or await _objections(check, data)


def _refuse_odd(completion: JsonObject, model: str) -> None:
    kind = odd_content(completion)
    if kind is not None:
        found = with_article(kind)
        raise AnswerError(f"{_model_of(completion, model)} answered with {found} as its content, not a string")


def _refuse_broken(completion: JsonObject, model: str) -> None:
    choice = completion["choices"][0]
    if broke_off(choice):
        raise AnswerError(
            f"{_model_of(completion, model)} broke off its answer ({reason(choice)}): {_quote(completion)}",
            retryable=True,
        )


def _refuse_unfinished(completion: JsonObject, model: str) -> None:
    choice = completion["choices"][0]
    if was_cut(choice):
        raise TruncatedAnswerError(
            f"the answer of {_model_of(completion, model)} was cut at the token limit: {_quote(completion)}",
            hint="raise `max_tokens`, or ask for less: List(..., max=3), Text(max=200)",
        )
    if was_refused(choice):
        refusal = choice["message"].get("refusal")
        said = cut(str(refusal), 300) if refusal else _quote(completion)
        raise AnswerError(f"{_model_of(completion, model)} refused to answer: {said}")


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


def _objection(messages: list[JsonObject], answer: Completion, wrong: list[str]) -> list[JsonObject]:
    """The conversation, continued by the answer and the objections to it, in turns as every chat template takes them.

    The answer has a turn of its own after one of the user, or of a tool. It joins a turn that it continues. Without any
    turn before it, the objection quotes it.
    """
    content = content_of(answer.to_dict())
    listed = "\n".join(f"- {complaint}" for complaint in wrong)
    objection = f"That answer cannot be used:\n{listed}\nGive the whole answer again, corrected."
    last = messages[-1] if messages else {}
    if not content:
        return with_words(messages, objection)
    match last:
        case {"role": "assistant", "content": str(begun)}:
            messages = [*messages[:-1], {**last, "content": begun + content}]
        case {"role": "user" | "tool" | "function"}:
            messages = [*messages, {"role": "assistant", "content": content}]
        case _:
            objection = f"{content}\n\n{objection}"
    return with_words(messages, objection)


def _misfit(completion: JsonObject, model: str, wrong: list[str]) -> AnswerError:
    listed = cut("; ".join(wrong), 400)
    # The parser's message about a text without any JSON does not help.
    what = "expected JSON" if _PARSER.match(listed) else listed
    return AnswerError(
        f"{_model_of(completion, model)} gave no valid answer in two tries: {what}, got: {_quote(completion)}",
        retryable=True,
    )


def _model_of(completion: JsonObject, model: str) -> str:
    return cut(str(completion.get("model") or model), 100)


def _quote(completion: JsonObject) -> str:
    return repr(cut(content_of(completion), 300))
