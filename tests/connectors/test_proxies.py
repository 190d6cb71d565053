"""Proxies that the environment names: one that cannot be used is named, and one that is used as well."""

from __future__ import annotations

import pytest

from aloma_cli.connectors.base import Call
from aloma_cli.connectors.http import Http
from aloma_cli.connectors.providers import openai
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConnectorError
from tests.connectors.support import Recorder, run

ASKED = Call("openai.chat", {"model": "m", "messages": []}, "key", "task", "step", 1, {})


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https", "all", "no"):
        for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper()):
            monkeypatch.delenv(name, raising=False)


def by_http(url: str) -> ConnectorError:
    async def work() -> None:
        http = Http()
        try:
            await Recorder().call(http.functions["get"], url)
        finally:
            await http.aclose()

    with pytest.raises(ConnectorError) as caught:
        run(work())
    return caught.value


def by_model(url: str) -> ConnectorError:
    async def work() -> None:
        server = openai.open(ModelSettings(base_url=url, max_retries=0))
        try:
            await server.send(ASKED)
        finally:
            await server.aclose()

    with pytest.raises(ConnectorError) as caught:
        run(work())
    return caught.value


BOTH = pytest.mark.parametrize("fail", [by_http, by_model])


@BOTH
@pytest.mark.parametrize("variable", ["ALL_PROXY", "http_proxy", "HTTPS_PROXY"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("socks://me:s3cret@127.0.0.1:1", "names a proxy of an unknown type, socks"),
        ("socks5://me:s3cret@127.0.0.1:1", "names a SOCKS proxy, and the package socksio is not installed"),
        ("http://me:s3cret@127.0.0.1:port", "is not the address of a proxy"),
        ("http://[", "is not the address of a proxy"),
        ("http://", "is not the address of a proxy"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, fail: object, variable: str, value: str, why: str
) -> None:
    """Once and for all: trying again cannot help."""
    assert callable(fail)
    monkeypatch.setenv(variable, value)

    error = fail("http://127.0.0.1:1/v1")

    assert str(error).startswith(f"{variable}=")
    assert str(error).endswith(f"in the environment {why}")
    assert f"unset {variable}, or set it to an address such as http://127.0.0.1:3128" in str(error.hint)
    assert (error.retryable, "s3cret" in str(error)) == (False, False)


@BOTH
@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_where_no_connection_comes_about_the_proxy_is_named(
    monkeypatch: pytest.MonkeyPatch, fail: object, variable: str
) -> None:
    assert callable(fail)
    monkeypatch.setenv(variable, "http://me:s3cret@127.0.0.1:1")

    error = fail("http://127.0.0.1:2/v1")

    assert f"http://127.0.0.1:2/v1 through {variable}=http://127.0.0.1:1 " in str(error)
    assert (error.retryable, "s3cret" in str(error)) == (True, False)


@BOTH
def test_a_proxy_that_is_not_used_is_not_named(monkeypatch: pytest.MonkeyPatch, fail: object) -> None:
    assert callable(fail)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    assert "through" not in str(fail("http://127.0.0.1:2/v1"))
