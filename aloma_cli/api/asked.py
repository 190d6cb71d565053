"""The tasks and the steps of a workspace, to explain tasks: runs no step, and imports no engine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.api.reader import Records
from aloma_cli.loader.config_files import read_user_config
from aloma_cli.loader.place import store_at
from aloma_cli.loader.workspace import Hide, LoadedWorkspace, load_workspace, no_redaction
from aloma_cli.store.open import open_store

if TYPE_CHECKING:
    from aloma_cli.clock import Clock
    from aloma_cli.content.step import Step
    from aloma_cli.store.protocol import Store


class AskedWorkspace(Records):
    """The tasks in a store, and the steps that work on them."""

    def __init__(self, store: Store, loaded: LoadedWorkspace, *, clock: Clock | None = None) -> None:
        super().__init__(store, clock=clock)
        self.loaded = loaded
        self.steps: dict[str, Step] = dict(loaded.steps)


def load_asked(path: str | Path | None = None, *, hide: Hide = no_redaction) -> AskedWorkspace:
    """The workspace at `path`, or the one around the current folder. `hide` and errors: as in `Workspace.open`."""
    loaded = load_workspace(path, Path.cwd(), os.environ, user_config=read_user_config(), hide=hide)
    root = loaded.root or Path.cwd()
    return AskedWorkspace(open_store(store_at(root, os.environ, loaded.config)), loaded)
