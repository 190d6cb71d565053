"""What is remembered of servers: only fresh findings, about the same server and model, and never an obstacle."""

from __future__ import annotations

from pathlib import Path

import pytest

from aloma_cli.connectors.honours import KEPT_FOR, Honours
from tests.support.manual import HeldClock

URL = "http://127.0.0.1:1/v1"


def test_findings_add_up_and_are_read_by_another_process(tmp_path: Path) -> None:
    clock, path = HeldClock(), tmp_path / "cache" / "honours.json"
    Honours(path, clock.now).save(URL, "m", form="json_object")
    Honours(path, clock.now).save(f"http://ann:pw@{URL[7:]}/", "m", tools=True)
    later = Honours(path, clock.now)
    assert later.load(URL, "m") == {"form": "json_object", "tools": True}
    assert (later.load(URL, "other"), later.load("http://127.0.0.1:2/v1", "m")) == ({}, {})
    assert "pw" not in path.read_text()
    assert [file.name for file in path.parent.iterdir()] == ["honours.json"]


def test_an_old_finding_is_not_believed(tmp_path: Path) -> None:
    clock = HeldClock()
    honours = Honours(tmp_path / "honours.json", clock.now)
    honours.save(URL, "m", form="words")
    clock.moment = KEPT_FOR
    assert honours.load(URL, "m") == {}
    honours.save(URL, "other", tools=False)
    assert "words" not in (tmp_path / "honours.json").read_text(), "the file does not grow"
    honours.forget(URL, "other")
    assert honours.load(URL, "other") == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"http://127.0.0.1:1/v1 m": 1}', b"\xff"])
def test_a_damaged_file_is_forgotten(tmp_path: Path, content: bytes) -> None:
    path, clock = tmp_path / "honours.json", HeldClock()
    path.write_bytes(content)
    assert Honours(path, clock.now).load(URL, "m") == {}
    Honours(path, clock.now).save(URL, "m", form="words")
    assert Honours(path, clock.now).load(URL, "m") == {"form": "words"}


def test_without_a_file_or_a_folder_that_can_be_written_nothing_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (None, tmp_path / "file" / "honours.json"):
        honours = Honours(path, HeldClock().now)
        honours.save(URL, "m", form="words")
        assert honours.load(URL, "m") == {}
