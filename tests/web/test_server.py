"""The HTTP server of a worker, over real connections on loopback."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from aloma_cli.errors import InputError, WorkspaceError
from aloma_cli.web import guard, protocol
from aloma_cli.web.answer import answer
from aloma_cli.web.app import app_of
from aloma_cli.web.server import serving
from tests.support.http_client import Answered, ask, send


async def size(request: Request) -> Response:
    return answer({"bytes": len(await request.body())})


async def page(_request: Request) -> Response:
    return PlainTextResponse("a page", headers={"content-security-policy": "default-src 'self'"})


async def breaks(_request: Request) -> Response:
    raise ValueError("s3cret")


ROUTES = (Route("/size", size, methods=["GET", "POST"]), Route("/page", page), Route("/breaks", breaks))


def served(talk: Callable[[str], Awaitable[Answered]], failures: list[Exception] | None = None) -> Answered:
    """What `talk` gets from a server with the routes above, which takes bodies of 100 bytes."""
    told = [] if failures is None else failures

    async def main() -> Answered:
        async with serving(app_of(ROUTES, failed=told.append, names=["Aloma.example"], most_body=100)) as url:
            return await talk(url)

    return asyncio.run(asyncio.wait_for(main(), 10))


def test_a_route_answers_with_strict_headers() -> None:
    got = served(lambda url: ask(f"{url}/size", "POST", b"12345"))
    assert (got.status, got.json) == (200, {"bytes": 5})
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert (got.headers["cache-control"], got.headers["x-frame-options"]) == ("no-store", "DENY")
    assert "server" not in got.headers


def test_a_route_may_say_what_its_page_brings() -> None:
    got = served(lambda url: ask(f"{url}/page"))
    assert got.headers["content-security-policy"] == "default-src 'self'"


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:80", "192.168.0.7:99", "aloma.EXAMPLE"])
def test_it_answers_for_addresses_and_for_its_own_names(host: str) -> None:
    assert served(lambda url: ask(f"{url}/size", host=host)).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[", "127.0.0.1.evil.example"])
def test_it_answers_for_no_other_name(host: str) -> None:
    got = served(lambda url: ask(f"{url}/size", host=host))
    assert (got.status, got.json) == (421, {"error": "this server does not answer for that host name"})
    assert got.headers["x-frame-options"] == "DENY"


def test_a_page_of_another_site_may_not_post() -> None:
    assert served(lambda url: ask(f"{url}/size", "POST", origin="http://evil.example")).status == 403
    assert served(lambda url: ask(f"{url}/size", "POST", origin="null")).status == 403
    assert served(lambda url: ask(f"{url}/size", "POST", origin="http://[::1")).status == 403
    assert served(lambda url: ask(f"{url}/size", "POST", origin=url)).status == 200


def test_a_large_body_is_refused_whether_its_length_is_told_or_not() -> None:
    assert served(lambda url: ask(f"{url}/size", "POST", b"x" * 100)).status == 200
    told = served(lambda url: ask(f"{url}/size", "POST", b"x" * 101))
    assert (told.status, told.json) == (413, {"error": "the body is larger than 100 bytes"})
    chunks = b"65\r\n" + b"x" * 101 + b"\r\n0\r\n\r\n"
    head = b"POST /size HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    assert served(lambda url: send(url, head + chunks)).status == 413


def test_a_body_that_does_not_come_ends_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY", 0.2)
    head = b"POST /size HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 9\r\n\r\n1234"
    assert served(lambda url: send(url, head)).status == 408


@pytest.mark.parametrize("begun", [b"", b"GET /size HTTP/1.1\r\nhost: local"])
def test_a_connection_without_a_request_is_closed(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD", 0.2)
    assert served(lambda url: send(url, begun)).status == 0


def test_several_requests_of_one_connection_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD", 0.2)
    request = b"GET /size HTTP/1.1\r\nhost: localhost\r\n\r\n"
    assert served(lambda url: send(url, request * 2)).body.count(b'{"bytes":0}') == 2


def test_what_is_not_there_or_breaks_is_answered_in_json_without_details() -> None:
    missing = served(lambda url: ask(f"{url}/nothing"))
    assert (missing.status, missing.json) == (404, {"error": "there is nothing at this path"})
    wrong = served(lambda url: ask(f"{url}/page", "POST"))
    assert (wrong.status, wrong.json) == (405, {"error": "use GET or HEAD, not POST, for this path"})
    failures: list[Exception] = []
    broken = served(lambda url: ask(f"{url}/breaks"), failures)
    assert (broken.status, broken.json) == (500, {"error": "the server failed"})
    assert [str(failure) for failure in failures] == ["s3cret"]


def test_a_client_that_leaves_is_no_failure() -> None:
    async def leave(url: str) -> Answered:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"POST /size HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\n1234")
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.close()
        await asyncio.sleep(0.1)
        return await ask(f"{url}/size")

    failures: list[Exception] = []
    assert served(leave, failures).status == 200
    assert failures == []


def test_it_stops_while_a_client_is_connected() -> None:
    async def main() -> str:
        async with serving(app_of(ROUTES, failed=print)) as url:
            host, port = url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await ask(url)
        return url

    assert asyncio.run(asyncio.wait_for(main(), 10)).startswith("http://127.0.0.1:")


def test_an_address_that_cannot_be_used_is_refused() -> None:
    async def twice() -> None:
        app = app_of(ROUTES, failed=print)
        async with serving(app) as url, serving(app, port=int(url.rpartition(":")[2])):
            pass

    with pytest.raises(InputError, match=r"cannot listen on 127.0.0.1:\d+: Address already in use"):
        asyncio.run(twice())


def test_without_the_extra_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of(ROUTES, failed=print)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.setitem(sys.modules, "starlette.applications", None)

    async def start() -> None:
        async with serving(app):
            pass

    for use in (lambda: asyncio.run(start()), lambda: app_of(ROUTES, failed=print)):
        with pytest.raises(WorkspaceError, match="the HTTP server needs the extra `web`, which is not") as refused:
            use()
        assert refused.value.hint == "run `pip install 'aloma-cli[web]'`"
