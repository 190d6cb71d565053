"""Scripted answers for every connector, and no real call."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any

from aloma_cli.condition import Condition, compile_condition
from aloma_cli.connectors.base import LIST, Answer, Call, Connectors, Function, Intercepted, Log
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.embed import Embed
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.simulated.embed import embedded
from aloma_cli.connectors.simulated.offline import Offline
from aloma_cli.connectors.simulated.prompt_facts import text_of
from aloma_cli.connectors.simulated.scripted import Error, Reply, Scripts, ToolCalls
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import Json, JsonObject, dumps
from aloma_cli.values import dataclass

_MESSAGES = {429: "too many requests", 500: "internal error", 503: "overloaded"}

Make = Callable[[Call], Any]
"""Makes an answer from a call: `call.arguments`, `call.document`, `call.step`."""

Said = Json | Make | ToolCalls | Error
"""An answer, what makes one, calls of tools, or a failure."""


@dataclass(slots=True)
class Answers:
    """What calls are answered with: the k-th call gets the k-th reply, and the last one repeats.

    script.on("research/synthesis").answers({"summary": "…"}).then_fails(429)
    """

    step: str
    call: str | None = None
    when: Condition | None = None
    prompt: re.Pattern[str] | None = None
    used: int = 0
    _replies: list[tuple[Said, float]] = field(default_factory=list)

    def answers(self, value: Json | Make, *, after: float = 0.0) -> Answers:
        """Answer with `value` after some seconds.

        To a model: an object, of which what is missing is filled by its shape, or the text itself. To any other
        function: what the function returns. A function of one argument makes the answer from the call.
        """
        self._replies.append((value, after))
        return self

    def fails(self, status: int = 500, message: str | None = None, *, after: float = 0.0) -> Answers:
        """Fail as if a server had answered with this HTTP status."""
        self._replies.append((Error(status, message or _MESSAGES.get(status, "refused")), after))
        return self

    def calls_tool(self, name: str, **arguments: Json) -> Answers:
        """Let the model call this tool; the next reply is its next turn."""
        return self.calls_tools({"name": name, "arguments": arguments})

    def calls_tools(self, *calls: JsonObject, after: float = 0.0) -> Answers:
        """Let the model call several tools in one turn: each an object with `name` and `arguments`."""
        self._replies.append((ToolCalls(calls), after))
        return self

    then = then_answers = answers
    then_fails = fails

    def applies_to(self, call: Call) -> bool:
        """Whether this answers `call`."""
        return (
            bool(self._replies)
            and self.step in ("*", call.step)
            and (self.call == call.name or (self.call is None and not call.name.endswith(LIST)))
            and (self.when is None or self.when.matches(call.document))
            and (self.prompt is None or self.prompt.search(prompt_of(call.arguments)) is not None)
        )

    def next(self) -> tuple[Said, float]:
        """The reply to the next call, and the seconds to wait before it."""
        reply = self._replies[min(self.used, len(self._replies) - 1)]
        self.used += 1
        return reply


class Script:
    """The answers of a test. A call that none of them fits fails the step, and then the test.

    script.on("answer").answers({"answer": "Monday"})          # every call of the step `answer`
    script.on("book", "ledger.book").answers(7)                # one function
    script.on("answer", prompt="open").fails(503)              # calls whose prompt has this text
    script.on("answer", when={"question": "Why?"}).answers(…)  # firings on such a document
    script.use("responses")                                    # the rest from files
    """

    def __init__(
        self, folder: Path | None = None, *, live: bool = False, cure: Callable[[Call], str] | None = None
    ) -> None:
        """`folder`: what the paths that `use` takes start from. `live`: models answer themselves, at their price.

        `cure`: says how to script the answer to a call; default: as a line of Python.
        """
        self.cure = cure or how_to_script
        self.unscripted: list[Call] = []
        self._folder = folder or Path()
        self._answers: list[Answers] = []
        self._files: list[Scripts] = []
        self._simulates = False
        self._live = live
        self._offline = Offline(ModelSettings(offline=True), {})

    def on(
        self, step: str = "*", call: str | None = None, *, when: dict[str, Any] | None = None, prompt: str | None = None
    ) -> Answers:
        """Answers for the calls of a step; of several that fit, the first one counts.

        `call`: only this function, such as `http.get`; the list of the tools of an MCP server is answered by its name
        alone, `mcp.NAME.tools/list`. `when`: a condition on the document of the firing. `prompt`: a
        regular expression that is found in the prompt.
        """
        condition = None if when is None else compile_condition(when, name="when")
        made = Answers(step, call, condition, re.compile(prompt) if prompt is not None else None)
        self._answers.append(made)
        return made

    def use(self, folder: str | Path) -> Script:
        """Answer what is not scripted here from the files of a folder, as `--responses` does."""
        path = self._folder / folder
        if not path.is_dir():
            raise AssertionError(f"there is no folder {path}")
        self._files.append(Scripts(path, {}))
        return self

    def simulate(self) -> Script:
        """Fill the shapes of model calls that are not scripted."""
        self._simulates = True
        return self

    @property
    def unused(self) -> list[str]:
        """The steps of answers that no call asked for."""
        return [answers.step for answers in self._answers if not answers.used]

    def intercept(self, connectors: Connectors) -> Connectors:
        """`connectors`, each call of which is answered here."""
        return connectors.intercepted(lambda _name, inner: _Scripted(inner, self), own=False)

    async def answer(self, call: Call, function: Function) -> Answer:
        """The scripted answer to a call. Raises ConnectorError for a scripted failure, and if there is none."""
        scripted = next((answers for answers in self._answers if answers.applies_to(call)), None)
        reply = None if scripted is None else scripted.next()
        if self._live and isinstance(function, Chat | Embed):
            return await function.send(call)
        if scripted is not None and reply is not None:
            said, after = reply
            content = said(call) if callable(said) else said
            return await self._given(call, function, f'script.on("{scripted.step}")', Reply(content, after))
        if isinstance(function, Chat):
            for files in self._files:
                if found := files.next_reply(call.step, call.document):
                    return await self._offline.answer(call, *found)
            if self._simulates:
                return await self._offline.answer(call, None, None)
        if isinstance(function, Embed) and self._simulates:
            return embedded(call)
        self.unscripted.append(call)
        raise ConnectorError(
            f"no answer is scripted for {call.name} in the step {call.step}, and a test makes no real call",
            hint=self.cure(call),
        )

    async def _given(self, call: Call, function: Function, entry: str, reply: Reply) -> Answer:
        if isinstance(function, Chat) or isinstance(reply.content, Error):
            is_told = isinstance(reply.content, dict | str | Error | ToolCalls)
            content = reply.content if is_told else dumps(reply.content)
            return await self._offline.answer(call, entry, Reply(content, reply.delay))
        import asyncio

        await asyncio.sleep(reply.delay or 0.0)
        return Answer(_as_http(reply.content) if call.name.startswith("http.") else reply.content)


def how_to_script(call: Call) -> str:
    """The line of a Python test that would answer a call."""
    function = "" if is_chat(call) else f', "{call.name}"'
    return f'add script.on("{call.step}"{function}).answers({example(call)})'


def is_chat(call: Call) -> bool:
    """Whether a model is asked."""
    return "messages" in call.arguments


def prompt_of(arguments: JsonObject) -> str:
    """The texts of all messages of a model call; of any other call its arguments as JSON."""
    if "messages" not in arguments:
        return dumps(arguments)
    return "\n\n".join(text_of(message) for message in arguments["messages"])


def example(call: Call) -> str:
    """The shape of an answer to a call, with … for what is to be written: JSON, which is YAML too."""
    keys = call.arguments.get("schema", {}).get("properties", {})
    if keys:
        return "{" + ", ".join(f'"{key}": …' for key in keys) + "}"
    return '"…"' if is_chat(call) else "…"


def _as_http(value: Any) -> Json:
    """What is recorded of an HTTP answer; a value without a status is the body of one."""
    if isinstance(value, dict) and "status" in value:
        return {"headers": {}, **({} if {"json", "body", "base64"} & value.keys() else {"body": ""}), **value}
    return {"status": 200, "headers": {}, **({"body": value} if isinstance(value, str) else {"json": value})}


class _Scripted(Intercepted):
    """A function whose requests a script answers."""

    def __init__(self, inner: Function, script: Script) -> None:
        super().__init__(inner)
        self._script = script

    async def ready(self, log: Log) -> None:
        """Nothing connects."""

    async def send(self, call: Call) -> Answer:
        return await self._script.answer(call, self.inner)
