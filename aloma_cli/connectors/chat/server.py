"""Calls of any server with OpenAI's chat completions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from aloma_cli.clock import SystemClock
from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.dialect import Dialect, beside_tools, may_call_tools
from aloma_cli.connectors.chat.dialects import Dialects
from aloma_cli.connectors.chat.embed import input_tokens, read_embeddings
from aloma_cli.connectors.chat.reply import failure_in, is_page, read_completion, rejected_answer
from aloma_cli.connectors.chat.server_errors import from_openai, key_hint
from aloma_cli.connectors.chat.streaming import IN_ONE_PIECE, RequestForm, Streams
from aloma_cli.connectors.chat.tries import Tries
from aloma_cli.connectors.chat.usage import cost_of, recorded_usage, said_in, sound_completion_usage, sound_input_usage
from aloma_cli.connectors.governor import at_most, governor_of
from aloma_cli.connectors.honours import Honours
from aloma_cli.connectors.kinds import kind_of_server
from aloma_cli.connectors.lazy import Lazily
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConnectorError, KeyRefusedError
from aloma_cli.jsontext import Json, JsonObject, cut, dumps, kind_of
from aloma_cli.threads import in_thread

if TYPE_CHECKING:
    import httpx2
    import openai

    from aloma_cli.connectors.client import Client

_CHAT = "/chat/completions"
_EMBEDDINGS = "/embeddings"
_LIMIT, _NEW_LIMIT = "max_tokens", "max_completion_tokens"
_LONG = 200_000
"""Replies of more bytes are parsed in a thread."""


class ChatServer:
    """One model server, by default the provider's at `url`, whose key is in `key_variable`.

    Its client is made at the first call; `transport` replaces the network in tests.
    """

    def __init__(
        self,
        settings: ModelSettings,
        *,
        url: str,
        key_variable: str,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._url = settings.base_url or url
        self._wants_key = self._url == url if settings.name is None else settings.key_variable is not None
        self._kind = kind_of_server(settings.kind)
        self._key_hint = key_hint(settings.provider, settings.key_variable or key_variable, settings.name)
        self._transport = transport
        self._client = Lazily(self._make_client)
        self._libraries = Lazily(_load_libraries)
        self._http: Client | None = None
        honours = Honours(settings.honours, SystemClock().now)
        self._dialects, self._streams = Dialects(honours, self._url), Streams(honours, self._url)
        self._renaming: set[str] = set()
        """The models that know the limit of tokens by its new name only."""

    async def send(self, call: Call, model: str | None = None) -> Answer:
        """The answer in the OpenAI form, always with a `usage`.

        `model`: its name at this server, if the settings do not map the name in the call to it.
        """
        asked = call.arguments["model"]
        model = model or self._served(asked)
        if "input" in call.arguments:
            return await self._embed({**call.arguments, "model": model}, asked, call)
        messages = call.arguments["messages"]
        try:
            completion = await self._complete_chat({**call.arguments, "model": model}, asked, call)
        except ConnectorError as error:
            self._describe_error(error, call, model)
            raise
        except asyncio.CancelledError:
            await self._keep_unfinished(
                call, model, self._streams.broken(call, "the call was cancelled", retryable=False)
            )
            raise
        finally:
            self._streams.forget(call)
        if not may_call_tools(call.arguments):
            self._dialects.answered(model, call.arguments.get("schema"), completion)
        served = completion.get("model")
        about = {"provider": self._provider, "model": cut(served, 100) if isinstance(served, str) and served else model}
        return Answer(completion, self._usage(completion, messages, said_in(completion), model), about)

    def _describe_error(self, error: ConnectorError, call: Call, model: str) -> None:
        """Add to an error who failed, and what the part of an answer that came has used."""
        error.about = {"provider": self._provider, "model": model}
        error.usage = self._usage_of_odd(error.answer, call.arguments["messages"], model)

    async def price(self, asked: str, input_tokens: int, output_tokens: int) -> float | None:
        """As `chat.Price`."""
        await self._libraries.get()
        usage = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens}
        return cost_of(usage, self._served(asked), self._url)

    def _served(self, asked: str) -> str:
        return self._settings.model or self._settings.models.get(asked, asked)

    async def aclose(self) -> None:
        """Close the connections, if any was opened."""
        if self._client.made is not None:
            await self._client.made.close()

    async def fetch(self, what: str | JsonObject, *, seconds: float) -> bytes:
        """The body of one answer: of a GET below the base URL, or of a POST of a call's body. Raises ConnectorError."""
        client = await self._ready()
        import httpx2
        import openai

        headers = dict(self._key_headers())
        if isinstance(what, str):
            key = self._settings.api_key or ""
            headers |= {name: value.format(key=key) for name, value in self._kind.list_headers.items()}
        options: openai.RequestOptions = {"headers": headers, "timeout": seconds, "security": {"bearer_auth": True}}
        path = what if isinstance(what, str) else self._path(what)
        method = client.get if isinstance(what, str) else partial(client.post, body=what)
        try:
            return (await method(path, cast_to=httpx2.Response, options=options)).content
        except openai.OpenAIError as error:
            raise self._raised(error, "", "", path) from error

    def dialect(self, model: str) -> Dialect:
        """How a schema is sent to a model, as far as is known."""
        return self._dialects.of(model)

    @property
    def name(self) -> str:
        """The name of the server in aloma.yaml, else its host and port."""
        return self._settings.name or self._provider

    @property
    def _provider(self) -> str:
        from urllib.parse import urlsplit

        return urlsplit(self._url).netloc.rpartition("@")[2]

    def _make_client(self) -> openai.AsyncOpenAI:
        import openai

        from aloma_cli.connectors.client import Client

        settings = self._settings
        self._http = Client(transport=self._transport, max_answer=settings.max_answer)
        client = openai.AsyncOpenAI(
            api_key=settings.api_key or "none",
            base_url=self._url,
            default_query={"api-version": settings.api_version} if settings.api_version else None,
            timeout=settings.timeout,
            max_retries=0,  # `Tries` does it, and reports what it waits for
            http_client=self._http,
        )
        # The library fills these from OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS for every server;
        # values meant for one server must not reach another.
        client.organization = client.project = None
        client._custom_headers = {}  # noqa: SLF001  (there is no public way; a test holds it)
        return client

    def _key_headers(self) -> dict[str, str | openai.Omit]:
        """The headers with a login or a key, where the library's own is not the right one."""
        import openai

        settings, header = self._settings, self._kind.key_header
        if settings.api_key and header:
            return {header: settings.api_key, "Authorization": openai.Omit()}
        return {} if settings.api_key or not settings.login else {"Authorization": settings.login.header}

    async def _embed(self, body: JsonObject, asked: str, call: Call) -> Answer:
        """The vectors of some texts."""
        texts, model = body["input"], body["model"]
        about = {"provider": self._provider, "model": model}
        try:
            content = await self._exchange(body, asked, call, lambda client: self._try(client, body, call.key, call))
            found = await self._read_content(content, lambda body, url: read_embeddings(body, url, len(texts)))
        except ConnectorError as error:
            error.about = about
            raise
        found["usage"], estimated = sound_input_usage(found.get("usage"), input_tokens(texts))
        return Answer(found, self._priced(found["usage"], model, estimated=estimated), about)

    def _usage(self, completion: JsonObject, messages: Json, said: str, model: str) -> JsonObject:
        """The recorded usage. If the server did not count, it is estimated, also in the completion."""
        completion["usage"], estimated = sound_completion_usage(completion.get("usage"), messages, said, model)
        return self._priced(completion["usage"], model, estimated=estimated)

    def _priced(self, usage: JsonObject, model: str, *, estimated: bool) -> JsonObject:
        """A usage in the OpenAI form for the record, with its price if that is known."""
        recorded = recorded_usage(usage) | ({"estimated": True} if estimated else {})
        cost = cost_of(usage, model, self._url)
        return recorded if cost is None else recorded | {"cost": cost}

    def _usage_of_odd(self, answer: Json, messages: Json, model: str) -> JsonObject | None:
        """The usage of an unreadable answer; None if it seems not to come from a model."""
        match answer:
            case {"choices": [{"message": dict()}, *_]}:
                return self._usage(answer, messages, said_in(answer), model)
            case {"usage": dict() as usage}:
                return self._usage({"usage": usage}, messages, "", model)
            case str(text) if text and not is_page(text):
                return self._usage({}, messages, text, model)
        return None

    async def _complete_chat(self, body: JsonObject, asked: str, call: Call) -> JsonObject:
        content = await self._exchange(body, asked, call, lambda client: self._post_in_dialect(client, body, call))
        return await self._read_content(content, read_completion)

    async def _exchange(
        self, body: JsonObject, asked: str, call: Call, post: Callable[[openai.AsyncOpenAI], Awaitable[bytes]]
    ) -> bytes:
        """The body of the reply to what `post` sends. Raises ConnectorError."""
        client = await self._ready()
        import openai  # the client's making has loaded it, in a thread

        seconds = body.get("timeout")
        try:
            async with at_most(seconds):
                return await post(client)
        except openai.OpenAIError as error:
            thrown_away = rejected_answer(error)
            if thrown_away is not None:
                return dumps(thrown_away).encode()
            raise self._raised(error, asked, body["model"], _path_for(body)) from error
        except TimeoutError as error:
            broken = self._streams.broken(call, f"incomplete after {seconds:g} s")
            message = f"{self._url} did not answer in time ({seconds:g} s, model {body['model']})"
            raise broken or ConnectorError(message, retryable=True) from error

    async def _read_content(self, content: bytes, read: Callable[[bytes, str], JsonObject]) -> JsonObject:
        if len(content) < _LONG:
            return read(content, self._url)
        return await in_thread(lambda: read(content, self._url), name="reading an answer")

    async def _ready(self) -> openai.AsyncOpenAI:
        if self._settings.api_key is None and self._wants_key:
            raise KeyRefusedError(f"{self._url} requires a key, and none is set", hint=self._key_hint)
        await self._libraries.get()
        return await self._client.get()

    def _raised(self, error: openai.OpenAIError, asked: str, model: str, path: str) -> ConnectorError:
        proxy, start = self._http.proxy(self._url) if self._http is not None else None, self._kind.start
        return from_openai(error, self._url, asked, model, path=path, key_hint=self._key_hint, proxy=proxy, start=start)

    async def _try(self, client: openai.AsyncOpenAI, body: JsonObject, key: str, call: Call) -> bytes:
        """As `_with_tries`, with the limit of tokens under the name that the model takes."""
        import openai

        model = body["model"]
        if _LIMIT in body and model not in self._renaming:
            try:
                return await self._with_tries(client, body, key, call)
            except openai.BadRequestError as error:
                if _NEW_LIMIT not in _error_text(error):
                    raise
                self._renaming.add(model)
        if _LIMIT in body:
            body = {_NEW_LIMIT if name == _LIMIT else name: value for name, value in body.items()}
            key = f"{key}.{_NEW_LIMIT}"
        return await self._with_tries(client, body, key, call)

    async def _with_tries(self, client: openai.AsyncOpenAI, body: JsonObject, key: str, call: Call) -> bytes:
        """The body of a reply, after as many tries as are allowed."""
        settings, model = self._settings, body["model"]
        governor = governor_of(self._url, settings.api_key, settings.concurrency)
        seconds, keep = body.get("timeout") or settings.timeout, partial(self._keep_unfinished, call, model)
        tries = Tries(settings.max_retries + 1, seconds, call.progress, governor, keep)

        async def post(form: RequestForm) -> bytes:
            headers = {"Idempotency-Key": key + form.mark, **self._key_headers()}
            return await _post_body(client, self._path(body), headers, form.body | body)

        is_chat = "messages" in body
        return await tries.run(lambda: self._streams.post(model, call, post) if is_chat else post(IN_ONE_PIECE))

    async def _keep_unfinished(self, call: Call, model: str, error: Exception | None) -> None:
        """Record the part of an answer that came, before another try is made, or the call ends."""
        if isinstance(error, ConnectorError) and error.answer is not None:
            self._describe_error(error, call, model)
            error.about = {"server": self.name, **(error.about or {})}
            await call.unfinished(error)

    def _path(self, body: JsonObject) -> str:
        from urllib.parse import quote

        path = _path_for(body)
        return f"/deployments/{quote(body['model'])}{path}" if self._settings.api_version else path

    async def _post_in_dialect(self, client: openai.AsyncOpenAI, body: JsonObject, call: Call) -> bytes:
        """Send `body`, with its schema, if it has one, as the server takes it."""
        schema = body.pop("schema", None)
        if schema is not None and not may_call_tools(body):
            return await self._try_dialects(client, body, schema, call)
        if schema is not None:
            body = body | {"messages": beside_tools(body["messages"], schema)}
        return await self._try(client, body, call.key, call)

    async def _try_dialects(
        self, client: openai.AsyncOpenAI, body: JsonObject, schema: JsonObject, call: Call
    ) -> bytes:
        """Send `body` with its schema in the best form that the server accepts."""
        import openai

        dialect, first = self._dialects.of(body["model"]), None
        while True:
            request = body | dialect.request(body["messages"], schema)
            try:
                content = await self._try(client, request, dialect.key_of(call.key), call)
            except openai.APIStatusError as error:
                # A refusal in every form has another reason, and the first refusal describes it best.
                first, told = first or error, _error_text(error)
                if rejected_answer(error) is not None or not dialect.may_be_refused(error.status_code, told):
                    raise
                lower = dialect.after_refusal(told)
                if lower is None:
                    raise first from None
            else:
                lower = dialect.after_refusal_in(failure_in(content))
                if lower is None:
                    self._dialects.accepted(body["model"], dialect)
                    return content
            dialect = lower


