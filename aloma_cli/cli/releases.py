"""The version of the code in the workspace of a command."""

from __future__ import annotations

from pathlib import Path

from aloma_cli.loader.config_files import read_config
from aloma_cli.loader.layout import find_workspace
from aloma_cli.loader.release import release_of


def release_here(workspace: str | None) -> str:
    """The version; loads no step."""
    root = find_workspace(workspace, Path.cwd())
    return release_of(read_config(root), root)
