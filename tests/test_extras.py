"""What is said where an extra is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aloma_cli.errors import WorkspaceError
from aloma_cli.extras import extra


@pytest.mark.parametrize(
    ("receipt", "command"),
    [
        (None, "pip install"),
        ("uv-receipt.toml", "uv tool install"),
        ("pipx_metadata.json", "pipx install --force"),
    ],
)
def test_the_hint_installs_into_the_environment_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receipt: str | None, command: str
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    if receipt:
        (tmp_path / receipt).touch()
    missing = pytest.raises(WorkspaceError, match=r"^cron needs the extra `triggers`, which is not installed$")
    with missing as refused, extra("triggers", "cron"):
        raise ImportError
    assert refused.value.hint == f"run `{command} 'aloma-cli[triggers]'`"
