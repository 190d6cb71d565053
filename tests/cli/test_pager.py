"""Long texts go through the pager that is named, and nowhere else where none is."""

from __future__ import annotations

from pathlib import Path

import pytest

from aloma_cli.cli.pager import write_paged
from tests.view.terminal import terminal


@pytest.mark.parametrize("pager", ["", "cat", "/nowhere/pager"])
def test_without_a_pager_the_text_is_written(pager: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PAGER", pager)
    with terminal(40, 10) as screen:
        write_paged(screen.stream, "one\n")
        screen.stream.flush()
    assert "one" in screen.raw


def test_a_pager_gets_the_whole_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PAGER", f"tee {tmp_path}/page")
    with terminal(40, 10) as screen:
        write_paged(screen.stream, "ä one\n")
    assert (tmp_path / "page").read_text("utf-8") == "ä one\n"


def test_a_pager_that_is_left_early_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PAGER", "true")
    with terminal(40, 10) as screen:
        write_paged(screen.stream, "x" * 1_000_000)


def test_a_file_gets_no_pager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAGER", "false")
    with (tmp_path / "out").open("w", encoding="utf-8") as file:
        write_paged(file, "one\n")
    assert (tmp_path / "out").read_text("utf-8") == "one\n"
