"""The names of a workspace's files and folders, and how to find a workspace."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.errors import WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIG_FILE = "aloma.yaml"
MISNAMED_CONFIG = "aloma.yml"
STEPS_FOLDER = "steps"
LIBRARIES_FOLDER = "libraries"
CONNECTORS_FOLDER = "connectors"
CODE_FOLDERS = (STEPS_FOLDER, LIBRARIES_FOLDER, CONNECTORS_FOLDER)
RESPONSES_FOLDER = "responses"
DATA_FOLDER = ".aloma"

PRIVATE = ("_", ".")
"""What the names of files and folders begin with that are skipped."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of a secret or of an environment variable."""


def find_workspace(path: str | Path | None, cwd: Path) -> Path:
    """The absolute folder of the workspace: `path` if given, else the nearest at or above `cwd`.

    A workspace is a folder with a `steps` folder or an `aloma.yaml`. Raises WorkspaceError naming the folders searched.
    """
    if path is not None:
        return _given(cwd / path)
    start = cwd.resolve()
    for folder in (start, *start.parents):
        if is_workspace(folder):
            return folder
    raise WorkspaceError(
        f"no workspace: neither {start} nor a folder above it contains {STEPS_FOLDER}/ or {CONFIG_FILE}",
        hint="change to a workspace, name one with `-w PATH`, or create one here with `aloma init`",
    )


def is_workspace(folder: Path) -> bool:
    """Whether `folder` holds `steps/` or `aloma.yaml`."""
    return (folder / STEPS_FOLDER).is_dir() or (folder / CONFIG_FILE).is_file()


def _given(folder: Path) -> Path:
    if not folder.exists():
        raise WorkspaceError(f"no workspace at {folder}: the folder does not exist")
    if not folder.is_dir():
        raise WorkspaceError(f"no workspace at {folder}: it is a file", hint=f"try `-w {folder.parent}`")
    if not is_workspace(folder):
        raise WorkspaceError(
            f"no workspace at {folder}: it contains neither {STEPS_FOLDER}/ nor {CONFIG_FILE}",
            hint=f"create one with `aloma init {folder}`",
        )
    return folder.resolve()


def files_below(
    folder: Path,
    skipped: tuple[str, ...] = (),
    failed: Callable[[OSError], object] | None = None,
) -> Iterator[Path]:
    """The files of every real folder once, linked ones last; a link to a folder that contains `folder` is not followed.

    `skipped`: what the names of files and folders begin with that do not count. `failed` gets the error of a folder
    that cannot be read.
    """
    seen = set(folder.resolve().parents)
    tops = [folder]
    for top in tops:
        for parent, folders, files in os.walk(top, onerror=failed):
            real = Path(parent).resolve()
            folders[:] = sorted(name for name in folders if real not in seen and not name.startswith(skipped))
            tops += (path for name in folders if (path := Path(parent, name)).is_symlink())
            if real not in seen:
                yield from (Path(parent, name) for name in sorted(files) if not name.startswith(skipped))
            seen.add(real)
