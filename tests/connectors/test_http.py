"""`connectors.http`: what is sent, what is recorded, what is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from aloma_cli.connectors.http import Http
from aloma_cli.errors import ConnectorError, PermanentError
from tests.connectors.support import Recorder, run

Handler = Callable[[httpx2.Request], httpx2.Response]


def use(handler: Handler, function: str, *args: Any, recorder: Recorder | None = None, **kwargs: Any) -> Any:
    async def work() -> Any:
        http = Http(httpx2.MockTransport(handler))
        try:
            return await (recorder or Recorder()).call(http.functions[function], *args, **kwargs)
        finally:
            await http.aclose()

    return run(work())


def test_a_response_is_its_status_headers_body_and_json() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"ok": True}, headers={"X-Left": "3"})

    response = use(answer, "get", "http://crm.test/deals", headers={"Accept": "application/json"})

    assert (response["status"], response["json"]) == (200, {"ok": True})
    assert json.loads(response["body"]) == {"ok": True}
    assert response["headers"]["x-left"] == "3"


@pytest.mark.parametrize("status", [204, 404, 429, 500])
def test_a_status_is_an_answer_and_not_an_error(status: int) -> None:
    response = use(lambda _: httpx2.Response(status, text="no json"), "get", "http://crm.test")

    assert (response["status"], response["body"], response["json"]) == (status, "no json", None)


def test_what_is_not_safe_to_repeat_carries_the_key_of_the_call() -> None:
    """Unless the step brings a key of its own."""
    seen: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("idempotency-key"))
        return httpx2.Response(200)

    use(answer, "get", "http://crm.test")
    use(answer, "post", "http://crm.test", json={"a": 1})
    use(answer, "request", "delete", "http://crm.test")
    use(answer, "post", "http://crm.test", json={}, headers={"idempotency-key": "mine"})

    assert seen == [None, "key-1", "key-1", "mine"]


def test_a_body_is_json_or_text() -> None:
    def echo(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=request.content)

    assert use(echo, "post", "http://crm.test", json={"a": None})["json"] == {"a": None}
    assert use(echo, "post", "http://crm.test", text="plain")["body"] == "plain"
    with pytest.raises(PermanentError, match="a request has one body"):
        use(echo, "post", "http://crm.test", json={}, text="plain")


def test_what_is_recorded_is_what_was_given() -> None:
    recorder = Recorder()

    use(lambda _: httpx2.Response(200), "post", "http://crm.test", json={"a": 1}, timeout=5, recorder=recorder)

    assert recorder.sent == [{"method": "POST", "url": "http://crm.test", "timeout": 5, "json": {"a": 1}}]
    assert recorder.answers[0].about == {"provider": "crm.test"}


@pytest.mark.parametrize("kind", [httpx2.ConnectError, httpx2.ReadTimeout, httpx2.RemoteProtocolError])
def test_where_no_answer_came_trying_again_may_help(kind: type[httpx2.TransportError]) -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        raise kind("the line is dead", request=request)

    with pytest.raises(ConnectorError, match=r"GET http://crm\.test got no answer: the line is dead") as caught:
        use(fail, "get", "http://crm.test")

    assert caught.value.retryable
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize("url", ["crm.test", "ftp://crm.test", "http://crm:port"])
def test_an_address_that_is_none_cannot_be_tried_again(url: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        run(Recorder().call(Http().functions["get"], url))

    assert not caught.value.retryable
    assert url in str(caught.value)


def test_an_argument_that_is_not_json_is_named() -> None:
    with pytest.raises(PermanentError, match=r"connectors\.http\.post: the argument json is not JSON"):
        use(lambda _: httpx2.Response(200), "post", "http://crm.test", json={"when": object()})
