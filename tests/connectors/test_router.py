"""Which server a call goes to, with which key, and who answers where that one cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx2
import pytest

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.server import ChatServer
from aloma_cli.connectors.providers import openai as provider
from aloma_cli.connectors.providers.router import Router
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConnectorError, KeyRefusedError
from tests.connectors.support import completion, run

A, B = "http://a.test/v1", "http://b.test/v1"
MESSAGES = [{"role": "user", "content": "Hi"}]

Reply = Callable[[httpx2.Request], httpx2.Response]


def refusal(status: int, **error: Any) -> Reply:
    return lambda _: httpx2.Response(status, json={"error": error})


def unreachable(_: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("connection refused")


def said(content: str | None, **choice: Any) -> Reply:
    return lambda _: httpx2.Response(200, json=completion(content, **choice))


class Hosts:
    """The network, by the host of the request; `seen` is what arrived: host, path, model, key."""

    def __init__(self, **hosts: Reply) -> None:
        self._hosts = hosts
        self.seen: list[tuple[str, str, str, str | None]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        host, headers = request.url.host.partition(".")[0], request.headers
        model = json.loads(request.content)["model"]
        key = headers.get("authorization", "").removeprefix("Bearer ") or headers.get("api-key")
        self.seen.append((host, request.url.raw_path.decode(), model, key))
        return self._hosts[host](request)


def server(name: str, url: str, **more: Any) -> ModelSettings:
    return ModelSettings(base_url=url, name=name, max_retries=0, **more)


def ask(
    hosts: Hosts, asked: str = "default", *, times: int = 1, extra: Any = None, last: str | None = None, **settings: Any
) -> Answer:
    """The last answer to `times` calls; the servers are `a`, which is the one of the run, and `b`.

    `last`: the fallback that answered the call before.
    """
    a, b = server("a", A, api_key="key-of-a"), server("b", B, api_key="key-of-b")
    given = ModelSettings(
        base_url=A, name="a", api_key="key-of-a", max_retries=0, **{"servers": {"a": a, "b": b}, **settings}
    )
    transport = httpx2.MockTransport(hosts)
    router = Router(
        given, partial(ChatServer, url=provider.URL, key_variable=provider.KEY_VARIABLE, transport=transport)
    )

    async def work() -> Answer:
        try:
            arguments = {"model": asked, "messages": MESSAGES, **(extra or {})}
            call = Call("openai.chat", arguments, "the-key", "t", "s", 1, {}, fallback=last)
            return [await router.send(call) for _ in range(times)][-1]
        finally:
            await router.aclose()

    return run(work())


@pytest.mark.parametrize(
    ("model", "settings", "seen"),
    [
        ("m", {}, ("a", "m", "key-of-a")),
        ("a/m", {}, ("a", "m", "key-of-a")),
        ("b/m", {}, ("b", "m", "key-of-b")),
        ("b/org/m", {}, ("b", "org/m", "key-of-b")),
        ("org/m", {}, ("a", "org/m", "key-of-a")),
        ("gpt-4", {"models": {"gpt-4": "b/qwen"}}, ("b", "qwen", "key-of-b")),
        ("gpt-4", {"models": {"gpt-4": "qwen", "qwen": "b/other"}}, ("a", "qwen", "key-of-a")),
        ("gpt-4", {"model": "b/typed", "models": {"gpt-4": "qwen"}}, ("b", "typed", "key-of-b")),
        ("b/m", {"servers": {}}, ("a", "b/m", "key-of-a")),
    ],
)
def test_a_call_goes_to_the_server_in_the_name_of_its_model_with_the_key_of_that_server(
    model: str, settings: dict[str, Any], seen: tuple[str, str, str]
) -> None:
    hosts = Hosts(a=said("from a"), b=said("from b"))
    answer = ask(hosts, model, **settings)
    assert [(host, name, key) for host, _, name, key in hosts.seen] == [seen]
    assert answer.about == {"server": seen[0], "provider": f"{seen[0]}.test", "model": "gpt-4o-2024-08-06"}


OUTAGES = [
    (unreachable, "cannot connect to"),
    (refusal(503, message="overloaded"), "failed (503"),
    (refusal(429, message="slow down"), "is rate limiting"),
    (refusal(429, message="no credit", code="insufficient_quota"), "no credit"),
    (refusal(402, message="pay first"), "pay first"),
    (refusal(404, message="no such model", code="model_not_found"), "does not have the model"),
    (refusal(400, message="not allowed", code="content_filter"), "refused the content"),
    (lambda _: httpx2.Response(200, text="<html><title>Gateway</title>"), "returned a web page"),
]


@pytest.mark.parametrize(("outage", "reason"), OUTAGES)
def test_another_server_answers_where_the_first_cannot(outage: Reply, reason: str) -> None:
    hosts = Hosts(a=outage, b=said("from b"))
    answer = ask(hosts, "m", fallbacks={"*": ("b/other",)})
    assert [(host, model, key) for host, _, model, key in hosts.seen] == [
        ("a", "m", "key-of-a"),
        ("b", "other", "key-of-b"),
    ]
    assert answer.about is not None
    [before] = answer.about["instead_of"]
    assert (answer.about["server"], before["server"], before["model"]) == ("b", "a", "m")
    assert reason in before["error"]


def test_headers_that_a_step_gave_for_one_server_are_not_sent_to_another() -> None:
    seen: dict[str, tuple[str | None, str]] = {}

    def watched(reply: Reply) -> Reply:
        def answer(request: httpx2.Request) -> httpx2.Response:
            seen[request.url.host] = (request.headers.get("x-key"), request.url.query.decode())
            return reply(request)

        return answer

    extra = {"extra_headers": {"X-Key": "of-a"}, "extra_query": {"key": "of-a"}, "extra_body": {"top_k": 1}}
    ask(Hosts(a=watched(unreachable), b=watched(said("yes"))), "m", extra=extra, fallbacks={"*": ("b/x",)})
    assert seen == {"a.test": ("of-a", "key=of-a"), "b.test": (None, "")}


@pytest.mark.parametrize("ours", [refusal(400, message="bad schema"), refusal(401, message="wrong key")])
def test_a_mistake_of_ours_goes_to_no_other_server(ours: Reply) -> None:
    hosts = Hosts(a=ours, b=said("from b"))
    with pytest.raises(ConnectorError):
        ask(hosts, "m", fallbacks={"*": ("b/other",)})
    assert len(hosts.seen) == 1


@pytest.mark.parametrize(
    "refused",
    [
        {"message": {"role": "assistant", "content": "", "refusal": "no"}},
        {"finish_reason": "content_filter"},
        {"finish_reason": "error"},
    ],
)
def test_a_model_that_refuses_is_replaced_and_what_it_took_is_counted(refused: dict[str, Any]) -> None:
    answer = ask(Hosts(a=said("", **refused), b=said("yes")), "m", fallbacks={"m": ("b/other",)})
    assert answer.value["choices"][0]["message"]["content"] == "yes"
    assert answer.usage == {"input_tokens": 20, "output_tokens": 10}
    assert answer.about is not None
    [before] = answer.about["instead_of"]
    assert (before["server"], before["model"]) == ("a", "gpt-4o-2024-08-06")
    assert before["error"] in ("m refused to answer", "m broke off its answer")


def test_a_server_that_is_down_is_passed_over_for_a_while_and_the_record_says_why() -> None:
    hosts = Hosts(a=refusal(503, message="overloaded"), b=said("from b"))
    answer = ask(hosts, "m", times=3, fallbacks={"*": ("b/x",)})
    assert [host for host, *_ in hosts.seen] == ["a", "b", "b", "b"]
    assert answer.about is not None
    [before] = answer.about["instead_of"]
    assert before["server"] == "a"
    assert before["error"].startswith("skipped, because the previous call failed: http://a.test/v1 failed")

    hosts = Hosts(a=refusal(404, message="no such model", code="model_not_found"), b=said("from b"))
    ask(hosts, "m", times=2, fallbacks={"*": ("b/x",)})
    assert [host for host, *_ in hosts.seen] == ["a", "b", "a", "b"], "only an outage passes by itself"


def test_the_last_refusal_is_the_answer_and_the_last_error_is_raised_with_those_before() -> None:
    refused = said("", finish_reason="content_filter")
    assert ask(Hosts(a=unreachable, b=refused), "m", fallbacks={"*": ("b/x",)}).value["choices"][0]["finish_reason"]
    with pytest.raises(ConnectorError, match="failed") as caught:
        ask(Hosts(a=unreachable, b=refusal(500, message="oh")), "m", fallbacks={"*": ("b/x",)})
    assert caught.value.about is not None
    assert caught.value.about["server"] == "b"
    assert "cannot connect" in str(caught.value.about["instead_of"])


@pytest.mark.parametrize(
    ("model", "fallbacks", "asked"),
    [
        ("m", {"m": ("b/x",), "*": ("b/y",)}, ["m", "x"]),
        ("other", {"m": ("b/x",), "*": ("b/y",)}, ["other", "y"]),
        ("m", {"m": ()}, ["m"]),
        ("gpt-4", {"gpt-4": ("b/x",)}, ["q", "x"]),
        ("gpt-4", {"q": ("b/x",)}, ["q", "x"]),
        ("m", {"*": ("gpt-4", "m", "b/x")}, ["m", "q", "x"]),
    ],
)
def test_fallbacks_are_asked_in_order_and_each_once(
    model: str, fallbacks: dict[str, tuple[str, ...]], asked: list[str]
) -> None:
    hosts = Hosts(a=unreachable, b=unreachable)
    with pytest.raises(ConnectorError):
        ask(hosts, model, models={"gpt-4": "q"}, fallbacks=fallbacks)
    assert [name for _, _, name, _ in hosts.seen] == asked


def test_azure_gets_its_key_in_a_header_of_its_own_and_its_older_interface_an_address_for_each_model() -> None:
    url = "http://b.test/openai"
    old = server("b", url, api_key="azure-key", kind="azure", api_version="2024-10-21")
    new = server("b", f"{url}/v1", api_key="azure-key", kind="azure")
    hosts = Hosts(b=said("yes"))
    for one in (old, new):
        ask(hosts, "b/gpt", servers={"b": one})
    assert hosts.seen == [
        ("b", "/openai/deployments/gpt/chat/completions?api-version=2024-10-21", "gpt", "azure-key"),
        ("b", "/openai/v1/chat/completions", "gpt", "azure-key"),
    ]


def test_a_named_server_without_the_key_that_it_requires_is_not_called() -> None:
    hosts = Hosts(b=said("yes"))
    with pytest.raises(KeyRefusedError) as caught:
        ask(hosts, "b/m", servers={"b": server("b", B, key_variable="B_KEY")}, fallbacks={"*": ("m",)})
    assert (hosts.seen, "B_KEY" in str(caught.value.hint)) == ([], True)


@pytest.mark.parametrize(
    ("fallback", "hosts"), [("b/other", ["b"]), (None, ["a"]), ("b/unknown", ["a"]), ("m", ["a"]), ("a/m", ["a"])]
)
def test_a_conversation_stays_with_the_model_that_answered(fallback: str | None, hosts: list[str]) -> None:
    network = Hosts(a=said("from a"), b=said("from b"))
    answer = ask(network, "m", fallbacks={"*": ("b/other",)}, last=fallback)
    assert [host for host, *_ in network.seen] == hosts
    assert (answer.about or {}).get("fallback") == ("b/other" if hosts == ["b"] else None)


def test_the_others_are_asked_where_the_one_that_answered_cannot_any_more() -> None:
    network = Hosts(a=said("from a"), b=unreachable)
    answer = ask(network, "m", fallbacks={"*": ("b/other", "b/last")}, last="b/last")
    assert [(host, model) for host, _, model, _ in network.seen] == [("b", "last"), ("a", "m")]
    assert "fallback" not in (answer.about or {})
