"""Where the tasks of a workspace are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from aloma_cli.errors import ConfigError
from aloma_cli.loader.config import Config
from aloma_cli.loader.config_files import read_config
from aloma_cli.loader.place import store_at
from aloma_cli.loader.release import release_of
from aloma_cli.loader.secrets import secret_values
from aloma_cli.redact import Redactor

DATABASE = "postgresql://db.example.com/aloma"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def test_without_a_word_it_is_the_folder(root: Path) -> None:
    assert store_at(root, {}) == root / ".aloma"
    (root / "aloma.yaml").write_text("name: Store of books\n")
    assert store_at(root, {}) == root / ".aloma"


def test_a_database_gets_the_name_of_the_workspace(root: Path) -> None:
    (root / "aloma.yaml").write_text(f"store: {DATABASE}\n")
    assert store_at(root, {}) == f"{DATABASE}?workspace=shop"
    (root / "aloma.yaml").write_text(f"store: {DATABASE}?sslmode=require\nname: Our shop\n")
    assert store_at(root, {}) == f"{DATABASE}?sslmode=require&workspace=Our%20shop"


def test_the_environment_wins_and_may_name_the_workspace(root: Path) -> None:
    (root / "aloma.yaml").write_text(f"store: {DATABASE}\n")
    assert store_at(root, {"ALOMA_STORE": "postgres://other/x?workspace=w"}) == "postgres://other/x?workspace=w"


def test_anything_else_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match="is not the URL of a store"):
        store_at(root, {"ALOMA_STORE": "mysql://db/aloma"})


@pytest.mark.parametrize("written", ["mysql://db/aloma", "db.example.com"])
def test_a_store_in_the_settings_is_a_database(root: Path, written: str) -> None:
    (root / "aloma.yaml").write_text(f"store: {written}\n")
    with pytest.raises(ConfigError, match="must be a URL such as postgresql://"):
        read_config(root)


def test_a_password_in_the_settings_is_refused_and_not_shown(root: Path) -> None:
    (root / "aloma.yaml").write_text("store: postgresql://aloma:hunter2@db/aloma\n")
    with pytest.raises(ConfigError, match="has a password") as caught:
        read_config(root)
    assert "hunter2" not in str(caught.value)


def test_the_passwords_of_the_database_are_secrets() -> None:
    environ = {"ALOMA_STORE": "postgresql://aloma:hunter2hunter2@db/aloma", "PGPASSWORD": "swordfish"}
    redactor = Redactor(secret_values(environ, []))
    assert redactor.text("swordfish and hunter2hunter2") == "«secret:PGPASSWORD» and «secret:ALOMA_STORE-password»"
    assert not Redactor(secret_values({}, []))


def test_a_release_has_a_name_or_is_a_fingerprint_of_the_code(root: Path) -> None:
    before = release_of(Config(), root)
    (root / "notes.txt").write_text("x")
    assert release_of(Config(), root) == before
    (root / "steps").mkdir()
    (root / "steps" / "a.py").write_text("condition = {}\n")
    after = release_of(Config(), root)
    (root / "steps" / "a.py").rename(root / "steps" / "b.py")
    assert len({before, after, release_of(Config(), root)}) == 3
    (root / "shared").mkdir()
    (root / "steps" / "shared").symlink_to("../shared")
    unlinked = release_of(Config(), root)
    (root / "shared" / "c.py").write_text("condition = {}\n")
    assert release_of(Config(), root) != unlinked, "linked folders of steps are followed"
    assert release_of(Config(release="7"), root) == "7"
