"""A workspace of steps in a folder, with or without fsync."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from aloma_cli import Step, Workspace
from aloma_cli.store.files.disk import FileStore


def workspace(steps: Iterable[Step], folder: str, *, fsync: bool) -> Workspace:
    made = Workspace(steps, folder=folder)
    made.store = FileStore(Path(folder), fsync=fsync)
    return made
