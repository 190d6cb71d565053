"""The workspace of a command. From its opening on, no secret of it is printed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.api.reader import AskedWorkspace, Records
from aloma_cli.cli.output import hide
from aloma_cli.loader.config_files import read_user_config
from aloma_cli.loader.layout import find_workspace
from aloma_cli.loader.place import store_at
from aloma_cli.loader.sources import ModelFlags
from aloma_cli.loader.workspace import load_workspace as load_files
from aloma_cli.loader.workspace import redactor_of
from aloma_cli.redact import Redactor
from aloma_cli.store.open import open_store

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace


def open_records(path: str | None) -> tuple[Records, Redactor]:
    """The tasks of the workspace, for commands that check their arguments before any step is loaded."""
    root = find_workspace(path, Path.cwd())
    redactor = redactor_of(root, os.environ, read_user_config())
    hide(redactor)
    return Records(open_store(store_at(root, os.environ))), redactor


def load_workspace(path: str | None, flags: ModelFlags | None = None) -> Workspace:
    """The workspace; `flags` help to choose the model server. Raises as `load`."""
    from aloma_cli.api.workspace import load  # with the engine: many commands run nothing

    return load(path, flags=flags, hide=hide)


def load_asked(path: str | None) -> AskedWorkspace:
    """The workspace, for commands that ask about its tasks and run nothing. Raises as `load`."""
    loaded = load_files(path, Path.cwd(), os.environ, user_config=read_user_config(), hide=hide)
    root = loaded.root or Path.cwd()
    return AskedWorkspace(open_store(store_at(root, os.environ, loaded.config)), loaded)
