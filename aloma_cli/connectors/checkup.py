"""What a server that speaks OpenAI's protocol can do: tried with a few short calls. Each problem comes with a cure."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from aloma_cli.connectors.base import Call
from aloma_cli.connectors.chat.completion import message_of
from aloma_cli.connectors.chat.reply import read_json
from aloma_cli.connectors.chat.server import ChatServer
from aloma_cli.connectors.check_result import CheckResult
from aloma_cli.connectors.honours import Honours
from aloma_cli.connectors.kinds import kind_of_server
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConnectorError, KeyRefusedError, did_you_mean
from aloma_cli.jsontext import Json, JsonObject, cut, first_few
from aloma_cli.values import dataclass

REACHING, ANSWERING = 10.0, 60.0
"""Seconds for a list of models, and for an answer."""

_SHOWN = 5
_SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"vegetable": {"type": "string", "enum": ["zucchini", "radish"]}},
    "required": ["vegetable"],
}
_TOOL: JsonObject = {
    "type": "function",
    "function": {
        "name": "get_time",
        "description": "The time in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@dataclass()
class Checkup:
    """The checks of one server. `models`: the names that a run would use there. `key`: a new one for each checkup."""

    server: ChatServer
    settings: ModelSettings
    url: str
    models: Sequence[str]
    honours: Honours
    key: str

    async def findings(self) -> AsyncIterator[CheckResult]:
        """Each as soon as it is known. What cannot be tried after a failure is left out."""
        listed, found = await self._reach()
        for finding in found:
            yield finding
        if found[-1].state == "failed":
            return
        key = await self._check_login()
        yield key
        if key.state == "failed":
            return
        if not self.models:
            yield self._unnamed(listed or [])
        for model in self.models:
            yield self._there(model, listed)
        for model in self._models_to_try(listed):
            async for finding in self._abilities(model):
                yield finding
            yield await self._price(model)

    async def _reach(self) -> tuple[list[JsonObject] | None, list[CheckResult]]:
        """The models that the server lists, and the findings; the last one has failed if nothing more can be tried."""
        reachable, listed = CheckResult("reachable", "ok", self.url), None
        try:
            listed = _models_of(read_json(await self.server.fetch("/models", seconds=REACHING), self.url))
        except KeyRefusedError as error:
            refused = CheckResult("key", "failed", str(error), error.hint)
            return None, [refused] if error.status is None else [reachable, refused]
        except ConnectorError as error:
            if error.status not in (404, 405):
                return None, [CheckResult("reachable", "failed", str(error), error.hint)]
        if listed is not None:
            return listed, [reachable]
        cure = None if self.url.rstrip("/").endswith("/v1") else f"try {self.url.rstrip('/')}/v1 as its base_url"
        return None, [reachable, CheckResult("models", "warning", "the server does not list its models", cure)]

    async def _check_login(self) -> CheckResult:
        if not self.settings.api_key:
            return CheckResult("key", "ok", "none is sent, and the server asks for none")
        path = kind_of_server(self.settings.kind).key_path
        try:
            if path != "/models":
                await self.server.fetch(path, seconds=REACHING)
        except ConnectorError as error:
            return CheckResult("key", "failed", str(error), error.hint)
        return CheckResult("key", "ok", "accepted")

    def _there(self, model: str, listed: list[JsonObject] | None) -> CheckResult:
        if listed is None:
            return CheckResult("model", "warning", f"{model} was not looked for, because the server lists no models")
        found = _find_model(model, listed)
        if found is None:
            return self._missing_model(model, [_model_name(one) for one in listed])
        ends = found.get("shutdown_date") or found.get("deprecation_date")
        if ends:
            cure = "map the name to another model in aloma.yaml: `models:`"
            return CheckResult("model", "warning", f"{model} is shut down on {cut(str(ends), 40)}", cure)
        return CheckResult("model", "ok", f"{model} is available")

    def _unnamed(self, listed: list[JsonObject]) -> CheckResult:
        server = f"{self.settings.name}/" if self.settings.name else ""
        example = _model_name(listed[0]) if listed else "MODEL"
        cure = f"map the names that steps use, such as `models: {{default: {server}{example}}}`, or use `--model NAME`"
        return CheckResult("model", "warning", "no model of this server is named in aloma.yaml or in a step", cure)

    def _missing_model(self, model: str, names: list[str]) -> CheckResult:
        kind = kind_of_server(self.settings.kind)
        if kind.answers_any and names:
            return CheckResult("model", "warning", f"{names[0]} answers for every model name, {model} too")
        some = f"; it has: {first_few(names, _SHOWN)}" if names else ""
        get = kind.get.replace("MODEL", model)
        cure = did_you_mean(model, names) or f"{get}, or map the name in aloma.yaml: `models:`{some}"
        return CheckResult("model", "failed", f"the server does not have {model}", cure)

    def _models_to_try(self, listed: list[JsonObject] | None) -> Sequence[str]:
        """The models to try: those that a run would use and the server has, else the only one that it has."""
        there = [model for model in self.models if listed is None or _find_model(model, listed)]
        only = [_model_name(listed[0])] if listed is not None and len(listed) == 1 else []
        return there or only

    async def _abilities(self, model: str) -> AsyncIterator[CheckResult]:
        try:
            yield await self._structured(model)
        except ConnectorError as error:
            yield CheckResult("answer", "failed", str(error), error.hint)
            return
        yield await self._tools(model)
        yield await self._streaming(model)

    async def _structured(self, model: str) -> CheckResult:
        """Ask for something that the schema does not allow: only a server that enforces it answers in its form."""
        self.honours.forget(self.url, model)
        await self.server.send(self._probe(model, "Name a planet of the solar system.", schema=_SCHEMA), model)
        dialect, check = self.server.dialect(model), "structured output"
        if dialect.form == "json_schema" and not dialect.spoken:
            return CheckResult(check, "ok", f"{model}: json_schema, enforced by the server")
        if dialect.form == "json_schema":
            says = f"{model}: json_schema is accepted and not enforced; the schema is also put into words"
        elif dialect.form == "json_object":
            says = f"{model}: json_object only; the schema is put into words"
        else:
            says = f"{model}: none; the schema is put into words"
        return CheckResult(check, "warning", says, "answers are checked and asked for once more; prefer a larger model")

    async def _tools(self, model: str) -> CheckResult:
        try:
            answer = await self.server.send(
                self._probe(model, "What time is it in Oslo? Use the tool.", tools=[_TOOL]), model
            )
        except ConnectorError as error:
            return CheckResult(
                "tools", "warning", f"{model}: refused: {cut(str(error), 200)}", "use it without `tools=`"
            )
        called = bool(message_of(answer.value).get("tool_calls"))
        self.honours.save(self.url, model, tools=called)
        if called:
            return CheckResult("tools", "ok", f"{model}: it calls tools")
        return CheckResult("tools", "warning", f"{model}: it called no tool when asked to", "use it without `tools=`")

    async def _streaming(self, model: str) -> CheckResult:
        body = {"model": model, "messages": _messages("Say yes."), "stream": True}
        try:
            content = await self.server.fetch(body, seconds=ANSWERING)
        except ConnectorError as error:
            return CheckResult("streaming", "warning", f"{model}: refused: {cut(str(error), 200)}")
        streams = content.lstrip().startswith((b"data:", b":", b"event:"))
        self.honours.save(self.url, model, streaming=streams)
        says = "it streams" if streams else "it sends answers as a whole"
        return CheckResult("streaming", "ok" if streams else "warning", f"{model}: {says}")

    def _probe(self, model: str, prompt: str, **options: Json) -> Call:
        arguments = {"model": model, "messages": _messages(prompt), "timeout": ANSWERING, **options}
        return Call("openai.chat", arguments, f"{self.key}-{model}-{'-'.join(options)}", "", "", 0, {})

    async def _price(self, model: str) -> CheckResult:
        if await self.server.price(model, 1, 1) is not None:
            return CheckResult("price", "ok", f"{model}: known")
        return CheckResult(
            "price", "warning", f"{model}: unknown, so `--max-cost` refuses it", "use `--max-tokens` instead"
        )


def _messages(prompt: str) -> list[JsonObject]:
    return [{"role": "user", "content": prompt}]


def _models_of(value: Json) -> list[JsonObject] | None:
    """The models in the answer to GET /models; None if it is something else."""
    found = value.get("data") if isinstance(value, dict) else value
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else None


def _model_name(model: JsonObject) -> str:
    """The name of a listed model as calls use it."""
    return str(model.get("id")).removeprefix("models/")


def _find_model(model: str, listed: list[JsonObject]) -> JsonObject | None:
    names = {model, f"{model}:latest"}
    return next((one for one in listed if _model_name(one) in names), None)
