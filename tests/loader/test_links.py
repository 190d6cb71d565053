"""The key that signs links is made once, and only its owner can read it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aloma_cli.errors import ConfigError, StoreError, WorkspaceError
from aloma_cli.loader.environment import Environment
from aloma_cli.loader.links import link_key

NOTHING = Environment()


def test_the_key_is_made_once_and_kept(tmp_path: Path) -> None:
    key = link_key(tmp_path, NOTHING)
    assert (len(key), link_key(tmp_path, NOTHING)) == (32, key)
    assert [path.name for path in (tmp_path / ".aloma").iterdir() if "links" in path.name] == ["links.key"]
    assert (tmp_path / ".aloma/links.key").stat().st_mode & 0o777 == 0o600


def test_processes_that_make_it_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: link_key(tmp_path, NOTHING), range(40)))) == 1


def test_a_torn_key_is_replaced(tmp_path: Path) -> None:
    link_key(tmp_path, NOTHING)
    path = tmp_path / ".aloma/links.key"
    path.write_bytes(b"torn")
    assert len(link_key(tmp_path, NOTHING)) == 32


def test_a_key_that_others_may_read_or_that_is_a_link_is_refused(tmp_path: Path) -> None:
    link_key(tmp_path, NOTHING)
    path = tmp_path / ".aloma/links.key"
    path.chmod(0o644)
    with pytest.raises(WorkspaceError, match="can be read by other users"):
        link_key(tmp_path, NOTHING)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link"):
        link_key(tmp_path, NOTHING)


def test_workers_on_several_machines_share_a_secret(tmp_path: Path) -> None:
    assert link_key(tmp_path, Environment(({"ALOMA_LINK_KEY": "x" * 32},))) == b"x" * 32
    assert not (tmp_path / ".aloma").exists()
    with pytest.raises(ConfigError, match="ALOMA_LINK_KEY has fewer than 32 characters"):
        link_key(tmp_path, Environment(({"ALOMA_LINK_KEY": "short"},)))
