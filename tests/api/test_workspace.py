"""The Python interface: workspaces in memory and on disk, and the tasks that run in them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aloma_cli import Step, Task, Workspace, run
from aloma_cli.clock import from_iso
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import (
    ConditionError,
    ConfigError,
    CredentialsError,
    InputError,
    NotFoundError,
    StepError,
    TaskLockedError,
    WorkspaceError,
)
from aloma_cli.jsontext import dumps
from aloma_cli.loader.sources import ModelFlags
from aloma_cli.record.events import CallAnswered, Event
from tests.support.manual import HeldClock
from tests.support.steps import connector, puts, raises, step


async def greet(data: dict[str, Any]) -> None:
    data["greeting"] = f"Hello, {data['name']}!"


def greeter() -> Step:
    return step("greet", {"name": str, "greeting": None}, greet)


def test_run_gives_the_task_as_it_ended() -> None:
    task = run(Workspace(steps=[greeter()]), "A task", {"name": "Ada"})
    assert (task.name, task.state, task.data) == ("A task", "done", {"name": "Ada", "greeting": "Hello, Ada!"})
    assert (task.record["id"], task.record["schema"], task.result) == (task.id, 1, None)
    assert [event.KIND for event in task.journal] == ["task_created", "firing_started", "committed", "task_rested"]


def test_run_can_be_awaited() -> None:
    async def main() -> list[Task]:
        workspace = Workspace([greeter()])
        return await asyncio.gather(*(workspace.run("A task", {"name": name}) for name in "abc"))

    assert [task.data["greeting"] for task in asyncio.run(main())] == ["Hello, a!", "Hello, b!", "Hello, c!"]


def test_run_where_an_event_loop_runs_says_what_to_write() -> None:
    async def main() -> None:
        run(Workspace(), "A task", {})

    with pytest.raises(RuntimeError, match=r"await workspace\.run"):
        asyncio.run(main())


def test_the_result_is_what_the_task_was_completed_with() -> None:
    async def content(task: Any) -> None:
        task.complete({"answer": 42})

    task = run(Workspace([step("end", {}, content)]), "A task", {})
    assert (task.result, task.record["closed"]) == ({"answer": 42}, True)


def test_the_journal_of_a_task_leaves_its_subtasks_out() -> None:
    async def content(data: dict[str, Any], task: Any) -> None:
        data["made"] = task.subtask("one", {"name": "Ada"})

    task = run(Workspace([greeter(), step("make", {"made": None, "go": 1}, content)]), "A task", {"go": 1})
    assert {event.task for event in task.journal} == {task.id}
    assert {event.task for event in task.tree_journal} == {task.id, task.data["made"]}


def test_the_data_that_was_given_is_not_touched() -> None:
    data = {"name": "Ada", "list": [1]}
    workspace = Workspace([greeter(), step("more", {"list": list}, puts(list=[]))])
    run(workspace, "A task", data)
    assert data == {"name": "Ada", "list": [1]}


def test_a_workspace_in_memory_keeps_nothing_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace([greeter()])
    task = run(workspace, "A task", {"name": "Ada"})
    assert list(tmp_path.iterdir()) == []
    assert workspace.task("@last").data == task.data
    assert Workspace([greeter()]).tasks() == []


def test_a_workspace_with_a_folder_keeps_its_tasks_there(tmp_path: Path) -> None:
    task = run(Workspace([greeter()], folder=tmp_path), "A task", {"name": "Ada"})
    assert (tmp_path / ".aloma" / "tasks" / task.id / "journal.jsonl").is_file()
    again = Workspace(folder=str(tmp_path)).task(task.id)
    assert (again.record, again.data) == (task.record, task.data)


def test_tasks_are_given_oldest_first_and_with_their_subtasks_if_wanted() -> None:
    async def content(data: dict[str, Any], task: Any) -> None:
        data["made"] = task.subtask("kid", {})

    workspace = Workspace([step("make", {"go": 1, "made": None}, content)])
    for name, data in (("first", {"go": 1}), ("second", {})):
        run(workspace, name, data)
    assert [task.name for task in workspace.tasks()] == ["first", "second"]
    assert [task.name for task in workspace.tasks(subtasks=True)] == ["first", "kid", "second"]


def test_emit_is_told_every_event_of_the_journal_in_order() -> None:
    seen: list[Event] = []
    workspace = Workspace([greeter()])
    task = asyncio.run(workspace.run("A task", {"name": "Ada"}, tags=["t"], emit=seen.append))
    assert seen == task.journal
    assert task.record["tags"] == ["t"]


def test_the_clock_is_the_one_that_was_given() -> None:
    clock = HeldClock()
    task = run(Workspace([greeter()], clock=clock), "A task", {"name": "Ada"})
    assert from_iso(task.record["created_at"]) == clock.now()


# -- connectors --------------------------------------------------------------------------------------------------------


async def ask(data: dict[str, Any], connectors: Any) -> None:
    data["answer"] = await connectors.openai.chat(messages=["Who?"])


ASKS = {"answer": None}


async def chat(messages: list[str]) -> dict[str, Any]:
    return {"said": f"to {messages[0]}"}


@pytest.mark.parametrize("fake", [connector("openai", chat=chat), SimpleNamespace(chat=chat)], ids=["module", "object"])
def test_a_fake_connector_takes_the_place_of_the_built_in(fake: object) -> None:
    workspace = Workspace([step("ask", ASKS, ask)], connectors={"openai": fake})
    task = run(workspace, "A task", {})
    assert task.data["answer"] == {"said": "to Who?"}
    assert (task.record["usage"]["calls"], task.record["usage"]["simulated"]) == (1, 0)


def test_without_a_fake_answers_are_simulated() -> None:
    async def content(data: dict[str, Any], connectors: Any) -> None:
        data["answer"] = (await connectors.openai.chat(messages=[], shape={"said": str})).data

    task = run(Workspace([step("ask", ASKS, content)]), "A task", {})
    assert (task.data["answer"], task.record["usage"]["simulated"]) == ({"said": "(simulated) said"}, 1)


def test_what_a_fake_raises_is_an_error_of_the_task() -> None:
    workspace = Workspace(
        [step("ask", ASKS, ask)], connectors={"openai": connector("openai", chat=raises(OSError("x")))}
    )
    task = run(workspace, "A task", {})
    assert task.state == "error"
    assert "x" in task.record["errors"]["ask"]["message"]


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1], "a task's data must be a JSON object, got list"),
        (None, "a task's data must be a JSON object, got NoneType"),
        ({"a": {"b": math.nan}}, "a task's data must be JSON: a.b is nan, which JSON does not allow"),
        ({"a": [{1}]}, "a task's data must be JSON: a.0 is a set, which is not JSON"),
        ({"a": {1: 2}}, "a task's data must be JSON: a has the key 1; keys must be strings"),
        ({"$errors": {}}, "$errors is managed by the engine and cannot be given in a task's data"),
        ({"$children": {}}, "$children is managed by the engine and cannot be given in a task's data"),
    ],
)
def test_data_that_is_no_json_object_creates_nothing(data: Any, message: str) -> None:
    workspace = Workspace([greeter()])
    with pytest.raises(InputError) as raised:
        run(workspace, "A task", data)
    assert (str(raised.value), workspace.tasks()) == (message, [])


def test_a_name_that_is_no_line_of_text_creates_nothing() -> None:
    workspace = Workspace([greeter()])
    with pytest.raises(InputError, match="invalid task name"):
        run(workspace, "a\nb", {})
    assert workspace.tasks() == []


def test_two_steps_cannot_have_one_name() -> None:
    with pytest.raises(StepError, match="two steps are called 'greet'"):
        Workspace([greeter(), greeter()])


def test_a_condition_that_is_none_is_refused_where_the_step_is_made() -> None:
    with pytest.raises(ConditionError, match="\\$gtt"):
        step("s", {"a": {"$gtt": 1}}, greet)


def test_a_task_that_is_not_there_is_not_found() -> None:
    for question in (Workspace().task, Workspace().find, Workspace().stop):
        with pytest.raises(NotFoundError, match="there is no task zzz"):
            question("zzz")


def test_a_folder_that_is_no_workspace_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"it contains neither steps/ nor aloma\.yaml"):
        Workspace.open(tmp_path)


def write(root: Path, **files: str) -> Path:
    (root / "steps").mkdir(parents=True)
    for name, text in files.items():
        (root / "steps" / f"{name}.py").write_text(text)
    return root


def test_a_broken_step_is_raised_by_the_run_and_nothing_is_created(tmp_path: Path) -> None:
    workspace = Workspace.open(write(tmp_path, bad="def x(:\n", good="condition = {}\ndef content(): pass\n"))
    assert list(workspace.steps) == ["good"]
    for question in (workspace.setup.check, lambda: run(workspace, "A task", {})):
        with pytest.raises(StepError, match=r"steps/bad\.py:1: SyntaxError"):
            question()
    assert workspace.tasks() == []


def test_a_broken_configuration_is_raised_on_opening(tmp_path: Path) -> None:
    (write(tmp_path) / "aloma.yaml").write_text("nonsense: 1\n")
    with pytest.raises(ConfigError, match=r"aloma\.yaml:1: `nonsense` is an unknown setting"):
        Workspace.open(tmp_path)


def test_a_key_that_is_wanted_and_missing_is_raised_on_opening(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError):
        Workspace.open(write(tmp_path), flags=ModelFlags(require_real=True), environ={})


# -- continuing --------------------------------------------------------------------------------------------------------


def test_a_run_that_is_cancelled_can_be_resumed() -> None:
    patience = [60.0, 0.0]

    async def content(data: dict[str, Any]) -> None:
        await asyncio.sleep(patience.pop(0))
        data["slept"] = True

    async def main() -> Task:
        workspace = Workspace([greeter(), step("slow", {"greeting": str}, content)])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workspace.run("A task", {"name": "Ada"}), 0.1)
        assert workspace.task("@last").state == "processing"
        return await workspace.resume("@last")

    task = asyncio.run(main())
    assert (task.state, task.data["slept"]) == ("done", True)
    assert {step["step"]: step["fired"] for step in task.record["steps"]} == {"greet": 1, "slow": 1}


def test_a_task_that_runs_cannot_be_resumed_and_is_stopped_where_it_runs() -> None:
    async def main() -> Task:
        workspace = Workspace([step("slow", {}, puts(60.0, x=1))])
        running = asyncio.create_task(workspace.run("A task", {}))
        await asyncio.sleep(0.05)
        with pytest.raises(TaskLockedError):
            await workspace.resume("@last")
        assert workspace.stop("@last", "enough") is None
        return await running

    task = asyncio.run(main())
    assert (task.state, task.record["reason"]) == ("stopped", "enough")


def test_a_request_to_a_process_that_ends_in_that_moment_is_carried_out_by_who_made_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = Workspace([step("a", {"go": True}, puts(done=True))])
    task = run(workspace, "it", {})
    real, asked = workspace.store.claim, []

    def claim(root: str) -> Any:
        asked.append(root)
        if len(asked) == 1:
            raise TaskLockedError("it is run by process 1")
        return real(root)

    monkeypatch.setattr(workspace.store, "claim", claim)
    written = workspace.submit(task.id, {"kind": "set", "set": [[["go"], True]]})
    assert written is not None
    assert written.data == {"go": True}
    assert len(asked) == 2


def test_a_task_at_rest_is_stopped_at_once() -> None:
    workspace = Workspace([greeter()])
    run(workspace, "A task", {})
    task = workspace.stop("@last")
    assert task is not None
    assert (task.state, task.record["reason"]) == ("stopped", "stopped by a person")


def test_resume_gives_a_closed_task_back_as_it_is() -> None:
    async def end(task: Any) -> None:
        task.complete()

    workspace = Workspace([step("end", {}, end)])
    closed = run(workspace, "A task", {})
    again = asyncio.run(workspace.resume(closed.id))
    assert (again.record, again.journal) == (closed.record, closed.journal)


def test_resume_runs_a_failed_step_again() -> None:
    failures = [ValueError("once")]

    async def content(data: dict[str, Any]) -> None:
        if failures:
            raise failures.pop()
        data["x"] = 1

    workspace = Workspace([step("s", {"x": None}, content)])
    assert run(workspace, "A task", {}).state == "error"
    task = asyncio.run(workspace.resume("@last"))
    assert (task.state, task.data) == ("done", {"x": 1})


# -- workspaces side by side -------------------------------------------------------------------------------------------


COUNTS = """
import subprocess
import sys
seen = []
condition = {"n": int, "seen": None}

