"""Any answer of a model server is recorded once and counted, and the task can be shown and resumed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aloma_cli.api.reader import Records
from aloma_cli.cli.main import main
from aloma_cli.connectors.chat import tries
from aloma_cli.jsontext import Json
from aloma_cli.record.events import CallAnswered

STEP = """
from aloma_cli import Retry

condition = {"go": True, "out": None}
retry = Retry(times=6, wait=0)


async def content(data, connectors):
    question = [{"role": "user", "content": "How many of them are there?"}]
    answer = await connectors.openai.chat(messages=question, SHAPE)
    data["out"] = answer.data
"""

OTHERS = {
    "typed": """
from pydantic import BaseModel
from aloma_cli import Retry

condition = {"typed": True, "out": None}
retry = Retry(times=6, wait=0)


class Found(BaseModel):
    a: str


async def content(data, connectors):
    question = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBORw0K" * 4000}}
    answer = await connectors.openai.chat(messages=[{"role": "user", "content": [question]}], shape=Found)
    data["out"] = answer.data.model_dump()
""",
    "embedded": """
from aloma_cli import Retry

condition = {"embedded": True, "out": None}
retry = Retry(times=6, wait=0)


async def content(data, connectors):
    data["out"] = (await connectors.openai.embed(input=["one", "two"])).vectors
""",
    "tooled": """
from aloma_cli import Retry

condition = {"tooled": True, "out": None}
retry = Retry(times=6, wait=0)


async def content(data, connectors):
    def look_up(name: str, most: int = 5) -> list:
        if name == "x":
            raise ValueError(name)
        return [name] * most

    answer = await connectors.openai.chat(messages="q", tools=[look_up], shape={"a": str})
    data["out"] = answer.data
""",
}
"""`typed`: with a picture, and a model of pydantic. `embedded`: the vectors of two texts. `tooled`: with a tool."""


class Server(ThreadingHTTPServer):
    """A model server that always answers `body`, with status 200; `asked` counts."""

    daemon_threads = True
    body = b""
    asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked += 1
        self.send_response(200)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: Any) -> None:
        """Nothing is said."""


@contextmanager
def serving() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the steps of OTHERS; `free` takes any text, and `shaped` wants {"a": str}."""
    root = tmp_path_factory.mktemp("odd")
    (root / "steps").mkdir()
    (root / "steps" / "free.py").write_text(STEP.replace("SHAPE", "").replace('"go"', '"free"'))
    (root / "steps" / "shaped.py").write_text(STEP.replace("SHAPE", 'shape={"a": str}').replace('"go"', '"shaped"'))
    for name, text in OTHERS.items():
        (root / "steps" / f"{name}.py").write_text(text)
    return root


