"""`connectors.http`: any HTTP request, recorded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aloma_cli.connectors.address import Login, is_url, shown, shown_broken, split_login
from aloma_cli.connectors.base import Answer, Ask, Call, Effect, Function, is_retryable, plain
from aloma_cli.connectors.cause import cause
from aloma_cli.connectors.http_answer import as_given, as_recorded, words_of
from aloma_cli.connectors.lazy import Lazily
from aloma_cli.connectors.retry_after import wait_in
from aloma_cli.connectors.settings import MAX_ANSWER
from aloma_cli.errors import ConnectorError, PermanentError
from aloma_cli.jsontext import Json, JsonObject, cut
from aloma_cli.redact import Redactor
from aloma_cli.threads import in_thread

if TYPE_CHECKING:
    import httpx2

    from aloma_cli.connectors.client import Client

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_REPEATABLE = frozenset({"PUT", "DELETE"})
_KEY = "idempotency-key"
_LARGE = 1_000_000

_login: ContextVar[Login | None] = ContextVar("login", default=None)
"""The user and password of the current request, kept out of its arguments because these are recorded."""


class Http:
    """Sends the requests of all functions here.

    `max_answer`: bytes of an answer, uncompressed. `transport` replaces the network in tests.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport | None = None, *, max_answer: int = MAX_ANSWER) -> None:
        self._transport = transport
        self._max_answer = max_answer
        self._client = Lazily(self._make_client)
        self.functions: Mapping[str, Function] = {
            "request": RequestFunction(self),
            "get": RequestBy(self, "GET"),
            "post": RequestBy(self, "POST"),
        }

    async def send(self, call: Call) -> Answer:
        """The answer for the record (`http_answer.as_recorded`).

        Raises ConnectorError for a status from 400 and for a redirect to another origin, unless the call has
        `raise_for_status=False`; for no answer in time, and for too large an answer.
        """
        arguments, login = call.arguments, _login.get()
        place = f"{arguments['method']} {shown(arguments['url'])}"
        call.progress("waiting", seconds=arguments.get("timeout"))
        with _without(login) as redactor:
            response = await self._response(place, _as_sent(arguments, call.key, login))
            if arguments.get("raise_for_status", True):
                _refuse_status(place, response)
            recorded = await _recorded(response, binary=arguments.get("binary", False))
        return Answer(redactor.value(recorded), about={"provider": response.request.url.host})

    async def aclose(self) -> None:
        """Close the open connections."""
        if self._client.made is not None:
            await self._client.made.aclose()

    async def _response(self, place: str, sent: dict[str, Any]) -> httpx2.Response:
        client = await self._client.get()
        import httpx2  # the client's making has loaded it, in a thread

        try:
            return await client.send(client.build_request(**sent))
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise ConnectorError(f"{place}: {error}", hint="use an address that begins with https://") from error
        except (httpx2.LocalProtocolError, TypeError, ValueError) as error:
            raise ConnectorError(f"{place} cannot be sent: {cut(str(error), 300)}") from error
        except httpx2.HTTPError as error:
            unsent = httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.ProxyError
            said = f"{place}{_no_answer(client, sent['url'], error)}"
            raise ConnectorError(said, retryable=True, unanswered=not isinstance(error, unsent)) from error

    def _make_client(self) -> Client:
        from aloma_cli.connectors.client import Client

        return Client(transport=self._transport, max_answer=self._max_answer)


def _no_answer(client: Client, url: str, error: httpx2.HTTPError) -> str:
    import httpx2

    if isinstance(error, httpx2.TimeoutException):
        return f" got no answer: {error}"
    proxy = client.proxy(url)
    return f"{f' through {proxy}' if proxy else ''} got no answer: {cut(cause(error), 300)}"


class RequestFunction(Function):
    """`http.request(method, url, **options)`, with the options of `_request`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def __call__(self, ask: Ask, /, method: str, url: str, **options: Any) -> Any:
        """The answer as a step gets it (`http_answer.as_given`)."""
        return await _ask_for(ask, "http.request", method, url, options)

    async def send(self, call: Call) -> Answer:
        return await self._http.send(call)

    def effect(self, arguments: JsonObject) -> Effect:
        """By the method. A key of the step's own says that the server knows a repeated request by it."""
        if arguments["method"] in _SAFE:
            return "read"
        has_key = any(name.lower() == _KEY for name in arguments.get("headers", {}))
        return "idempotent" if has_key or arguments["method"] in _REPEATABLE else "once"

    def described(self, name: str) -> tuple[str, JsonObject]:  # noqa: ARG002  (all are alike)
        """A model gives the address and, where there is one, the body; headers and keys are the author's."""
        return _as_tool(("GET", "POST", "PUT", "PATCH", "DELETE"))

    def for_model(self, result: Any) -> Any:
        return {"status": result["status"], "body": result["body"] if result["json"] is None else result["json"]}