def content(data, lib):
    seen.append(data["n"])
    data["seen"] = list(seen)
    data["lib"] = lib.own.NAME
    data["modules"] = sum(module.__dict__.get("seen") is seen for module in list(sys.modules.values()) if module)
"""


def test_two_workspaces_share_no_modules(tmp_path: Path) -> None:
    for name in ("one", "two"):
        root = write(tmp_path / name, count=COUNTS)
        (root / "libraries").mkdir()
        (root / "libraries" / "own.py").write_text(f"NAME = {name!r}\n")
    one, two, again = (Workspace.open(tmp_path / name) for name in ("one", "two", "one"))
    for number, (workspace, lib, seen) in enumerate([(one, "one", [0]), (two, "two", [1]), (again, "one", [2])]):
        task = run(workspace, "A task", {"n": number})
        assert task.data == {"n": number, "seen": seen, "lib": lib, "modules": 1}


def test_prints_of_steps_in_runs_side_by_side_stay_out_of_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    async def short() -> None:
        await asyncio.sleep(0.01)
        sys.stdout.write("short\n")

    async def long() -> None:
        await asyncio.sleep(0.05)
        sys.stdout.write("long\n")

    async def main() -> None:
        runs = (Workspace([step("s", {}, content)]).run("A task", {}) for content in (long, short))
        await asyncio.gather(*runs)
        sys.stdout.write("the program's own\n")

    asyncio.run(main())
    assert capsys.readouterr().out == "the program's own\n"


@pytest.mark.parametrize("key", [None, "a key kept secret"])
def test_what_a_step_does_to_the_streams_does_the_program_no_harm(key: str | None) -> None:
    own = io.StringIO(), io.StringIO()

    def content() -> None:
        sys.stderr.write("written\n")
        sys.stdout.close()
        sys.stderr.close()
        sys.stdout = sys.stderr = io.StringIO()

    with contextlib.redirect_stdout(own[0]), contextlib.redirect_stderr(own[1]):
        run(Workspace([step("s", {}, content)], models=ModelSettings("http://x", key)), "A task", {})
        assert (sys.stdout, sys.stderr) == own
    assert [stream.getvalue() for stream in own] == ["", "written\n"]


CLINGS = """
import asyncio
from aloma_cli import Step, Workspace, run

