"""A store is a file of its own and a line in the table: whatever names a store follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aloma_cli.api.doctor import Doctor
from aloma_cli.api.workspace import load, run
from aloma_cli.clock import SystemClock
from aloma_cli.errors import ConfigError
from aloma_cli.loader.config import Config
from aloma_cli.loader.config_files import read_config
from aloma_cli.loader.place import store_at
from aloma_cli.loader.secrets import secret_values
from aloma_cli.loader.sources import ModelFlags
from aloma_cli.loader.workspace import load_workspace
from aloma_cli.redact import Redactor
from aloma_cli.store import open as opening
from aloma_cli.store.memory import MemoryStore

URL = "shelf://hall/third"


class Shelf(MemoryStore):
    """A store that other processes could find."""

    def __init__(self, where: str, release: Any = None) -> None:
        super().__init__(where, release)
        self.where = where


@pytest.fixture(autouse=True)
def _shelf(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds: Any = opening.KINDS
    monkeypatch.setitem(kinds, "shelf", opening.Kind(__name__, "Shelf", example=URL, login_variable="SHELF_PASSWORD"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "steps").mkdir()
    (tmp_path / "aloma.yaml").write_text(f"name: here\nstore: {URL}\n")
    return tmp_path


def test_the_settings_and_the_environment_name_it_by_its_url(root: Path) -> None:
    assert read_config(root).store == URL
    assert store_at(root, {}) == f"{URL}?workspace=here"
    assert store_at(root, {"ALOMA_STORE": "shelf://other"}) == "shelf://other?workspace=here"


def test_a_workspace_keeps_its_tasks_there(root: Path) -> None:
    workspace = load(root, flags=ModelFlags(offline=True), environ={})
    assert run(workspace, "A task", {}).state == "ignored"
    assert isinstance(workspace.store, Shelf)
    assert (workspace.store.where, (root / ".aloma").exists()) == (f"{URL}?workspace=here", False)


def test_a_message_about_another_url_shows_an_example_of_each(root: Path) -> None:
    examples = f"postgresql://db.example.com/aloma or {URL}"
    with pytest.raises(ConfigError) as caught:
        store_at(root, {"ALOMA_STORE": "mysql://db"})
    assert caught.value.hint == f"use a URL such as {examples}"
    (root / "aloma.yaml").write_text("store: mysql://db\n")
    with pytest.raises(ConfigError, match=f"must be a URL such as {examples}"):
        read_config(root)


@pytest.mark.parametrize("url", ["memory:", "memory://x", "file://x", "file:///x"])
def test_a_store_that_is_not_shared_is_not_named_by_a_url(root: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="is not the URL of a store"):
        store_at(root, {"ALOMA_STORE": url})


def test_its_password_is_a_secret_and_stays_out_of_the_settings(root: Path) -> None:
    secrets = secret_values({"SHELF_PASSWORD": "swordfish"}, [])
    assert Redactor(secrets).text("swordfish") == "«secret:SHELF_PASSWORD»"
    (root / "aloma.yaml").write_text("store: shelf://ada:swordfish@hall\n")
    with pytest.raises(ConfigError, match="has a password") as caught:
        read_config(root)
    assert caught.value.hint == "remove it, and set SHELF_PASSWORD, or put the whole URL into ALOMA_STORE"


def test_doctor_tries_to_reach_it(root: Path) -> None:
    doctor = Doctor(load_workspace(root, root, {}), Config(), ModelFlags(), {}, SystemClock(), root / "honours.json")
    assert [(one.state, one.says) for one in doctor.store()] == [("ok", "the store can be reached")]
