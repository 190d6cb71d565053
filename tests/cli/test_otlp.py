"""A run as a trace, as a collector of OpenTelemetry gets it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import cast

import pytest

from aloma_cli.telemetry.live import MOST, LiveTraces
from aloma_cli.telemetry.otlp import Collector
from aloma_cli.telemetry.spans import Span
from tests.cli.desk import Desk, until
from tests.support.collector import OtlpServer, collector

__all__ = ["collector"]

SPAN = Span(1, 2, None, "chat m", 0.0, 1.0, {})

PROMPT = "the words of the prompt"


@pytest.fixture(autouse=True)
def agents(desk: Desk) -> None:
    """A step that asks a model and makes a subtask, one that takes the subtask, and one that fails at its first try."""
    desk.step(
        "ask",
        '{"name": str, "sub": None}',
        f'answer = await connectors.openai.chat(model="m", messages="{PROMPT}")',
        "data['sub'] = 1",
        "task.subtask('Part', {'part': 1}, into='got')",
        asks="data, task, connectors",
    )
    desk.step("work", '{"part": 1}', "task.complete({'ok': True})", asks="data, task")
    desk.write(
        "steps/flaky.py",
        "from aloma_cli import Retry\n\nretry = Retry(times=2, wait=0)\n"
        'condition = {"got": {"status": "done"}, "end": None}\n\n\n'
        "async def content(data, step):\n    if step.attempt == 1:\n"
        "        raise ValueError('a value of the document')\n    data['end'] = 1\n",
    )


def test_a_task_becomes_one_trace(desk: Desk, collector: OtlpServer) -> None:
    assert desk.new().code == 0
    ended = desk.run("task", "export", "@last", "--otlp", collector.url)
    assert (ended.code, ended.out, ended.err) == (0, "", f"sent 8 spans to {collector.url}\n")
    assert sorted(collector.names) == [
        "chat m",
        "invoke_agent ask",
        "invoke_agent flaky",
        "invoke_agent flaky",
        "invoke_agent greet",
        "invoke_agent work",
        "invoke_workflow A task",
        "invoke_workflow Part",
    ]
    assert {span["trace"] for span in collector.spans} == {collector.spans[0]["trace"]}
    assert len({span["id"] for span in collector.spans}) == 8
    assert collector.resources[0]["service.name"] == "aloma"


def test_a_span_is_below_what_it_belongs_to(desk: Desk, collector: OtlpServer) -> None:
    desk.new()
    desk.run("task", "export", "@last", "--otlp", f"{collector.url}/v1/traces")
    names = {span["id"]: span["name"] for span in collector.spans}
    parents = {span["name"]: names.get(span["parent"]) for span in collector.spans}
    assert parents == {
        "invoke_workflow A task": None,
        "invoke_workflow Part": "invoke_workflow A task",
        "invoke_agent greet": "invoke_workflow A task",
        "invoke_agent ask": "invoke_workflow A task",
        "invoke_agent flaky": "invoke_workflow A task",
        "invoke_agent work": "invoke_workflow Part",
        "chat m": "invoke_agent ask",
    }


def test_a_span_tells_what_the_conventions_ask_for_and_no_text(desk: Desk, collector: OtlpServer) -> None:
    desk.new()
    desk.run("task", "export", "@last", "--otlp", collector.url)
    chat = next(span for span in collector.spans if span["name"] == "chat m")
    told = {name: chat[f"gen_ai.{name}"] for name in ("operation.name", "provider.name", "request.model", "agent.name")}
    assert told == {
        "operation.name": "chat",
        "provider.name": "aloma.offline",
        "request.model": "m",
        "agent.name": "ask",
    }
    assert chat["gen_ai.usage.input_tokens"] > 0
    assert chat["gen_ai.conversation.id"] == desk.tasks[0]
    task = next(span for span in collector.spans if span["name"] == "invoke_workflow A task")
    assert (task["aloma.task.state"], task["aloma.calls"]) == ("done", 1)
    failed, fired = (span for span in collector.spans if span["name"] == "invoke_agent flaky")
    assert (failed["error.type"], failed["status"], failed["aloma.outcome"]) == ("ValueError", 2, "failed")
    assert (fired["status"], fired["aloma.outcome"], fired["aloma.attempt"]) == (0, "fired", 2)
    assert fired["aloma.changed"] == ["/end"]
    everything = str(collector.spans)
    assert PROMPT not in everything
    assert "a value of the document" not in everything


def test_prompts_are_sent_on_request(desk: Desk, collector: OtlpServer) -> None:
    desk.new()
    desk.run("task", "export", "@last", "--otlp", collector.url, "--prompts")
    chat = next(span for span in collector.spans if span["name"] == "chat m")
    assert PROMPT in chat["gen_ai.input.messages"]
    assert "choices" in chat["gen_ai.output.messages"]


def test_a_tool_and_a_request_have_spans(desk: Desk, collector: OtlpServer) -> None:
    desk.write("connectors/post.py", "def send(to: str) -> str:\n    return to\n")
    desk.step(
        "mail",
        '{"mail": str, "sent": None}',
        "data['sent'] = await connectors.post.send(data['mail'])",
        asks="data, connectors",
    )
    desk.new('{"mail": "x"}')
    desk.run("task", "export", "@last", "--otlp", collector.url)
    assert "call post.send" in collector.names


def test_a_live_trace_is_the_same_as_that_of_the_record(desk: Desk, collector: OtlpServer) -> None:
    desk.write("aloma.yaml", f"otel:\n  url: {collector.url}\n  headers: {{api-key: '${{COLLECTOR_KEY}}'}}\n")
    ended = desk.shell("aloma task new 'A task' -d '{\"name\": \"Ada\"}' -q", COLLECTOR_KEY="a-long-secret-key")
    assert (ended.code, ended.err) == (0, "")
    live = {span["id"]: span for span in collector.spans}
    assert {one["api-key"] for one in collector.headers} == {"a-long-secret-key"}
    collector.spans.clear()
    desk.run("task", "export", "@last", "--otlp", collector.url)
    assert live == {span["id"]: span for span in collector.spans}


def test_spans_are_sent_while_the_process_lives(desk: Desk, collector: OtlpServer) -> None:
    desk.write("aloma.yaml", f"otel: {{url: '{collector.url}'}}\n")
    assert desk.new().code == 0
    until(lambda: len(collector.spans) == 8)


def test_a_collector_that_is_too_slow_gets_less_and_holds_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    asked, free = threading.Event(), threading.Event()

    class Slow:
        def send(self, spans: Iterable[Span]) -> int:
            asked.set()
            free.wait(10)
            return len(list(spans))

        def close(self) -> None:
            """Nothing."""

    traces = LiveTraces(cast("Collector", Slow()), texts=False)
    traces._enqueue(SPAN)
    assert asked.wait(10)
    for _ in range(MOST + 5):
        traces._enqueue(SPAN)
    assert [record.getMessage() for record in caplog.records] == [
        "more than 10,000 spans wait for the collector, and the others are dropped"
    ]
    free.set()
    traces._waiting.get()
    traces.close()


@pytest.mark.parametrize("status", [400, 403])
def test_a_collector_that_refuses_fails_no_task_and_is_named_once(
    desk: Desk, collector: OtlpServer, status: int
) -> None:
    collector.status = status
    desk.write("aloma.yaml", f"otel: {{url: '{collector.url}'}}\n")
    ended = desk.spawn("task", "new", "A task", "-d", '{"name": "Ada"}', "-q")
    assert ended.code == 0
    assert ended.err.count("did not take the spans") == 1
    exported = desk.run("task", "export", "@last", "--otlp", collector.url)
    assert exported.code == 1
    assert f"{collector.url}/v1/traces did not take the spans" in exported.err
    assert str(status) in exported.err
    secret = f"{collector.url.replace('//', '//ada:secret-word@')}/v1/traces?token=secret-token"
    exported = desk.run("task", "export", "@last", "--otlp", secret)
    assert (exported.code, "secret-" in exported.err) == (1, False)
    assert f"{collector.url}/v1/traces?token=*** did not take the spans" in exported.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("otel: {}", "`otel` needs a url"),
        ("otel: {url: nowhere}", "a URL such as http://127.0.0.1:4318"),
        ("otel: {url: 'http://x', header: {}}", "did you mean `headers`?"),
        ("otel: {url: 'http://x', headers: {a: '${NO_SUCH_NAME}'}}", "NO_SUCH_NAME"),
    ],
)
def test_a_mistake_in_the_settings_is_named_before_a_task_is_made(desk: Desk, text: str, message: str) -> None:
    desk.write("aloma.yaml", text)
    ended = desk.new()
    assert ended.code == 3
    assert message in ended.err
    assert desk.tasks == []


def test_what_is_not_a_url_is_refused(desk: Desk) -> None:
    desk.new()
    ended = desk.run("task", "export", "@last", "--otlp", "nowhere")
    assert (ended.code, "is not a URL" in ended.err) == (2, True)
