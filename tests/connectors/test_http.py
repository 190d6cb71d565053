"""`connectors.http`: what is sent, what is recorded, what is an error."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import json
import socket
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from encodings.aliases import aliases
from typing import Any, cast

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.base import Ask
from aloma_cli.connectors.http import Http
from aloma_cli.errors import ConnectorError, PermanentError
from aloma_cli.jsontext import dumps
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


def failure(handler: Handler, url: str, *, function: str = "get", **options: Any) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        use(handler, function, url, **options)
    return caught.value


def test_a_response_is_its_status_headers_body_and_json() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"ok": True}, headers={"X-Left": "3"})

    response = use(answer, "get", "http://crm.test/deals", headers={"Accept": "application/json"})

    assert (response["status"], response["json"]) == (200, {"ok": True})
    assert json.loads(response["body"]) == {"ok": True}
    assert response["headers"]["x-left"] == "3"


def test_a_refusal_names_the_time_before_which_the_server_wants_no_further_request() -> None:
    error = failure(lambda _: httpx2.Response(429, headers={"Retry-After": "30"}), "http://crm.test/deals")
    assert error.retry_after == 30


@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (404, False), (408, True), (425, True), (429, True), (500, True), (503, True)],
)
def test_a_status_from_400_on_is_an_error_unless_the_step_wants_it_as_an_answer(status: int, retryable: bool) -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, text="the ledger\nis closed")

    error = failure(refuse, "http://crm.test/pay?api_key=abc&page=2")
    response = use(refuse, "get", "http://crm.test", raise_for_status=False)

    assert str(error).startswith(f"GET http://crm.test/pay?api_key=***&page=2 returned {status} ")
    assert str(error).endswith(": the ledger is closed")
    assert (error.status, error.retryable, error.retry_after) == (status, retryable, 0)
    assert (response["status"], response["body"], response["json"]) == (status, "the ledger\nis closed", None)


@pytest.mark.parametrize("status", [204, 304])
def test_other_statuses_are_answers(status: int) -> None:
    assert use(lambda _: httpx2.Response(status), "get", "http://crm.test")["status"] == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "target",
    [
        "http://other.test/x?token=abc",
        "//other.test/x",
        "https://crm.test/x",
        "http://crm.test:81/",
        "http://crm.test:x/",
    ],
)
def test_nothing_follows_a_redirect_to_another_origin(status: int, target: str) -> None:
    seen: list[str] = []

    def redirect(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.host)
        return httpx2.Response(status, headers={"Location": target})

    options: dict[str, Any] = {"headers": {"X-Api-Key": "key"}, "json": {"a": 1}}
    error = failure(redirect, "http://crm.test/deals", function="post", **options)
    shown = {"http://other.test/x?token=abc": "http://other.test/x?token=***", "//other.test/x": "http://other.test/x"}

    assert (error.status, error.retryable, seen) == (status, False, ["crm.test"])
    assert "http://crm.test/deals" in str(error)
    assert str(error).endswith(f"another origin, which is not followed: {shown.get(target, target)}")
    answer = use(redirect, "post", "http://crm.test/deals", raise_for_status=False, **options)
    assert (answer["status"], answer["headers"]["location"], set(seen)) == (status, target, {"crm.test"})


def test_a_redirect_within_the_origin_is_followed_with_what_the_step_gave() -> None:
    seen: list[tuple[str, str, str | None, bytes]] = []

    def redirect(request: httpx2.Request) -> httpx2.Response:
        seen.append((request.method, request.url.path, request.headers.get("cookie"), request.content))
        return httpx2.Response(200) if request.url.path == "/b" else httpx2.Response(307, headers={"Location": "/b"})

    use(redirect, "post", "http://crm.test/a", text="paid", headers={"Cookie": "mine=1"})

    assert seen == [("POST", "/a", "mine=1", b"paid"), ("POST", "/b", "mine=1", b"paid")]


def test_redirects_without_end_are_an_error() -> None:
    error = failure(lambda _: httpx2.Response(302, headers={"Location": "/again"}), "http://crm.test/")

    assert (str(error), error.retryable) == ("GET http://crm.test/again: more than 20 redirects", False)


def test_a_cookie_is_not_kept() -> None:
    seen: list[str | None] = []

    def login(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("cookie"))
        return httpx2.Response(200, headers={"Set-Cookie": "session=1"})

    async def work() -> None:
        http = Http(httpx2.MockTransport(login))
        for _ in range(2):
            await Recorder().call(http.functions["get"], "http://crm.test")
        await http.aclose()

    run(work())

    assert seen == [None, None]


def test_the_timeout_bounds_the_whole_call() -> None:
    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.02)

    started = time.monotonic()
    error = failure(lambda _: httpx2.Response(200, content=drip()), "http://crm.test", timeout=0.2)

    assert (str(error), error.retryable) == ("GET http://crm.test got no answer: no complete answer within 0.2 s", True)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf")])
def test_a_timeout_is_a_positive_number_of_seconds(timeout: float) -> None:
    with pytest.raises(PermanentError, match="is not a positive number of seconds"):
        use(lambda _: httpx2.Response(200), "get", "http://crm.test", timeout=timeout)


def test_an_answer_is_never_unpacked_beyond_its_bound() -> None:
    """300 MB of zeros in 300 kB."""
    bomb = gzip.compress(b"\0" * 300_000_000, 1)
    headers = {"Content-Encoding": "gzip"}

    async def sent() -> AsyncIterator[bytes]:
        for at in range(0, len(bomb), 65536):
            yield bomb[at : at + 65536]

    async def work() -> tuple[str, int]:
        http = Http(httpx2.MockTransport(lambda _: httpx2.Response(200, headers=headers, content=sent())))
        tracemalloc.start()
        with pytest.raises(ConnectorError) as caught:
            await Recorder().call(http.functions["get"], "http://crm.test")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return f"{caught.value} → {caught.value.hint}", peak

    message, peak = run(work())

    assert message == (
        "GET http://crm.test: the answer is larger than 50 MB uncompressed"
        " → raise `limits.max_answer_mb` in aloma.yaml, or ask for less"
    )
    assert peak < 150_000_000


def test_json_is_recorded_once_and_other_bodies_as_they_are() -> None:
    recorder = Recorder()

    def echo(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=request.content)

    bodies = ['{"a": 1.0}', "plain", "null"]
    given = [use(echo, "post", "http://crm.test", text=body, recorder=recorder) for body in bodies]

    kept = [
        {key: value for key, value in answer.value.items() if key in ("json", "body")} for answer in recorder.answers
    ]
    assert kept == [{"json": {"a": 1.0}}, {"body": "plain"}, {"body": "null"}]
    assert [(answer["body"], answer["json"]) for answer in given] == [
        ('{"a":1.0}', {"a": 1.0}),
        ("plain", None),
        ("null", None),
    ]


def test_a_binary_body_is_bytes_and_recorded_in_base64() -> None:
    body, recorder = bytes(range(256)), Recorder()

    answer = use(lambda _: httpx2.Response(200, content=body), "get", "http://crm.test", binary=True, recorder=recorder)

    assert (answer["body"], answer["json"]) == (body, None)
    assert base64.b64decode(recorder.answers[0].value["base64"]) == body


def test_an_answer_on_record_is_given_as_before() -> None:
    """Also one in the form of earlier versions, which held JSON twice."""
    earlier = {"status": 500, "headers": {}, "body": '{"a": 1}', "json": {"a": 1}}
    asked: list[Any] = []

    async def replay(request: Any) -> Any:
        asked.append(request)
        return earlier

    answer = run(Http().functions["get"](cast("Ask", replay), "http://crm.test"))

    assert (answer, asked) == (earlier, [{"method": "GET", "url": "http://crm.test", "timeout": 30.0}])


@pytest.mark.parametrize(
    ("said", "status", "body", "parsed"),
    [
        ("by hand", 200, '"by hand"', "by hand"),
        ({"status": "shipped"}, 200, '{"status":"shipped"}', {"status": "shipped"}),
        ({"status": 7, "id": 1}, 200, '{"status":7,"id":1}', {"status": 7, "id": 1}),
        ({"status": 201}, 201, "", None),
        ({"status": 201, "json": {"id": 1}}, 201, '{"id":1}', {"id": 1}),
    ],
)
def test_what_a_person_says_of_a_request_is_its_body_or_parts_of_its_answer(
    said: Any, status: int, body: str, parsed: Any
) -> None:
    async def settled(request: Any) -> Any:
        return said

    answer = run(Http().functions["post"](cast("Ask", settled), "http://crm.test", json={}))

    assert answer == {**answer, "status": status, "headers": {}, "body": body, "json": parsed}


@given(
    st.sampled_from(
        [*sorted({*aliases.values(), *aliases}), "undefined", "idna", "punycode", "no-such", "a\0b", '"', ""]
    ),
    st.binary(max_size=40),
)
def test_no_charset_and_no_body_is_an_error_of_ours(charset: str, body: bytes) -> None:
    headers = {b"Content-Type": f"text/plain; charset={charset}".encode()}

    answer = use(lambda _: httpx2.Response(200, content=body, headers=headers), "get", "http://crm.test")

    assert isinstance(answer["body"], str)
    dumps(answer)


@pytest.mark.parametrize("charset", ["hex", "rot13", "undefined", "zip", "klingon"])
def test_a_charset_that_is_none_is_marked(charset: str) -> None:
    headers = {"Content-Type": f"text/plain; charset={charset}"}

    answer = use(lambda _: httpx2.Response(200, content="ä".encode(), headers=headers), "get", "http://crm.test")

    note = f"the charset {charset!r} is unknown; the body was decoded as UTF-8"
    assert (answer["body"], answer["note"]) == ("ä", note)


def test_a_login_in_an_address_is_sent_and_never_recorded() -> None:
    """Not even where the server gives it back."""
    recorder, seen = Recorder(), []

    def echo(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("authorization", ""))
        status = 500 if request.url.path == "/fail" else 200
        return httpx2.Response(status, text=f"{seen[-1]} is ann:s3cret/word")

    answer = use(echo, "get", "http://ann:s3cret%2Fword@crm.test/", recorder=recorder)
    error = failure(echo, "http://ann:s3cret%2Fword@crm.test/fail", recorder=recorder)
    use(echo, "get", "http://ann:s3cret%2Fword@crm.test/", headers={"authorization": "Bearer mine"})
    use(echo, "get", "http://crm.test/")

    encoded = base64.b64encode(b"ann:s3cret/word").decode()
    assert seen == [f"Basic {encoded}", f"Basic {encoded}", "Bearer mine", ""]
    assert recorder.sent[0] == {"method": "GET", "url": "http://crm.test/", "timeout": 30.0, "login": True}
    assert answer["body"] == "Basic «secret:url-login» is ann:«secret:url-password»"
    told = f"{recorder} {answer} {error}"
    assert not [part for part in ("s3cret", encoded) if part in told]


@pytest.mark.parametrize("url", ["http://ann:s3cret/word@crm.test", "http://ann:s3cret@crm:x", "ann:s3cret@crm.test"])
def test_a_login_that_cannot_be_told_from_the_address_is_not_shown(url: str) -> None:
    recorder = Recorder()

    with pytest.raises(PermanentError, match="is not the address of a server") as caught:
        use(lambda _: httpx2.Response(200), "get", url, recorder=recorder)

    assert "s3cret" not in f"{caught.value} {recorder}"


@pytest.mark.parametrize("headers", [{"X-Name": "☃"}, {"X-Name": "a\nb"}, {"X-Name": 1}])
def test_a_header_that_cannot_be_sent_is_an_error_that_stays(headers: dict[str, Any], loopback: str) -> None:
    with pytest.raises(ConnectorError, match="cannot be sent") as caught:
        run(Recorder().call(Http().functions["get"], loopback, headers=headers))

    assert not caught.value.retryable


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


def test_the_innermost_reason_of_a_refused_connection_is_told() -> None:
    def refuse(request: httpx2.Request) -> httpx2.Response:
        hidden = httpx2.ConnectError("All connection attempts failed", request=request)
        hidden.__context__ = ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)")
        raise hidden from None

    assert str(failure(refuse, "http://crm.test")) == "GET http://crm.test got no answer: connection refused"


def test_the_reason_is_not_the_error_that_the_step_handles() -> None:
    def fail(request: httpx2.Request) -> httpx2.Response:
        dead = httpx2.ConnectError("the line is dead", request=request)
        dead.__context__ = ValueError("an error of the step")
        raise dead

    assert str(failure(fail, "http://crm.test")) == "GET http://crm.test got no answer: the line is dead"


@pytest.mark.parametrize("url", ["crm.test", "ftp://crm.test", "http://crm:port"])
def test_an_address_that_is_none_cannot_be_tried_again(url: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        run(Recorder().call(Http().functions["get"], url))

    assert not caught.value.retryable
    assert url in str(caught.value)


def test_an_argument_that_is_not_json_is_named() -> None:
    with pytest.raises(PermanentError, match=r"connectors\.http\.post: the argument json is not JSON"):
        use(lambda _: httpx2.Response(200), "post", "http://crm.test", json={"when": object()})


# -- effects -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "headers", "effect"),
    [
        ("GET", {}, "read"),
        ("HEAD", {}, "read"),
        ("OPTIONS", {}, "read"),
        ("PUT", {}, "idempotent"),
        ("DELETE", {}, "idempotent"),
        ("POST", {}, "once"),
        ("PATCH", {}, "once"),
        ("POST", {"Idempotency-Key": "7"}, "idempotent"),
        ("PURGE", {"x": "y"}, "once"),
    ],
)
def test_the_effect_of_a_request_follows_from_its_method(method: str, headers: dict[str, str], effect: str) -> None:
    request = {"method": method, "url": "http://crm.test", **({"headers": headers} if headers else {})}
    assert Http().functions["request"].effect(request) == effect


@pytest.mark.parametrize(
    ("error", "unanswered"),
    [
        (httpx2.ConnectError("refused"), False),
        (httpx2.ConnectTimeout("late"), False),
        (httpx2.PoolTimeout("late"), False),
        (httpx2.ProxyError("407"), False),
        (httpx2.ReadTimeout("late"), True),
        (httpx2.WriteError("broken pipe"), True),
        (httpx2.ReadError("reset"), True),
        (httpx2.RemoteProtocolError("closed"), True),
    ],
)
def test_a_request_that_may_have_been_carried_out_is_unanswered(error: Exception, unanswered: bool) -> None:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    with pytest.raises(ConnectorError) as caught:
        run(Recorder().call(Http(httpx2.MockTransport(fail)).functions["post"], "http://crm.test"))
    assert (caught.value.unanswered, caught.value.retryable) == (unanswered, True)


@pytest.mark.parametrize("accepts", [True, False])
def test_only_a_request_that_left_is_unanswered(accepts: bool) -> None:
    """A server that accepts connections and never answers, and one that accepts none."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        if not accepts:  # what waits to be accepted leaves no room
            for _ in range(4):
                one = stack.enter_context(socket.socket())
                one.setblocking(False)
                one.connect_ex(server.getsockname())
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ConnectorError) as caught:
            run(Recorder().call(Http().functions["post"], url, timeout=0.3))
    assert caught.value.unanswered == accepts