def _as_tool(methods: tuple[str, ...]) -> tuple[str, JsonObject]:
    properties: JsonObject = {"url": {"type": "string", "description": "The whole address."}}
    if methods != ("GET",):
        properties["json"] = {"description": "The body, as JSON."}
    if len(methods) > 1:
        properties["method"] = {"type": "string", "enum": [*methods]}
    required = [key for key in properties if key != "json"]
    schema = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return f"Send an HTTP request ({', '.join(methods)}) and get its answer.", schema


class RequestBy(RequestFunction):
    """`http.get(url, ...)`, `http.post(url, ...)`: `http.request` with its method given."""

    def __init__(self, http: Http, method: str) -> None:
        super().__init__(http)
        self._method = method

    def described(self, name: str) -> tuple[str, JsonObject]:  # noqa: ARG002  (all are alike)
        return _as_tool((self._method,))

    async def __call__(self, ask: Ask, /, url: str, **options: Any) -> Any:  # type: ignore[override]  # no method
        """The answer as a step gets it (`http_answer.as_given`)."""
        return await _ask_for(ask, f"http.{self._method.lower()}", self._method, url, options)


async def _ask_for(ask: Ask, name: str, method: str, url: str, options: dict[str, Any]) -> Any:
    bare, login = _split_address(name, url)
    request = _request(name, method, bare, **options)
    token = _login.set(login)
    try:
        return as_given(await ask(request if login is None else {**request, "login": True}))
    finally:
        _login.reset(token)


def _split_address(name: str, url: object) -> tuple[str, Login | None]:
    if not isinstance(url, str):
        raise PermanentError(f"connectors.{name}: the url must be a string, got {type(url).__name__}")
    bare, login = split_login(url)
    if "@" in url and not is_url(bare):
        raise PermanentError(
            f"connectors.{name}: {shown_broken(url)} is not the address of a server",
            hint="percent-encode special characters in the user name and the password (urllib.parse.quote)",
        )
    return bare, login


def _request(
    name: str,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    json: Json = None,
    text: str | None = None,
    timeout: float | None = 30.0,
    raise_for_status: bool = True,
    binary: bool = False,
) -> JsonObject:
    if json is not None and text is not None:
        raise PermanentError(f"connectors.{name} was given both json and text; a request has one body")
    if timeout is not None and not 0 < timeout < math.inf:
        raise PermanentError(f"connectors.{name}: the timeout {timeout} is not a positive number of seconds")
    given = {"headers": headers, "json": json, "text": text}
    request: JsonObject = {"method": method.upper(), "url": url, "timeout": timeout}
    request |= {key: plain(name, key, value) for key, value in given.items() if value is not None}
    # A default is left out, because the arguments identify calls that earlier programs recorded.
    flags = {"raise_for_status": False} if not raise_for_status else {}
    return request | flags | ({"binary": True} if binary else {})


def _as_sent(arguments: JsonObject, key: str, login: Login | None) -> dict[str, Any]:
    sent: dict[str, Any] = {name: arguments[name] for name in ("method", "url", "timeout", "json") if name in arguments}
    headers = dict(arguments.get("headers", {}))
    given = {name.lower() for name in headers}
    if arguments["method"] not in _SAFE and _KEY not in given:
        headers["Idempotency-Key"] = key
    if login is not None and "authorization" not in given:
        headers["Authorization"] = login.header
    return {**sent, "headers": headers, "content": arguments.get("text")}


def _refuse_status(place: str, response: httpx2.Response) -> None:
    status, hint = response.status_code, "use raise_for_status=False to get every status as an answer"
    if response.has_redirect_location:
        target = shown(str(response.next_request.url if response.next_request else response.headers["location"]))
        raise ConnectorError(
            f"{place} returned {status}, a redirect to another origin, which is not followed: {target}",
            status=status,
            hint="if that address is right, call it; headers and body were not sent there",
        )
    if status >= 400:
        said = words_of(response)
        error = ConnectorError(f"{place} returned {said}", retryable=is_retryable(status), status=status, hint=hint)
        error.retry_after = wait_in(response.headers, datetime.now(UTC))
        raise error


async def _recorded(response: httpx2.Response, *, binary: bool) -> JsonObject:
    if len(response.content) < _LARGE:
        return as_recorded(response, binary=binary)
    return await in_thread(lambda: as_recorded(response, binary=binary), name="http answer")


@contextmanager
def _without(login: Login | None) -> Iterator[Redactor]:
    """A redactor of the login; it also redacts errors raised in this context."""
    redactor = Redactor(login.secrets("url") if login else ())
    try:
        yield redactor
    except ConnectorError as error:
        error.args = (redactor.text(str(error)),)
        raise