ODD: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just("10"),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=8,
)
TEXTS = st.sampled_from(
    [
        '{"a": "x"}',
        '{"a": "x"',
        '{"b": 1}',
        '{"a": "x", "d": ' + "[" * 5000,
        '{"a":' * 2000,
        "{" * 3000,
        '{"a": "x"' + " " * 60_000,
        "```" + "\n" * 20_000,
        "<think>" * 5000,
        '```json\n{"a": "x",}\n```',
        '{"a": "\\ud800"}',
        '{"a": NaN, "a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        "",
        "I would rather not.",
    ]
)
PARTS = st.lists(ODD | st.builds(lambda text: {"type": "text", "text": text}, TEXTS), max_size=3)
CONTENTS = TEXTS | PARTS | ODD
COUNTS = ODD | st.sampled_from(["12", -5, 0, 10**400, 1.5, "1e3", "NaN", [12], {"a": 1}, 2**60])
USAGES = ODD | st.fixed_dictionaries(
    {"prompt_tokens": COUNTS, "completion_tokens": COUNTS},
    optional={"total_tokens": COUNTS, "prompt_tokens_details": ODD | st.just({"cached_tokens": "x"}), "extra": ODD},
)
ARGUMENTS = st.sampled_from(['{"name": "Ada"}', '{"name": "x"}', '{"name": 5}', '{"nam', "", '"{}"', "[]"]) | ODD
TOOL_CALLS = st.lists(
    st.fixed_dictionaries(
        {"function": st.fixed_dictionaries({"name": st.just("look_up") | ODD, "arguments": ARGUMENTS})},
        optional={"id": st.just("a") | ODD, "type": ODD},
    ),
    max_size=3,
)
COMPLETIONS = st.builds(
    lambda content, reason, usage, message, more: {
        "choices": [{"index": 0, "message": {**message, "content": content}, "finish_reason": reason}],
        "usage": usage,
        **more,
    },
    CONTENTS,
    st.sampled_from(["stop", "length", "MAX_TOKENS", None, 5, [], {"a": 1}, "content_filter"]),
    USAGES,
    st.dictionaries(st.sampled_from(["role", "refusal", "tool_calls"]), ODD, max_size=1)
    | st.fixed_dictionaries({"tool_calls": TOOL_CALLS}),
    st.dictionaries(st.sampled_from(["model", "id", "object", "error", "created"]), ODD, max_size=2),
)
VECTORS = st.lists(st.floats(-9, 9), max_size=3) | st.just("AACAPwAAAEA=") | ODD
EMBEDDINGS = st.fixed_dictionaries(
    {"data": st.lists(st.fixed_dictionaries({"embedding": VECTORS}, optional={"index": ODD | COUNTS}), max_size=3)},
    optional={"usage": USAGES, "model": ODD},
)
BODIES = st.one_of(
    EMBEDDINGS.map(lambda answer: json.dumps(answer).encode()),
    COMPLETIONS.map(lambda completion: json.dumps(completion).encode()),
    COMPLETIONS.map(lambda completion: json.dumps(completion).encode()[:-20]),
    ODD.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(["choices", "usage", "error", "model"]), ODD, max_size=3).map(
        lambda value: json.dumps(value).encode()
    ),
    st.sampled_from([b"", b"<html><title>Login</title>", b"data: {}", b"\xff\xfe", b"[" * 5000, b'{"a":' * 5000]),
    st.binary(max_size=20),
)


def run(home: Path, *arguments: str, expect: tuple[int, ...] = (0, 1, 5)) -> None:
    code = main(["task", *arguments, "--workspace", str(home)])
    assert code in expect, (arguments, code)


