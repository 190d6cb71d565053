"""The loop of a model and its tools: ask, call what it asks for, send the results, ask again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping

from aloma_cli.connectors.base import Ask, AskThrough
from aloma_cli.connectors.chat.dialect import may_call_tools
from aloma_cli.connectors.chat.finish import broke_off, was_cut, was_refused
from aloma_cli.connectors.chat.parse import complaints
from aloma_cli.connectors.chat.tools.requested import Requested, as_text, requested_calls, turn_of
from aloma_cli.connectors.chat.tools.tool import Tool
from aloma_cli.connectors.lazy import with_library
from aloma_cli.errors import (
    AnswerError,
    ConnectorError,
    FiringError,
    KeyRefusedError,
    PermanentError,
    TruncatedAnswerError,
)
from aloma_cli.jsontext import Json, JsonObject, cut, dumps

MAX_TURNS = 10

_QUESTION = 600
_NO_TOOLS = {"tool_choice": "none"}


def checked_turns(value: object) -> int:
    """The number of turns. Raises PermanentError for anything else."""
    if type(value) is not int or value < 1:
        raise PermanentError(f"max_turns must be an integer from 1, got {value!r}")
    return value


class ToolLoop(AskThrough):
    """An Ask whose request is answered when the model calls no more tools.

    Each turn of the model and each call of a tool is recorded by itself, so a repeated firing repeats none that was
    answered. `last` is the newest request, without tools.
    """

    def __init__(self, ask: Ask, tools: Mapping[str, Tool], max_turns: int) -> None:
        super().__init__(ask)
        self._tools = tools
        self._max_turns = max_turns
        self._turns = 0
        self._misfits: Counter[str] = Counter()
        self.last: JsonObject = {}

    async def __call__(self, request: JsonObject) -> Json:
        """The answer that calls no tool.

        Raises AnswerError after `max_turns` turns of calls, and for a repeated mistake (see `_count_mistakes`).
        A retryable error of a tool is raised; any other problem in a tool is reported to the model.
        """
        messages = request["messages"]
        while True:
            self.last = {**request, "messages": messages, **_NO_TOOLS}
            completion: JsonObject = await self._ask({**request, "messages": messages})
            self._turns += 1
            calls = self._calls_of(completion, request)
            if not calls:
                return completion
            if self._turns >= self._max_turns:
                raise AnswerError(
                    f"the model still calls tools after {self._turns} turns: {', '.join(call.name for call in calls)}",
                    hint="use a larger max_turns=, or tell the model when to stop",
                )
            results = await self._results(calls)
            answers = (call.answered(result) for call, result in zip(calls, results, strict=True))
            messages = [*messages, turn_of(completion, calls), *answers]

    @property
    def definitions(self) -> list[JsonObject]:
        """The tools as a request holds them."""
        return [tool.definition for tool in self._tools.values()]

    def _calls_of(self, completion: JsonObject, request: JsonObject) -> list[Requested]:
        """The calls that are to be made; none where the reader of the answer refuses it for another reason."""
        choice = completion["choices"][0]
        if not may_call_tools(request) or broke_off(choice) or was_refused(choice):
            return []
        calls = requested_calls(completion, self._turns)
        if calls and was_cut(choice):
            raise TruncatedAnswerError(
                "the model's answer was cut at the token limit while it called tools", hint="raise `max_tokens`"
            )
        return calls

    async def _results(self, calls: list[Requested]) -> list[str]:
        """The result of each call, for the model. They run side by side, and all of them end, even if one fails."""
        problems = [call.problem or await self._problem(call) for call in calls]
        self._count_mistakes(calls, problems)
        work = [
            _problem_answer(problem) if problem else self._call_tool(call)
            for call, problem in zip(calls, problems, strict=True)
        ]
        results = await asyncio.gather(*work, return_exceptions=True)
        for error in _most_serious_first(results):
            raise error
        return [str(result) for result in results]

    async def _problem(self, call: Requested) -> str | None:
        tool = self._tools.get(call.name)
        if tool is None:
            return f"There is no tool {call.name!r}. The tools are: {', '.join(self._tools)}."
        wrong = await with_library(lambda: _complaints(call.arguments, tool.schema or {}), "checking arguments")
        return f"The arguments do not fit: {'; '.join(wrong)}" if wrong else None

    def _count_mistakes(self, calls: list[Requested], problems: list[str | None]) -> None:
        """Raise AnswerError where the model makes the same mistake in a second turn.

        Wrong calls of one tool are the same mistake until it is called rightly. All unknown tools are one mistake.
        """
        wrong = {
            call.name if call.name in self._tools else "": said
            for call, said in zip(calls, problems, strict=True)
            if said
        }
        right = {call.name for call, said in zip(calls, problems, strict=True) if not said}
        for name in right:
            self._misfits.pop(name, None)
        self._misfits.update(wrong.keys())
        for name, said in wrong.items():
            if self._misfits[name] > 1:
                raise AnswerError(
                    f"the model called {f'{name} wrongly' if name else 'unknown tools'} in two turns: {cut(said, 400)}",
                    retryable=True,
                )

    async def _call_tool(self, call: Requested) -> str:
        tool = self._tools[call.name]
        question = cut(f"May the model call {tool.call} with {dumps(call.arguments)}?", _QUESTION)
        needed = await tool.asks(call.arguments)
        if not await self._ask.approve(question, tool.call, call.arguments, needed=needed):
            return "A person refused this call. It was not made."
        try:
            result = await self._ask.call(tool.call, tool.function, call.arguments)
            return as_text(tool.function.for_model(result))
        except ConnectorError as error:
            if error.retryable or isinstance(error, KeyRefusedError):
                raise
            return f"Error: {error}"
        except FiringError as error:
            return f"Error: {error}"


async def _problem_answer(problem: str) -> str:
    return f"Error: {problem}"


def _most_serious_first(results: Iterable[object]) -> list[BaseException]:
    """The errors; first what ends the firing from outside."""
    errors = [result for result in results if isinstance(result, BaseException)]
    return sorted(errors, key=lambda error: isinstance(error, Exception))


def _complaints(arguments: JsonObject, schema: JsonObject) -> tuple[str, ...]:
    try:
        return tuple(one.replace("the answer", "the object", 1) for one in complaints(arguments, schema))
    except Exception:  # noqa: BLE001  (another system's schema may be anything; that system checks for itself)
        return ()
