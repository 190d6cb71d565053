"""Opening the workspace of a command: from then on no secret of it is printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.api.workspace import Workspace
from aloma_cli.cli.output import hide

if TYPE_CHECKING:
    from aloma_cli.api.records import Records
    from aloma_cli.loader.models import ModelFlags
    from aloma_cli.redact import Redactor


def open_records(path: str | None) -> tuple[Records, Redactor]:
    """The tasks of the workspace, for commands that check what is typed before any step is loaded."""
    from aloma_cli.api.records import Records
    from aloma_cli.loader.config import read_user_config, user_config_path
    from aloma_cli.loader.layout import DATA_FOLDER, find_workspace
    from aloma_cli.loader.workspace import redactor_of
    from aloma_cli.store.open import open_store

    root = find_workspace(path, Path.cwd())
    scrubber = redactor_of(root, os.environ, read_user_config(user_config_path()).key_variables)
    hide(scrubber)
    return Records(open_store(root / DATA_FOLDER)), scrubber


def load_workspace(path: str | None, flags: ModelFlags | None = None) -> Workspace:
    """The workspace; `flags` have a say in which model server a task uses. Raises as `Workspace.loading`."""
    return Workspace.loading(path, flags=flags, hide=hide)
