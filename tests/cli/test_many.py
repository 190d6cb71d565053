"""Many tasks in one workspace: what is looked at, many processes at once, and readers while tasks come and go."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aloma_cli import Step, Workspace, run
from aloma_cli.api.reader import Records
from aloma_cli.api.task import Task
from aloma_cli.ids import new_task_id
from aloma_cli.store.files.disk import FileStore
from tests.cli.desk import Desk, ended
from tests.cli.looks import LISTED, looks

ASKS = ('{"ask": int, "answer": None}', "task.ask('Well?', into='answer')")


def copies(task: Task, number: int, store: FileStore) -> list[str]:
    """Make copies of a task that lie a second apart, the last of them now; gives their ids."""
    began = time.time() - number
    roots = [new_task_id(began + second) for second in range(number)]
    for root in roots:
        claim = store.create(root, [replace(event, task=root) for event in task.tree_journal])
        questions = [{**asked, "task": root} for asked in task.record["questions"]]
        claim.publish({**task.record, "id": root, "questions": questions}, task.data)
        claim.close()
    return roots


def asking_task() -> Task:
    async def content(task: Any) -> None:
        task.ask("Well?", into="answer")

    return run(Workspace([Step("asks", {"ask": int, "answer": None}, content)]), "A task", {"ask": 1})


def filled(desk: Desk, number: int) -> list[str]:
    """A desk at which so many tasks ask something; gives their ids."""
    desk.step("asks", *ASKS, asks="task")
    return copies(asking_task(), number, FileStore(desk.root / ".aloma", fsync=False))


# -- what is looked at -------------------------------------------------------------------------------------------------


def test_a_command_about_a_task_looks_at_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    roots, tasks = filled(desk, 300), desk.root / ".aloma" / "tasks"
    for command, about, listings in (
        (["task", "show", "@last"], [299], 1),
        (["task", "show", "@last", "--json"], [299], 1),
        (["task", "show", "@-3"], [297, 298, 299], 1),
        (["task", "show", roots[7]], [7], 0),
        (["task", "show", roots[7][:-1]], [7], 1),
        (["task", "log", roots[8]], [8], 0),
        (["task", "answer", roots[9], "1"], [9], 0),
        (["task", "resume", roots[10]], [10], 0),
        (["task", "set", roots[11], "x=1"], [11], 0),
        (["task", "stop", roots[12]], [12], 0),
        (["task", "list", "--limit", "2"], [298, 299], 1),
    ):
        with looks(tasks, monkeypatch) as counts:
            code = desk.run(*command).code
        assert code in {0, 6, 8}, command
        assert (counts.pop(LISTED, 0), {*counts}) == (listings, {roots[at] for at in about}), command
    with looks(tasks, monkeypatch) as counts:
        task = desk.new().out.strip()
    assert (counts.pop(LISTED, 0), {*counts}) == (0, {task})
    with looks(tasks, monkeypatch) as counts:
        assert desk.run("task", "list").out.count("\n") == 301
    assert counts.keys() - {LISTED} == {*roots, task}
    assert max(counts[root] for root in roots) <= 4


# -- what is listed ----------------------------------------------------------------------------------------------------


def test_a_terminal_shows_the_newest_and_says_how_many_more(desk: Desk) -> None:
    roots = filled(desk, 60)
    _, _, screen = desk.at_terminal("task", "list")
    lines = screen.rstrip().splitlines()
    assert [line.split()[0] for line in lines[1:-1]] == roots[-50:]
    assert lines[-1] == "… and 10 older ones; to see all: --limit 60"
    _, _, screen = desk.at_terminal("task", "list", "--limit", "60", "--state", "question")
    assert screen.rstrip().count("\n") == 60
    _, _, screen = desk.at_terminal("task", "list", "--state", "question")
    assert screen.rstrip().endswith("\n… 10 older ones were not searched; to search all: --limit 60")


def test_a_terminal_searches_the_newest_tasks_and_a_limit_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = filled(desk, 60)
    monkeypatch.setattr("aloma_cli.cli.task.list.SEARCHED", 20)
    desk.run("task", "answer", roots[39], "1")
    search = ("task", "list", "--state", "done")
    assert desk.run(*search).out.split()[0] == roots[39]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    found = desk.run(*search)
    assert (found.out, found.err.splitlines()) == (
        "",
        ["no matching tasks", "… 40 older ones were not searched; to search all: --limit 60"],
    )
    assert roots[39] in desk.run(*search, "--limit", "60").out


def test_older_tasks_are_counted_by_their_names_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    roots = filled(desk, 60)
    monkeypatch.setattr("aloma_cli.cli.task.list.SEARCHED", 55)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for narrowed, about in ((), roots[-50:]), (("--state", "error"), roots[-55:]):
        with looks(desk.root / ".aloma" / "tasks", monkeypatch) as counts:
            desk.run("task", "list", *narrowed)
        assert counts.pop(LISTED) == 1
        assert counts.keys() == {*about}


def test_a_program_is_told_all_unless_it_wants_fewer(desk: Desk) -> None:
    roots = filled(desk, 60)

    def listed(*options: str) -> list[str]:
        return [line.split("\t")[0] for line in desk.run("task", "list", *options).out.splitlines()]

    assert listed() == roots
    assert listed("--limit", "3") == roots[-3:]
    assert [record["id"] for record in desk.run("task", "list", "--limit", "2", "--json").json] == roots[-2:]
    desk.run("task", "answer", roots[5], "1")
    assert listed("--limit", "3", "--state", "done") == [roots[5]]


def test_a_limit_counts_tasks_and_not_their_subtasks(desk: Desk) -> None:
    desk.step("fan", '{"fan": int, "n": None}', "data['n'] = 1", "task.subtask('kid', {})", asks="data, task")
    for _ in range(3):
        desk.new('{"fan": 1}')
    listed = [line.split("\t")[2] for line in desk.run("task", "list", "--all", "--limit", "2").out.splitlines()]
    assert listed == ["A task", "kid"] * 2


def test_the_long_form_has_size_subtasks_commits_and_last_change(desk: Desk) -> None:
    desk.step("fan", '{"fan": int, "n": None}', "data['n'] = 1", "task.subtask('kid', {})", asks="data, task")
    desk.new('{"fan": 1}')
    (task,) = desk.tasks
    size = sum(path.stat().st_size for path in (desk.root / ".aloma" / "tasks" / task).rglob("*") if path.is_file())
    (record,) = desk.run("task", "list", "--json").json
    assert record["size"] == size
    (line,) = desk.run("task", "list", "-l").out.splitlines()
    assert line.split("\t")[8:] == [str(size), "1", str(record["version"]), record["updated_at"]]
    (short,) = desk.run("task", "list").out.splitlines()
    assert line.startswith(short)
    assert [record["size"] for record in desk.run("task", "list", "--all", "--json").json] == [size, None]


# -- many at once ------------------------------------------------------------------------------------------------------


def many_at_once(desk: Desk, number: int, seconds: float) -> None:
    """As many processes make a task each, in a workspace that has none."""
    processes = [desk.started("task", "new", f"Task {n}", "-d", f'{{"name": "{n}"}}') for n in range(number)]
    ends = [ended(process, seconds) for process in processes]
    assert [end.code for end in ends] == [0] * number, [end.err for end in ends if end.code]
    assert sorted(end.out.strip() for end in ends) == desk.tasks
    records = desk.run("task", "list", "--json").json
    assert sorted(record["name"] for record in records) == sorted(f"Task {n}" for n in range(number))
    assert {record["state"] for record in records} == {"done"}
    home = desk.root / ".aloma"
    assert {path.name for path in home.iterdir()} == {"README", ".gitignore", "tasks"}
    assert {path.name for path in (home / "tasks").glob("*/*")} == {
        "journal.jsonl",
        "task.json",
        "lock",
    }


def test_twelve_processes_make_a_task_at_once(desk: Desk) -> None:
    many_at_once(desk, 12, 20)


@pytest.mark.slow
def test_a_hundred_processes_make_a_task_at_once(desk: Desk) -> None:
    many_at_once(desk, 100, 120)


@pytest.mark.slow
def test_ten_thousand_tasks_can_be_listed_found_and_deleted(desk: Desk) -> None:
    roots = filled(desk, 10_000)
    assert desk.run("task", "list").out.count("\n") == 10_000
    assert desk.run("task", "show", "@last", "--json").json["id"] == roots[-1]
    assert desk.run("task", "gc", "--state", "question", "--keep", "9500", "--yes").out.count("\n") == 500
    assert desk.tasks == roots[500:]


def test_a_thousand_subtasks_end_and_land(desk: Desk) -> None:
    makes = ("data['out'] = True", "for n in range(1000): task.subtask(f'kid {n}', {'n': n}, into=('results', n))")
    desk.step("out", '{"go": 1, "out": None}', *makes, asks="data, task")
    desk.step("square", '{"n": int, "square": None}', "data['square'] = data['n'] ** 2")
    join = '{"go": 1, "$children": {"out": {"running": 0, "done": 1000}}, "joined": None}'
    desk.step("join", join, "data['joined'] = True")
    record = desk.new('{"go": 1}', "--json").json
    assert (record["state"], record["data"]["joined"]) == ("done", True)
    results = record["data"]["results"]
    assert [landed["result"]["square"] for landed in results] == [n**2 for n in range(1000)]
    listed = [line.split("\t") for line in desk.run("task", "list", "--all").out.splitlines()]
    assert [row[0] for row in listed] == [record["id"], *(child["id"] for child in record["children"])]
    assert {row[1] for row in listed} == {"done"}
    kid = desk.run("task", "show", record["children"][500]["id"], "--json").json
    assert (kid["name"], kid["data"]) == ("kid 500", {"n": 500, "square": 250_000})


# -- readers while tasks come and go -----------------------------------------------------------------------------------


def test_readers_see_whole_tasks_while_tasks_are_made_and_deleted(desk: Desk) -> None:
    """For each task there is all of it, or nothing."""
    task, folder = asking_task(), desk.root / ".aloma"
    stop, faults, seen = threading.Event(), list[BaseException](), list[int]()

    def repeat(work: Any) -> None:
        try:
            while not stop.is_set():
                work()
        except BaseException as error:  # noqa: BLE001  (it is raised below)
            faults.append(error)

    def come_and_go() -> None:
        store = FileStore(folder, fsync=False)
        for root in copies(task, 20, store):
            store.claim(root).delete()

    def look() -> None:
        home = Records(FileStore(folder))
        found = [other.record for other in home.tasks()]
        for subtasks in (False, True):
            found += [record for tree in home.records(subtasks=subtasks, unreadable=faults.append) for record in tree]
        assert {(record["state"], record["version"]) for record in found} <= {("question", 1)}
        sizes = [home.size(record) for record in found]
        assert all(size is None or size > 500 for size in sizes)
        seen.append(len(found))

    threads = [threading.Thread(target=repeat, args=[work]) for work in (come_and_go, come_and_go, look, look)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and not faults:
        ends = [desk.spawn("task", "list", "--json"), desk.spawn("task", "show", "@last", "--json")]
        assert {end.code for end in ends} <= {0, 9}, [end.err for end in ends]
    stop.set()
    for thread in threads:
        thread.join(10)
    assert faults == []
    assert max(seen) > 0


def test_a_folder_that_is_being_made_or_deleted_is_no_task(desk: Desk, tmp_path: Path) -> None:
    tasks = desk.root / ".aloma" / "tasks"
    desk.new()
    (task,) = desk.tasks
    (tasks / "01m81fdj9tnavpv4" / "inbox").mkdir(parents=True)
    (tasks / f".{task}").mkdir()
    (tasks / f".{task}" / "journal.jsonl").write_bytes((tasks / task / "journal.jsonl").read_bytes())
    assert [line.split("\t")[0] for line in desk.run("task", "list").out.splitlines()] == [task]
    assert desk.run("task", "show", "01m81fdj9tnavpv4").code == 9
    assert desk.run("task", "show", "@-2").code == 9
