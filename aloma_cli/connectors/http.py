"""`connectors.http`: any HTTP request, recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aloma_cli.connectors.base import Answer, Ask, Call, Function, plain
from aloma_cli.connectors.lazily import Lazily
from aloma_cli.errors import ConnectorError, PermanentError
from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, loads

if TYPE_CHECKING:
    import httpx2

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Http:
    """The border of all functions here. `transport` stands in for the network in tests."""

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._transport = transport
        self._client = Lazily(self._make_client)
        self.functions: Mapping[str, Function] = {
            "request": Request(self),
            "get": RequestBy(self, "GET"),
            "post": RequestBy(self, "POST"),
        }

    async def send(self, call: Call) -> Answer:
        """`{status, headers, body, json}` whatever the status; `json` is None where the body is not JSON.

        Raises ConnectorError, retryable, where no answer came: no connection, or not in time.
        """
        client = await self._client.get()
        import httpx2

        arguments = call.arguments
        place = f"{arguments['method']} {arguments['url']}"
        try:
            response = await client.request(**_as_sent(arguments, call.key))
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise ConnectorError(f"{place}: {error}", hint="an address begins with https://") from error
        except httpx2.HTTPError as error:
            raise ConnectorError(
                f"{place} got no answer: {cut(str(error) or type(error).__name__, 300)}", retryable=True
            ) from error
        return Answer(_as_recorded(response), about={"provider": response.url.host})

    async def aclose(self) -> None:
        """Close the connections, if any was opened."""
        if self._client.made is not None:
            await self._client.made.aclose()

    def _make_client(self) -> httpx2.AsyncClient:
        import httpx2

        return httpx2.AsyncClient(transport=self._transport, follow_redirects=True)


class Request:
    """`http.request(method, url, headers=None, json=None, text=None, timeout=30)`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def __call__(self, ask: Ask, /, method: str, url: str, **options: Any) -> Json:
        """The response: `{status, headers, body, json}`."""
        return await ask(_request("http.request", method, url, **options))

    async def send(self, call: Call) -> Answer:
        return await self._http.send(call)


class RequestBy(Request):
    """`http.get(url, ...)`, `http.post(url, ...)`: `http.request` with its method given."""

    def __init__(self, http: Http, method: str) -> None:
        super().__init__(http)
        self._method = method

    async def __call__(self, ask: Ask, /, url: str, **options: Any) -> Json:  # type: ignore[override]  # no method
        """The response: `{status, headers, body, json}`."""
        return await ask(_request(f"http.{self._method.lower()}", self._method, url, **options))


def _request(
    name: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Json = None,
    text: str | None = None,
    timeout: float = 30.0,
) -> JsonObject:
    if json is not None and text is not None:
        raise PermanentError(f"connectors.{name} was given json and text, and a request has one body")
    given = {"headers": headers, "json": json, "text": text}
    request: JsonObject = {"method": method.upper(), "url": url, "timeout": timeout}
    return request | {key: plain(name, key, value) for key, value in given.items() if value is not None}


def _as_sent(arguments: JsonObject, key: str) -> dict[str, Any]:
    sent = dict(arguments)
    if "text" in sent:
        sent["content"] = sent.pop("text")
    headers = dict(sent.get("headers", {}))
    if sent["method"] not in _SAFE and not any(name.lower() == "idempotency-key" for name in headers):
        headers["Idempotency-Key"] = key
    return sent | {"headers": headers}


def _as_recorded(response: httpx2.Response) -> JsonObject:
    try:
        parsed = loads(response.content)
    except JsonError:
        parsed = None
    return {
        "status": response.status_code,
        "headers": dict(response.headers),
        "body": response.text,
        "json": parsed,
    }