@settings(max_examples=settings.default.max_examples // 2)  # type: ignore[union-attr]
@given(BODIES, st.sampled_from(["free", "shaped", *OTHERS]), st.sampled_from(["1", "3"]))
@example(json.dumps({"choices": [{"message": {"content": '{"a":' * 2000}}]}).encode(), "shaped", "1")
@example(json.dumps({"choices": [{"message": {"content": '{"a": "x"}'}}], "usage": 5}).encode(), "shaped", "1")
@example(json.dumps({"choices": [{"message": {"content": '{"a": "x"}'}}], "usage": 5}).encode(), "typed", "1")
@example(json.dumps({"data": [{"embedding": [1, 2]}] * 2, "usage": {"prompt_tokens": "x"}}).encode(), "embedded", "1")
@example(json.dumps({"data": [{"embedding": [1, 2]}], "usage": 7}).encode(), "embedded", "3")
@example(json.dumps({"choices": 5}).encode(), "free", "1")
@example(
    json.dumps(
        {"choices": [{"message": {"tool_calls": [{"function": {"name": "x", "arguments": {"a": 1}}}]}}]}
    ).encode(),
    "tooled",
    "1",
)
@example(
    json.dumps({"choices": [{"message": {"content": None, "tool_calls": [{"function": {"name": "x"}}]}}]}).encode(),
    "tooled",
    "3",
)
@example(
    json.dumps(
        {
            "choices": [
                {"message": {"tool_calls": [{"function": {"name": "look_up", "arguments": '{"name": "b"}'}}] * 2}}
            ]
        }
    ).encode(),
    "tooled",
    "3",
)
def test_any_answer_is_on_record_once_and_its_task_can_be_shown_and_resumed(
    server: Server, home: Path, body: bytes, step: str, most: str
) -> None:
    """With tries left and no more calls allowed it is asked as often as is allowed, and never more."""
    server.body, server.asked = body, 0
    options = ["--base-url", server.url, "--api-key", "sk-test-0123456789"]

    run(home, "new", "t", "-d", json.dumps({step: True}), "--max-calls", most, *options)
    records = Records.at(home)
    task = records.task("@last")
    answers = [event for event in task.journal if isinstance(event, CallAnswered)]
    assert server.asked == len(of_models(answers))
    assert server.asked == task.record["usage"]["calls"] <= int(most)
    assert len({(answer.firing, answer.key) for answer in answers}) == len(answers)
    assert task.record["usage"]["input_tokens"] >= 0
    assert all(answer.answer is not None or not body.strip() or body == b"null" for answer in of_models(answers))
    assert not any("iVBORw0K" * 100 in json.dumps(answer.arguments) for answer in answers)

    run(home, "show", task.id)
    run(home, "log", task.id, "--calls", "--logs", "--changes")
    run(home, "record-test", task.id, "--name", f"case-{task.id}")
    run(home, "resume", task.id, "--max-calls", "+1", *options)
    answers = [event for event in records.task(task.id).journal if isinstance(event, CallAnswered)]
    assert server.asked == len(of_models(answers)) <= int(most) + 1


def of_models(answers: list[CallAnswered]) -> list[CallAnswered]:
    """Those of models; the others are of tools."""
    return [answer for answer in answers if answer.call.startswith("openai.")]


DELTAS = st.dictionaries(
    st.sampled_from(["role", "content", "refusal", "tool_calls", "reasoning"]), ODD | TEXTS, max_size=2
)
CHUNKS = st.builds(
    lambda delta, reason, more: {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more},
    DELTAS | ODD,
    st.sampled_from([None, None, "stop", "length", 5]),
    st.dictionaries(st.sampled_from(["model", "usage", "error", "id"]), ODD | USAGES, max_size=1),
)
STREAMS = st.builds(
    lambda parts, cut: b"".join(parts)[: None if cut == 0 else -cut],
    st.lists(
        (CHUNKS | ODD).map(lambda chunk: f"data: {json.dumps(chunk)}\n\n".encode())
        | st.sampled_from([b"data: [DONE]\n\n", b": alive\n\n", b"event: error\n", b"data: {\n\n", b"data:", b"\n"]),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([0, 0, 0, 1, 2, 9]),
)


@settings(max_examples=settings.default.max_examples // 4)  # type: ignore[union-attr]
@given(STREAMS, st.sampled_from(["free", "shaped"]))
@example(b'data: {"choices": [{"delta": {"content": "half"}}]}\n\n', "free")
@example(b"data: [DONE]\n\n", "shaped")
def test_whatever_is_streamed_the_limit_holds_and_the_task_can_be_shown_and_resumed(
    server: Server, home: Path, body: bytes, step: str
) -> None:
    server.body, server.asked = body, 0
    options = ["--base-url", server.url, "--api-key", "sk-test-0123456789"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tries, "_FIRST_PAUSE", 0.0)
        run(home, "new", "t", "-d", json.dumps({step: True}), "--max-calls", "2", *options)
        records = Records.at(home)
        task = records.task("@last")
        answers = [event for event in task.journal if isinstance(event, CallAnswered)]
        assert len(answers) == task.record["usage"]["calls"] <= min(2, server.asked)
        assert all(answer.answer is not None for answer in answers)
        run(home, "calls", task.id)
        for number in range(1, len(answers) + 1):
            run(home, "calls", task.id, str(number))
        run(home, "log", task.id, "--prompts", "--calls")
        run(home, "resume", task.id, "--max-calls", "+1", *options)


def test_an_answer_without_a_count_is_marked_as_estimated_and_limits_hold(server: Server, home: Path) -> None:
    """A server that reports zeros does not switch the limits off."""
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    server.body = json.dumps({"choices": [{"message": {"content": "x" * 20_000}}], "usage": usage}).encode()
    (home / "steps" / "many.py").write_text(
        'condition = {"many": True, "out": None}\n\n\nasync def content(data, connectors):\n    for n in range(12):\n'
        '        await connectors.openai.chat(messages=[{"role": "user", "content": str(n)}])\n    data["out"] = 1\n'
    )
    server.asked = 0

    run(home, "new", "t", "-d", '{"many": true}', "--max-tokens", "20000", "--base-url", server.url, expect=(5,))

    answers = [event for event in Records.at(home).task("@last").journal if isinstance(event, CallAnswered)]
    assert server.asked == len(answers) < 5
    assert all(answer.usage and answer.usage["estimated"] for answer in answers)
    assert all(answer.usage and answer.usage["output_tokens"] == 5000 for answer in answers)
