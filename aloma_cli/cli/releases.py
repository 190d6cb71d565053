"""The version of the code in the workspace of a command. Stores on one machine do not ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.later import Later
from aloma_cli.loader.layout import find_workspace

if TYPE_CHECKING:
    from aloma_cli.loader import config_files, release
else:
    config_files = Later("aloma_cli.loader.config_files")
    release = Later("aloma_cli.loader.release")


def release_here(workspace: str | None) -> str:
    """The version; loads no step."""
    root = find_workspace(workspace, Path.cwd())
    return release.release_of(config_files.read_config(root), root)
