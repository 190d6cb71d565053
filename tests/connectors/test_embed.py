"""Texts as vectors: asked for, read whatever comes, recorded briefly, counted, priced, and simulated."""

from __future__ import annotations

import contextlib
import json
import math
from typing import Any

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.embed import Embed, packed, read_embeddings, unpacked
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.errors import ConnectorError, PermanentError
from aloma_cli.jsontext import dumps
from tests.connectors.support import Recorder, run
from tests.connectors.test_openai import Wire, opened, reply

OPENAI = "https://api.openai.com/v1"


def vectors(*given: Any, **more: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(given)]
    return {"object": "list", "data": data, "usage": {"prompt_tokens": 6, "total_tokens": 6}, **more}


def embed(wire: Wire, *, base_url: str = "http://model.test/v1", **arguments: Any) -> tuple[Any, Recorder]:
    recorder = Recorder()
    settings = ModelSettings(base_url=base_url, api_key="sk-test-12345678", max_retries=0)

    async def work() -> Any:
        server = opened(settings, wire)
        try:
            return await recorder.call(Embed(server.send, name="openai.embed", price=server.price), **arguments)
        finally:
            await server.aclose()

    return run(work()), recorder


def test_each_text_gets_its_vector_and_the_answer_has_the_openai_form() -> None:
    wire = Wire((reply(body=vectors([0.5, -0.25], [1, 0], model="small")),))

    answer, recorder = embed(wire, input=["a", "b"], model="small", dimensions=2)

    assert answer.vectors == [[0.5, -0.25], [1.0, 0.0]]
    assert answer.data[1].embedding == [1.0, 0.0]
    assert answer.usage.total_tokens == 6
    assert wire.bodies == [{"model": "small", "input": ["a", "b"], "dimensions": 2}]
    assert str(wire.requests[0].url) == "http://model.test/v1/embeddings"
    assert recorder.sent == [{"model": "small", "input": ["a", "b"], "dimensions": 2}]


def test_one_text_is_a_list_of_one() -> None:
    answer, recorder = embed(Wire((reply(body=vectors([1.0])),)), input="a")

    assert answer.vectors == [[1.0]]
    assert recorder.sent[0] == {"model": "default", "input": ["a"]}


def test_vectors_come_in_the_order_of_the_texts_as_numbers_or_packed() -> None:
    body = vectors([1.0], packed([2.0]))
    body["data"].reverse()

    assert embed(Wire((reply(body=body),)), input=["a", "b"])[0].vectors == [[1.0], [2.0]]


def test_a_vector_takes_little_space_in_the_record_and_reads_the_same_again() -> None:
    long = [math.sin(number) for number in range(1536)]

    answer, recorder = embed(Wire((reply(body=vectors(long)),)), input="a")

    assert len(dumps(recorder.answers[0].value)) < len(dumps(long)) / 3
    assert answer.vectors[0] == pytest.approx(long, abs=1e-7)
    again = Embed(_send_again(recorder.answers[0]), name="openai.embed")
    assert run(Recorder().call(again, input="a")).vectors == answer.vectors


def _send_again(answer: Answer) -> Any:
    async def send(_: Call) -> Answer:
        return answer

    return send


def test_embedding_is_counted_and_priced() -> None:
    body = vectors([1.0], usage={"prompt_tokens": 1_000_000, "total_tokens": 1_000_000})
    _, recorder = embed(Wire((reply(body=body),)), base_url=OPENAI, input="a", model="text-embedding-3-small")

    assert recorder.answers[0].usage == {"input_tokens": 1_000_000, "output_tokens": 0, "cost": pytest.approx(0.02)}
    assert recorder.answers[0].about == {"provider": "api.openai.com", "model": "text-embedding-3-small"}


@pytest.mark.parametrize("usage", [None, {}, "x", {"prompt_tokens": 0}, {"prompt_tokens": -1}, {"prompt_tokens": [1]}])
def test_what_a_server_did_not_count_is_estimated(usage: Any) -> None:
    _, recorder = embed(Wire((reply(body=vectors([1.0], usage=usage)),)), input="a" * 40)

    assert recorder.answers[0].usage == {"input_tokens": 10, "output_tokens": 0, "estimated": True}


def test_a_limit_reserves_the_texts() -> None:
    wire = Wire((reply(),))

    async def work() -> Any:
        server = opened(ModelSettings(base_url=OPENAI, api_key="x"), wire)
        function = Embed(server.send, name="openai.embed", price=server.price)
        return await function.estimate({"model": "text-embedding-3-small", "input": ["a" * 400, "b" * 4]}, None)

    wanted = run(work())
    assert (wanted.calls, wanted.tokens, wanted.cost) == (1, 101, pytest.approx(101 * 0.02e-6))


