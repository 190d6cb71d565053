"""Servers named in aloma.yaml, from the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.desk import Desk, ended
from tests.support.model_server import ModelServer, Reply, model_server, refusal, said


@pytest.fixture
def first() -> Iterator[ModelServer]:
    with model_server(lambda _: said("from the first")) as server:
        yield server


@pytest.fixture
def second() -> Iterator[ModelServer]:
    with model_server(lambda _: said("from the second")) as server:
        yield server


@pytest.fixture(autouse=True)
def _asks(desk: Desk, first: ModelServer, second: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = 'await connectors.openai.chat(messages="Hi", model="gpt-4")'
    desk.step("asks", '{"go": 1, "said": None}', f"data['said'] = ({ask}).data", asks="data, connectors")
    desk.write(
        "aloma.yaml",
        f"""
        providers:
          first: {{base_url: '{first.url}', api_key_env: FIRST_KEY, max_retries: 0}}
          second: {{base_url: '{second.url}', api_key_env: SECOND_KEY, max_retries: 0}}
        models: {{gpt-4: second/big}}
        """,
    )
    monkeypatch.setenv("FIRST_KEY", "key-of-the-first")


def test_the_alias_of_a_model_names_its_server_and_the_key_is_that_servers(
    desk: Desk, first: ModelServer, second: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECOND_KEY", "key-of-the-second")
    done = desk.new('{"go": 1}', "--data")
    assert (done.json["said"], len(first.seen)) == ("from the second", 0)
    [request] = second.posts
    assert (request.body["model"], request.key) == ("big", "Bearer key-of-the-second")
    about = desk.run("task", "log", "--json").out
    assert '"server":"second"' in about
    assert "key-of" not in about


def test_the_log_says_who_answered_and_who_could_not(
    desk: Desk, second: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECOND_KEY", "k2-12345678")
    yaml = (desk.root / "aloma.yaml").read_text()
    desk.write("aloma.yaml", f"{yaml}\n        fallbacks: [first/small]\n")
    second.answer = lambda _: refusal(503, "overloaded")
    done = desk.new('{"go": 1}', "--data")
    assert done.json["said"] == "from the first"
    assert "trying another model: http" in done.err
    told = desk.run("task", "log", "--calls").out
    assert "not second/big (" in told
    assert "failed (503" in told


def test_a_missing_key_is_named_with_its_cure(desk: Desk, second: ModelServer) -> None:
    failed = desk.new('{"go": 1}')
    assert (failed.code, len(second.posts)) == (4, 0)
    assert "export SECOND_KEY=…" in failed.err


def test_a_repeated_firing_keeps_the_answer_of_the_server_that_gave_it(
    desk: Desk, first: ModelServer, second: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECOND_KEY", "k2-12345678")
    settings = (desk.root / "aloma.yaml").read_text()
    desk.write("aloma.yaml", f"{settings}\n        fallbacks: [first/small]\n")
    ask = 'await connectors.openai.chat(messages="Hi", model="gpt-4")'
    then = f"await connectors.http.get('{first.url}/models')"
    desk.step("asks", '{"go": 1, "said": None}', f"said = ({ask}).data", then, "data['said'] = said", asks=ASKS)
    second.answer, first.get = lambda _: refusal(503, "overloaded"), lambda _: refusal(500, "not yet")
    assert desk.new('{"go": 1}').code == 1

    second.answer, first.get = lambda _: said("from the second"), lambda _: Reply({})
    asked = len(first.posts), len(second.posts)
    assert desk.run("task", "resume", "@last", "--data").json["said"] == "from the first"
    assert (len(first.posts), len(second.posts)) == asked


def test_a_repeated_firing_asks_who_answered_before_also_in_a_new_process(
    desk: Desk, first: ModelServer, second: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preferred server is back, and the conversation stays where it began."""
    monkeypatch.setenv("SECOND_KEY", "k2-12345678")
    settings = (desk.root / "aloma.yaml").read_text()
    desk.write("aloma.yaml", f"{settings}\n        fallbacks: [first/small]\n")
    ask = "(await connectors.openai.chat(messages='%s', model='gpt-4')).data"
    then = f"await connectors.http.get('{first.url}/models')"
    told = f"data['said'] = [said, {ask % 'Go on'}]"
    desk.step("asks", '{"go": 1, "said": None}', f"said = {ask % 'Hi'}", then, told, asks=ASKS)
    second.answer, first.get = lambda _: refusal(503, "overloaded"), lambda _: refusal(500, "not yet")
    assert desk.new('{"go": 1}').code == 1

    second.answer, first.get = lambda _: said("from the second"), lambda _: Reply({})
    asked = len(second.posts)
    resumed = ended(desk.started("task", "resume", "@last", "--data"), 60)
    assert (resumed.json["said"], len(second.posts)) == (["from the first"] * 2, asked)
    desk.new('{"go": 1}')
    assert len(second.posts) == asked + 2, "another firing begins with the preferred server"


ASKS = "data, connectors"