def _path_for(body: JsonObject) -> str:
    return _EMBEDDINGS if "input" in body else _CHAT


def _error_text(error: openai.APIStatusError) -> str:
    return f"{error} {error.body}"


def _load_libraries() -> None:
    import json_repair  # noqa: F401
    import jsonschema  # noqa: F401
    import openai  # noqa: F401

    # The first price loads the table of prices.
    cost_of({"prompt_tokens": 1, "completion_tokens": 1}, "gpt-4o", "")


async def _post_body(client: openai.AsyncOpenAI, path: str, headers: openai._types.Headers, body: JsonObject) -> bytes:
    """The body of the answer. `extra_headers`, `extra_body`, `extra_query` are those of the library."""
    import httpx2

    extra = {name: _extra(body, name) for name in ("extra_headers", "extra_body", "extra_query")}
    sent = {name: value for name, value in body.items() if name != "timeout" and name not in extra}
    options: openai.RequestOptions = {
        "headers": {**headers, **extra["extra_headers"]},
        "params": extra["extra_query"],
        "extra_json": extra["extra_body"],
        "security": {"bearer_auth": True},
    }
    if "timeout" in body:  # bounds the whole call; a single try may take all of it
        options["timeout"] = body["timeout"]
    # The bare response, because the library accepts broken answers or turns them into odd objects.
    post = client.post(path, cast_to=httpx2.Response, body=sent, options=options)
    return (await post).content


def _extra(body: JsonObject, name: str) -> JsonObject:
    given = body.get(name) or {}
    if not isinstance(given, dict):
        raise ConnectorError(f"{name} must be an object, got a {kind_of(given)}")
    return given