@pytest.mark.parametrize("given", [[], [1], None, [["a"]]])
def test_only_texts_have_vectors(given: Any) -> None:
    with pytest.raises(PermanentError, match=r"connectors\.openai\.embed takes a string, or a list of strings"):
        run(Recorder().call(Embed(_send_again(Answer({})), name="openai.embed"), input=given))


@pytest.mark.parametrize(
    ("answer", "says", "retryable"),
    [
        (reply(body=vectors()), "returned 0 vectors for 1 texts", False),
        (reply(body=vectors([1.0], [1.0])), "returned 2 vectors for 1 texts", False),
        (reply(body=vectors(None)), "a vector without numbers", False),
        (reply(body=vectors([])), "a vector without numbers", False),
        (reply(body=vectors([[1.0]])), "a vector without numbers", False),
        (reply(body=vectors([1e300])), "a vector without numbers", False),
        (reply(body=vectors("AAA")), "a vector without numbers", False),
        (reply(text='{"data": ['), "did not return JSON", True),
        (reply(text="<html><title>Login</title>"), 'a web page ("Login")', False),
        (reply(body={"error": {"message": "overloaded"}}), "answered with an error", True),
        (reply(404, {"error": {"message": "no"}}), "http://model.test/v1 has no /embeddings", False),
        (reply(429, {"error": {"message": "slowly"}}), "is rate limiting", True),
    ],
)
def test_what_is_not_a_vector_is_an_error_that_says_so(answer: Any, says: str, retryable: bool) -> None:
    with pytest.raises(ConnectorError) as caught:
        embed(Wire((answer,)), input="a")

    assert says in str(caught.value)
    assert caught.value.retryable is retryable


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "embedding", "index", "usage", "error"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(ODD, st.integers(1, 3))
@example({"data": [{"embedding": [1], "index": 5}]}, 1)
@example({"data": [{"embedding": [1], "index": [0]}, {"embedding": [1], "index": 1}]}, 2)
@example({"data": [{"embedding": [1], "index": "0"}, {"embedding": [1], "index": "1"}]}, 2)
@example({"data": [{"embedding": [1], "index": "0"}, {"embedding": [1], "index": 1}]}, 2)
def test_whatever_comes_is_as_many_vectors_as_texts_or_an_error_of_ours(body: Any, count: int) -> None:
    content = json.dumps(body).encode()
    found: Any = {"data": [{"embedding": packed([1.0])}] * count}
    with contextlib.suppress(ConnectorError):
        found = read_embeddings(content, "http://x", count)

    assert [bool(unpacked(one["embedding"])) for one in found["data"]] == [True] * count


@given(st.lists(st.floats(-1024, 1024, width=32), min_size=1, max_size=9))
def test_a_packed_vector_is_exactly_the_vector(vector: list[float]) -> None:
    made = packed(vector)

    assert made is not None
    assert unpacked(made) == vector


def near(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_simulated_vectors_are_the_same_each_time_and_near_for_texts_that_share_words() -> None:
    connectors = open_connectors(ModelSettings(offline=True), {})
    recorder, function = Recorder(), connectors["openai"]["embed"]
    texts = ["The cat sat on the mat", "a cat on a mat", "Quarterly revenue grew", "", "日本語"]

    answer = run(recorder.call(function, input=texts))
    again = run(recorder.call(function, input=texts))

    cat, mat, money, empty, _ = answer.vectors
    assert answer.vectors == again.vectors
    assert near(cat, mat) > near(cat, money) + 0.3
    assert all(math.hypot(*vector) == pytest.approx(1.0, abs=1e-6) for vector in answer.vectors)
    assert len(empty) == 256
    assert recorder.answers[0].about == {"provider": "aloma.offline", "model": "aloma-offline", "simulated": True}
    assert recorder.answers[0].usage == {"input_tokens": 15, "output_tokens": 0, "cost": 0.0}


@pytest.mark.parametrize(("wanted", "size"), [(8, 8), (0, 256), ("many", 256), (10**9, 256)])
def test_simulated_vectors_have_the_dimensions_asked_for(wanted: Any, size: int) -> None:
    connectors = open_connectors(ModelSettings(offline=True), {})

    answer = run(Recorder().call(connectors["openai"]["embed"], input="a", dimensions=wanted))

    assert len(answer.vectors[0]) == size


def test_azure_has_a_path_for_each_deployment() -> None:
    wire = Wire((lambda _: httpx2.Response(200, json=vectors([1.0])),))
    settings = ModelSettings(base_url="http://az.test/openai", api_key="x" * 9, api_version="2024-10-21", kind="azure")

    async def work() -> Any:
        return await Recorder().call(Embed(opened(settings, wire).send, name="e"), input="a", model="small")

    run(work())
    assert wire.requests[0].url.path == "/openai/deployments/small/embeddings"
