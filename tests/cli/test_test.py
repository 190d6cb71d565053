"""`aloma test` and `aloma task record-test`."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.cli.init import templates
from aloma_cli.testing.cases.verdict import wilson
from tests.cli.desk import Desk, until
from tests.workflows.workspace import REPOSITORY

ASK = """
condition = {"name": str, "city": None}

async def content(data, connectors):
    answer = await connectors.openai.chat(messages=f"Where is {data['name']}?", shape={"city": str})
    data["city"] = answer.data["city"]
"""
PASSES = """
data: {name: Ada}
answers:
  ask:
    - answer: {city: Porto}
expect:
  state: done
  data: {city: Porto}
  never: [other]
limits: {calls: 1}
"""


@pytest.fixture
def asks(desk: Desk) -> Desk:
    """A workspace with one step, `ask`, and one case, `porto`, which passes."""
    (desk.root / "steps/greet.py").unlink()
    desk.write("steps/ask.py", ASK)
    desk.write("cases/porto.yaml", PASSES)
    return desk


def test_a_case_that_passes(asks: Desk) -> None:
    ran = asks.run("test")
    assert (ran.code, ran.out.startswith("✓  porto  passed, 1 call, ")) == (0, True)
    assert ran.err == "aloma: 1 case, none failed\n"
    assert not (asks.root / ".aloma").exists()


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("state: done", "state: question", "the state is done, wanted question"),
        ("data: {city: Porto}", "data: {city: Lisboa}", 'city is "Porto", wanted "Lisboa"'),
        ("never: [other]", "never: [ask]", "ask fired"),
        ("never: [other]", "fired: [ask, send]", "fired: ask; wanted: ask, send"),
        ("never: [other]", 'questions: ["Why?"]', "the open questions are [], wanted ['Why?']"),
        ("calls: 1", "calls: 0", "calls: 1 used, at most 0 allowed"),
        ("answer: {city: Porto}", "error: {status: 401}", "the state is error, wanted done"),
        ("  ask:", "  other:", "ask called openai.chat, which is not scripted"),
    ],
)
def test_a_case_that_fails_says_what_is_wrong_and_what_happened(asks: Desk, old: str, new: str, wrong: str) -> None:
    asks.write("cases/porto.yaml", PASSES.replace(old, new))
    ran = asks.run("test")
    assert ran.code == 1
    assert ran.out.startswith("✗  porto  failed")
    assert wrong in ran.out
    assert "    what happened:" in ran.out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("expect:", "expct:", "cases/porto.yaml: unknown key 'expct'"),
        ("state: done", "state: doen", "expect.state 'doen' is unknown"),
        ("answer: {city", "anwser: {city", "answers.ask.0: unknown key 'anwser'"),
        ("data: {city: Porto}", "data: {city: {$gtt: 1}}", "unknown operator"),
        ("data: {name: Ada}", "data: nothing.json", "nothing.json cannot be read"),
        ("data: {name: Ada}", "about: x", "has no `data`"),
        ("limits: {calls: 1}", "then: [{anser: 1}]", "then.0: unknown key 'anser'"),
        ("limits: {calls: 1}", "now: yesterday", "now 'yesterday' is not a time"),
        ("limits: {calls: 1}", "limits: {calls: one}", "limits.calls: 'one' is not of type 'number'"),
        ("limits: {calls: 1}", "limits: {calls: ~}", "limits.calls: null is not of type 'number'"),
        ("limits: {calls: 1}", "concurrency: [1]", "concurrency: [1] is not of type 'integer'"),
        ("limits: {calls: 1}", "responses: nowhere", "responses: there is no folder nowhere"),
        ("limits: {calls: 1}", "then: [{later: {days: soon}}]", "then.0.later.days: 'soon' is not of type 'number'"),
        ("state: done", "state: [done]", "expect.state: ['done'] is not of type 'string'"),
        ("state: done", "fired: 5", "expect.fired: 5 is not of type 'array'"),
        ("answer: {city: Porto}", "calls: 5", "answers.ask.0.calls: 5 is not of type 'array'"),
        ("answer: {city: Porto}", "tool_calls: [{}]", 'answers.ask.0.tool_calls.0 lacks "name"'),
        ("answer: {city", "prompt: '('\n      answer: {city", "answers.ask.0.prompt: '(' is not a regular expression"),
    ],
)
def test_a_case_that_is_not_valid_is_named(asks: Desk, old: str, new: str, told: str) -> None:
    asks.write("cases/porto.yaml", PASSES.replace(old, new, 1))
    ran = asks.run("test")
    assert (ran.code, told in ran.err) == (2, True), ran.err


@pytest.mark.parametrize("call", ["openai.chat", "shop.stock"])
def test_a_call_without_an_answer_shows_the_yaml_that_answers_it(asks: Desk, call: str) -> None:
    asks.write("connectors/shop.py", "def stock(item):\n    return item\n")
    chat = 'answer = await connectors.openai.chat(messages="?", shape={"city": str})'
    wanted = chat if call == "openai.chat" else 'answer = await connectors.shop.stock("bolt")'
    asks.step("ask", '{"name": str, "city": None}', wanted, 'data["city"] = "Porto"', asks="data, connectors")
    path = asks.root / "steps/ask.py"
    path.write_text(path.read_text(encoding="utf-8").replace("\ndef content", "\nasync def content"), encoding="utf-8")
    asks.write("cases/porto.yaml", "data: {name: Ada}\nexpect: {state: done}\n")
    ran = asks.run("test")
    assert (ran.code, "script.on" in ran.out) == (1, False)
    shown = ran.out.partition("add to cases/porto.yaml: ")[2].splitlines()[0]
    asks.write("cases/porto.yaml", f"data: {{name: Ada}}\nexpect: {{state: done}}\n{shown}\n")
    assert asks.run("test").code == 0, shown


def test_a_rate_without_live_runs_is_refused(asks: Desk) -> None:
    ran = asks.run("test", "--rate", "0.5")
    assert (ran.code, "add `--live N`" in ran.err) == (2, True)


def test_only_some_cases(asks: Desk) -> None:
    asks.write("cases/sub/fails.yaml", PASSES.replace("state: done", "state: error"))
    assert asks.run("test", "porto").code == 0
    assert asks.run("test", "sub/fails").code == 1
    assert asks.run("test", "prto").code == 2


def test_without_cases_it_says_how_to_make_one(desk: Desk) -> None:
    ran = desk.run("test")
    assert (ran.code, "aloma task record-test ID" in ran.err) == (2, True)


def test_a_broken_step_is_named(asks: Desk) -> None:
    asks.write("steps/bad.py", "condition = {\n")
    assert asks.run("test").code == 3


def test_json_has_each_case(asks: Desk) -> None:
    printed = asks.run("test", "--json").json
    [case] = printed["cases"]
    assert printed["schema"] == 1
    assert (case["case"], case["passed"], case["calls"], case["wrong"]) == ("porto", True, 1, [])


def test_junit_has_the_failure(asks: Desk) -> None:
    asks.write("cases/fails.yaml", PASSES.replace("state: done", "state: error"))
    assert asks.run("test", "--junit", "report.xml").code == 1
    suite = ET.parse(asks.root / "report.xml").getroot()[0]  # noqa: S314  (our own)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    [failure] = suite.iter("failure")
    assert failure.get("message") == "the state is done, wanted error"
    assert "what happened:" in str(failure.text)


def test_two_versions_side_by_side(asks: Desk) -> None:
    shutil.copytree(asks.root, asks.root / "before", ignore=shutil.ignore_patterns("before"))
    asks.write("before/steps/ask.py", ASK.replace('answer.data["city"]', '"?"'))
    ran = asks.run("test", "--against", "before")
    assert ran.code == 0
    assert "porto  here: passed, 1 call" in ran.out
    assert "  there: failed, 1 call" in ran.out
    assert ran.err == "aloma: 1 case, here: none failed, there: 1 failed\n"
    assert '    there: city is "?", wanted "Porto"' in ran.out
    assert asks.run("test", "--against", "before", "--json").json["against"][0]["passed"] is False


@pytest.mark.parametrize("template", templates())
def test_the_cases_of_each_template_pass(desk: Desk, template: str) -> None:
    desk.run("init", "mine", "-t", template)
    ran = desk.run("test", "-w", "mine")
    assert (ran.code, ran.out.count("✓") > 0) == (0, True), ran.out


def test_the_cases_of_the_workflows_pass(desk: Desk) -> None:
    ran = desk.run("test", "-w", str(REPOSITORY))
    assert (ran.code, ran.out.count("✓")) == (0, len(list((REPOSITORY / "cases").glob("*.yaml")))), ran.out


# -- on a real model -------------------------------------------------------------------------------------------------

CITIES = ["Porto", "Porto", "Lisboa", "Porto", "Porto"]


@pytest.fixture
def server() -> Iterator[str]:
    """A model server that is right four times of five."""
    answers = iter(CITIES)

    class Model(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            message = {"role": "assistant", "content": json.dumps({"city": next(answers)})}
            usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
            body: Any = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "usage": usage}
            body["choices"] = [{"index": 0, "finish_reason": "stop", "message": message}]
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing: the test reads what the command prints."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/v1"
        running.shutdown()


def test_a_live_run_tells_the_pass_rate_with_its_interval(asks: Desk, server: str) -> None:
    ran = asks.run("test", "--live", "5", "--rate", "0.7", "--base-url", server, "--model", "m")
    assert ran.code == 0, ran.err
    assert "porto  4 of 5 passed (38% to 96% with 95 % confidence), 5 calls" in ran.out


def test_a_live_run_fails_below_its_rate(asks: Desk, server: str) -> None:
    ran = asks.run("test", "--live", "3", "--base-url", server, "--model", "m", "--json")
    assert (ran.code, ran.json["cases"][0]["passes"]) == (1, 2)


def test_a_live_run_that_fails_does_not_blame_answers_that_the_model_gave_itself(asks: Desk, server: str) -> None:
    ran = asks.run("test", "--live", "3", "--base-url", server, "--model", "m")
    assert (ran.code, "no call used the answers" in ran.out) == (1, False)


def test_a_live_run_without_a_server_is_refused(asks: Desk) -> None:
    assert asks.run("test", "--live", "1").code == 4


@given(st.integers(1, 500), st.data())
def test_the_interval_holds_the_rate(runs: int, data: st.DataObject) -> None:
    passed = data.draw(st.integers(0, runs))
    low, high = wilson(passed, runs)
    assert 0 <= low <= passed / runs <= high <= 1
    assert high - low < wilson(0, 0)[1] - wilson(0, 0)[0]


@pytest.mark.parametrize("name", ["../../x", "..", ".", "", "a b", "/x", "a/../b"])
def test_a_recorded_case_stays_in_its_folder(asks: Desk, name: str) -> None:
    asks.run("task", "new", "T", "-d", '{"name": "Ada"}', "--offline")
    before = sorted(asks.root.parent.rglob("*.yaml"))
    refused = asks.run("task", "record-test", "@last", "--name", name)
    assert (refused.code, f"{name!r} is not a name for a case" in refused.err) == (2, True)
    assert sorted(asks.root.parent.rglob("*.yaml")) == before


# -- record-test -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("template", "example"), [(t, e) for t in templates() for e in (1, 2)])
def test_a_task_that_ran_becomes_a_case_that_passes(
    desk: Desk, template: str, example: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.run("init", "mine", "-t", template)
    monkeypatch.chdir(desk.root / "mine")
    files = sorted(Path("examples").iterdir())
    desk.run("task", "new", "A run", "-f", str(files[example % len(files)]))
    desk.run("task", "answer", "@last", "true")
    made = desk.run("task", "record-test", "@last")
    assert (made.code, made.out) == (0, f"{desk.root}/mine/cases/a-run.yaml\n")
    assert made.err == "aloma: `aloma test a-run` repeats it\n"
    assert desk.run("test", "a-run").code == 0


def test_a_recorded_case_finds_a_change_of_the_code(asks: Desk) -> None:
    asks.write("responses/ask.json", '[{"answer": {"city": "Porto"}}]')
    asks.new()
    assert asks.run("task", "record-test", "@last", "--name", "mine").code == 0
    asks.write("steps/ask.py", ASK.replace('answer.data["city"]', 'answer.data["city"].lower()'))
    assert 'city is "porto", wanted "Porto"' in asks.run("test", "mine").out


def test_a_case_is_not_overwritten(asks: Desk) -> None:
    asks.new()
    refused = asks.run("task", "record-test", "@last", "--name", "porto")
    assert (refused.code, "already exists" in refused.err) == (2, True)
    assert (asks.root / "cases/porto.yaml").read_text(encoding="utf-8") == PASSES


def test_what_people_and_time_did_is_part_of_a_recorded_case(desk: Desk) -> None:
    """Values that a person set, an answer into an object, and a default that was taken when its time had come."""
    ask = 'task.ask("Sure?", into="deal.sure", default="no", timeout=0.2)'
    desk.step("ask", '{"greeting": str, "go": True, "deal": None}', ask, asks="task")
    desk.step("end", '{"deal": {"sure": str}, "at": None}', 'data["at"] = now.isoformat()', asks="data, now")
    desk.new('{"name": "Ada"}')
    desk.run("task", "set", "@last", "go=true")
    time.sleep(0.3)
    desk.run("task", "resume", "@last")
    made = desk.run("task", "record-test", "@last", "--name", "mine")
    assert made.err == "aloma: `aloma test mine` repeats it\n"
    text = (desk.root / "cases/mine.yaml").read_text(encoding="utf-8")
    assert "then:\n- set:\n    go: true\n- later:\n    seconds: 1\n" in text
    assert "at:\n      $exists: true" in text


def test_failed_calls_and_other_connectors_are_part_of_a_recorded_case(desk: Desk) -> None:
    desk.write("connectors/shop.py", "def stock(item):\n    return [item, 3]\n")
    desk.write(
        "responses/ask.json", '[{"calls": [{"error": {"status": 503, "message": "busy"}}, {"answer": "plain"}]}]'
    )
    head = "from aloma_cli import Retry\n\nretry = Retry(times=2, wait=0.01)\n"
    call = 'answer = await connectors.openai.chat(messages="?")'
    desk.step("ask", '{"item": str, "stock": None}', call, 'data["said"] = answer.data',
              'data["stock"] = await connectors.shop.stock(data["item"])', asks="data, connectors")  # fmt: skip
    path = desk.root / "steps/ask.py"
    path.write_text(head + path.read_text(encoding="utf-8"), encoding="utf-8")
    desk.new('{"item": "bolt"}')
    made = desk.run("task", "record-test", "@last", "--name", "mine")
    assert made.err == "aloma: `aloma test mine` repeats it\n"
    text = (desk.root / "cases/mine.yaml").read_text(encoding="utf-8")
    assert "status: 503" in text
    assert "call: shop.stock" in text


def test_a_task_that_is_under_way_is_not_recorded(desk: Desk) -> None:
    desk.step("wait", '{"name": str}', "task.park(3600)", asks="task")
    process = desk.started("task", "new", "A task", "-d", '{"name": "Ada"}')
    try:
        until(lambda: desk.run("task", "show").code == 0)
        refused = desk.run("task", "record-test", "@last")
    finally:
        process.terminate()
        process.communicate()
    assert (refused.code, "is not at rest" in refused.err) == (2, True)