async def cling():
    while True:
        try:
            await asyncio.sleep(60)
        except BaseException:
            pass

async def end(task):
    task.complete(cancel=True)

print(run(Workspace([Step("cling", {}, cling, priority=1), Step("end", {}, end)]), "a task", {}).state)
"""


def test_a_program_ends_though_a_step_of_its_run_will_not() -> None:
    ended = subprocess.run([sys.executable, "-c", CLINGS], capture_output=True, text=True, timeout=10, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("kind", ["async", "plain"])
@pytest.mark.parametrize("tool", ["async_tool", "plain_tool"])
def test_tools_of_any_kind_of_step_reach_connectors(kind: str, tool: str, tmp_path: Path) -> None:
    called = {"tool_calls": [{"name": tool, "arguments": {"name": "Ada"}}]}
    (tmp_path / "agent.json").write_text(dumps([{"calls": [called, {"answer": "done"}]}]))

    class Crm:
        def find(self, name: str) -> str:
            return f"{name} is found"

    def tools(connectors: Any) -> list[Any]:
        async def async_tool(name: str) -> str:
            return str(await connectors.crm.find(name))

        def plain_tool(name: str) -> str:
            return str(connectors.crm.find(name))

        return [async_tool, plain_tool]

    async def content(data: dict[str, Any], connectors: Any) -> None:
        data["out"] = (await connectors.openai.chat(messages="q", tools=tools(connectors))).data

    def plain_content(data: dict[str, Any], connectors: Any) -> None:
        data["out"] = connectors.openai.chat(messages="q", tools=tools(connectors)).data

    step = Step("agent", {"out": None}, content if kind == "async" else plain_content)
    models = ModelSettings(offline=True, responses=tmp_path)
    task = run(Workspace([step], connectors={"crm": Crm()}, models=models), "A task", {})
    assert task.data == {"out": "done"}
    answers = [(event.call, event.answer) for event in task.journal if isinstance(event, CallAnswered)]
    assert answers[1:3] == [("crm.find", "Ada is found"), (f"tool.{tool}", "Ada is found")]
