"""`aloma task report`"""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from tests.cli.desk import Desk


def test_a_page_is_written_beside_you_and_its_name_printed(desk: Desk) -> None:
    task = desk.new().out.strip()
    ended = desk.run("task", "report")
    assert (ended.code, ended.out) == (0, f"report-{task}.html\n")
    page = (desk.root / f"report-{task}.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "Hello, Ada!" in page


def test_a_name_a_pipe_and_json(desk: Desk) -> None:
    desk.new()
    assert desk.run("task", "report", "-o", "run.html", "--json").json == {
        "schema": 1,
        "file": "run.html",
        "bytes": (desk.root / "run.html").stat().st_size,
    }
    assert desk.run("task", "report", "@last", "-o", "-").out == (desk.root / "run.html").read_text(encoding="utf-8")


def test_it_is_opened_in_a_browser(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not opened.append(address))  # type: ignore[func-returns-value]
    desk.new()
    assert desk.run("task", "report", "-o", "run.html", "--open").code == 0
    assert opened == [Path("run.html").resolve().as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    ended = desk.run("task", "report", "-o", "run.html", "--open")
    assert ended.code == 2
    assert "no browser could be opened" in ended.err


def test_what_cannot_be_written_is_said(desk: Desk) -> None:
    desk.new()
    ended = desk.run("task", "report", "-o", "no/folder/run.html")
    assert ended.code == 2
    assert ended.err == (
        "aloma: no/folder/run.html cannot be written: No such file or directory\n  → name another file: -o FILE\n"
    )
    assert "cannot be used together" in desk.run("task", "report", "-o", "-", "--open").err


def test_a_secret_is_not_in_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TOKEN", "very-secret-token")
    desk.write("aloma.yaml", "secrets: [CRM_TOKEN]\n")
    desk.new('{"name": "very-secret-token"}')
    page = desk.run("task", "report", "-o", "-").out
    assert "very-secret" not in page
    assert "«secret:CRM_TOKEN»" in page


def test_a_step_that_is_broken_today_does_not_hide_what_happened(desk: Desk) -> None:
    desk.new()
    desk.write("steps/greet.py", "condition = {")
    assert "Hello, Ada!" in desk.run("task", "report", "-o", "-").out


def test_all_tasks_of_a_time_are_a_page(desk: Desk) -> None:
    desk.new()
    desk.new()
    ended = desk.run("report")
    assert (ended.code, ended.out) == (0, "report.html\n")
    assert (desk.root / "report.html").read_text(encoding="utf-8").count('class="dot s-done"') == 2
    assert "No task was created" in desk.run("report", "--since", "0s", "-o", "-").out
    assert desk.run("report", "--since", "moon").code == 2


def test_a_damaged_task_is_left_out_and_said(desk: Desk) -> None:
    desk.new()
    task = desk.new().out.strip()
    (desk.root / ".aloma/tasks" / task / "task.json").unlink()
    (desk.root / ".aloma/tasks" / task / "journal.jsonl").write_text("{}\n", encoding="utf-8")
    ended = desk.run("report", "-o", "-")
    assert ended.out.count('class="dot s-done"') == 1
    assert task in ended.err
    assert ended.code != 0


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("step new other", "steps/other.py"),
        ("init sub", "sub/aloma.yaml"),
        ("report -o new.html", "new.html"),
        ("report -o kept.html", "kept.html"),
        ("task export @last -o kept.jsonl", "kept.jsonl"),
    ],
)
def test_a_file_is_written_whole_or_not_at_all(desk: Desk, command: str, file: str) -> None:
    """An empty step would keep the whole workspace from running."""
    desk.new()
    kept = [desk.write(name, "as before") for name in ("kept.html", "kept.jsonl")]
    desk.warm = None  # the limit holds for what the shell starts
    ended = desk.shell(f"ulimit -f 0; aloma {command}")
    assert (ended.code, f"{file} cannot be written: File too large" in ended.err) == (2, True), ended
    assert [path.read_text() for path in kept] == ["as before"] * 2
    assert (desk.root / file).exists() == file.startswith("kept")
    assert not list(desk.root.rglob("*.new"))


@pytest.mark.parametrize(
    ("command", "mode"), [("report -o kept.page", 0o640), ("task export @last -o kept.page", 0o600)]
)
def test_a_file_that_is_replaced_keeps_its_mode_and_others_keep_their_files(
    desk: Desk, command: str, mode: int
) -> None:
    desk.new()
    kept = desk.write("kept.page", "as before")
    kept.chmod(0o640)
    other = desk.write(".kept.page.new", "another program writes this")
    assert desk.run(*command.split()).code == 0
    assert (kept.stat().st_mode & 0o777, kept.read_text() != "as before") == (mode, True)
    assert other.read_text() == "another program writes this"
