"""The border to any server that speaks OpenAI's chat completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.completion import content_of
from aloma_cli.connectors.dialect import Dialect
from aloma_cli.connectors.lazily import Lazily
from aloma_cli.connectors.openai_errors import KEY_HINT, from_openai
from aloma_cli.connectors.settings import OPENAI_URL, ModelSettings
from aloma_cli.connectors.usage import cost_of, estimated_usage, recorded_usage
from aloma_cli.errors import ConnectorError, KeyRefusedError
from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, loads

if TYPE_CHECKING:
    import httpx2
    import openai


class OpenAIServer:
    """One model server. Its client is made at the first call; `transport` stands in for the network in tests."""

    def __init__(self, settings: ModelSettings, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._url = settings.base_url or OPENAI_URL
        self._transport = transport
        self._client = Lazily(self._make_client)
        self._dialects: dict[str, Dialect] = {}

    async def send(self, call: Call) -> Answer:
        """The answer in the OpenAI form, with a `usage` in any case."""
        asked = call.arguments["model"]
        model = self._served(asked)
        try:
            completion = await self._complete({**call.arguments, "model": model}, asked, call.key)
        except ConnectorError as error:
            error.about = {"provider": self._provider, "model": model}
            raise
        about = {"provider": self._provider, "model": completion.get("model") or model}
        return Answer(completion, self._usage(completion, call.arguments["messages"], model), about)

    def price(self, asked: str, input_tokens: int, output_tokens: int) -> float | None:
        """As `chat.Price`."""
        usage = {"prompt_tokens": input_tokens, "completion_tokens": output_tokens}
        return cost_of(usage, self._served(asked), self._url)

    def _served(self, asked: str) -> str:
        return self._settings.model or self._settings.models.get(asked, asked)

    async def aclose(self) -> None:
        """Close the connections, if any was opened."""
        if self._client.made is not None:
            await self._client.made.close()

    @property
    def _provider(self) -> str:
        from urllib.parse import urlsplit

        return urlsplit(self._url).netloc.rpartition("@")[2]

    def _make_client(self) -> openai.AsyncOpenAI:
        import genai_prices  # noqa: F401  (made ready here, in a thread, because its import takes long)
        import openai

        settings = self._settings
        client = openai.AsyncOpenAI(
            api_key=settings.api_key or "none",
            base_url=self._url,
            timeout=settings.timeout,
            max_retries=settings.max_retries,
            http_client=openai.DefaultAsyncHttpxClient(transport=self._transport) if self._transport else None,
        )
        # The library fills these from OPENAI_ORG_ID, OPENAI_PROJECT_ID and OPENAI_CUSTOM_HEADERS, whatever server
        # it talks to; what is meant for one server must not reach another.
        client.organization = client.project = None
        client._custom_headers = {}  # noqa: SLF001  (there is no public way; a test holds it)
        return client

    def _usage(self, completion: JsonObject, messages: Json, model: str) -> JsonObject:
        """What is recorded; a completion that came without a `usage` gets an estimate."""
        counted = bool(completion.get("usage"))
        if not counted:
            completion["usage"] = estimated_usage(messages, content_of(completion))
        usage = recorded_usage(completion["usage"]) | ({} if counted else {"estimated": True})
        cost = cost_of(completion["usage"], model, self._url)
        return usage if cost is None else usage | {"cost": cost}

    async def _complete(self, body: JsonObject, asked: str, key: str) -> JsonObject:
        if self._settings.api_key is None and self._url == OPENAI_URL:
            raise KeyRefusedError(f"{self._url} wants a key and none is set", hint=KEY_HINT)
        client = await self._client.get()
        import openai  # the client's making has loaded it, in a thread

        try:
            return _read(await self._post_in_dialect(client, body, key), self._url)
        except openai.OpenAIError as error:
            raise from_openai(error, self._url, asked, body["model"]) from error

    async def _post_in_dialect(self, client: openai.AsyncOpenAI, body: JsonObject, key: str) -> bytes:
        """Send `body`, telling the server the schema in it in the best way that it accepts."""
        import openai

        model, schema = body["model"], body.pop("schema", None)
        if schema is None:
            return await _post(client, body, key)
        while True:
            dialect = self._dialects.get(model, Dialect())
            try:
                request = body | dialect.request(body["messages"], schema)
                return await _post(client, request, dialect.key_of(key))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                lower = dialect.after_refusal(f"{error} {error.body}")
                if lower is None:
                    raise
                self._dialects[model] = lower


async def _post(client: openai.AsyncOpenAI, body: JsonObject, key: str) -> bytes:
    import httpx2

    options: openai.RequestOptions = {"headers": {"Idempotency-Key": key}, "security": {"bearer_auth": True}}
    if "timeout" in body:
        options["timeout"] = body["timeout"]
    sent = {name: value for name, value in body.items() if name != "timeout"}
    # The bare response, because the library's own reading lets broken answers through or turns them into odd objects.
    response = await client.post("/chat/completions", cast_to=httpx2.Response, body=sent, options=options)
    return response.content


def _read(content: bytes, url: str) -> JsonObject:
    """The completion in a body with status 200, which may be anything."""
    try:
        value = loads(content)
    except JsonError as error:
        raise _unreadable(content, url, f"is not JSON ({error})", retryable=True) from None
    match value:
        case {"choices": [{"message": dict()}, *_]}:
            return dict(value)
        case {"error": failure} if failure:
            raise ConnectorError(f"{url} answered with an error: {cut(str(failure), 300)}", retryable=True)
    raise _unreadable(content, url, "is no chat completion", retryable=False)


def _unreadable(content: bytes, url: str, what: str, *, retryable: bool) -> ConnectorError:
    text = content.decode(errors="replace").strip()
    is_page = text.startswith("<")
    return ConnectorError(
        f"{url} answered with what {what}: {cut(text, 200)!r}",
        retryable=retryable and not is_page,
        hint="this is a web page: is --base-url right? It often ends in /v1" if is_page else None,
    )
