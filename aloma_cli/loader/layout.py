"""The names of what a workspace consists of, and how to find one."""

from __future__ import annotations

import re
from pathlib import Path

from aloma_cli.errors import WorkspaceError

CONFIG_FILE = "aloma.yaml"
STEPS_FOLDER = "steps"
LIBRARIES_FOLDER = "libraries"
CONNECTORS_FOLDER = "connectors"
DATA_FOLDER = ".aloma"

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of a secret or of an environment variable."""


def find_workspace(path: str | Path | None, cwd: Path) -> Path:
    """The absolute folder of the workspace: `path` where it is given, else the nearest around `cwd`.

    A workspace is a folder with a `steps` folder or an `aloma.yaml`. Raises WorkspaceError naming where it looked.
    """
    if path is not None:
        return _given(cwd / path)
    start = cwd.resolve()
    for folder in (start, *start.parents):
        if is_workspace(folder):
            return folder
    raise WorkspaceError(
        f"no workspace: neither {start} nor a folder above it holds {STEPS_FOLDER}/ or {CONFIG_FILE}",
        hint="go to a workspace, name one with `-w PATH`, or begin one here with `mkdir steps`",
    )


def is_workspace(folder: Path) -> bool:
    """Whether `folder` holds `steps/` or `aloma.yaml`."""
    return (folder / STEPS_FOLDER).is_dir() or (folder / CONFIG_FILE).is_file()


def _given(folder: Path) -> Path:
    if not folder.exists():
        raise WorkspaceError(f"no workspace at {folder}: there is no such folder")
    if not folder.is_dir():
        raise WorkspaceError(f"no workspace at {folder}: it is a file", hint=f"try `-w {folder.parent}`")
    if not is_workspace(folder):
        raise WorkspaceError(
            f"no workspace at {folder}: it holds neither {STEPS_FOLDER}/ nor {CONFIG_FILE}",
            hint=f"begin one with `mkdir {folder / STEPS_FOLDER}`",
        )
    return folder.resolve()
