"""Opening the workspace of a command: from then on no secret of it is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.api.workspace import Workspace
from aloma_cli.cli.output import hide

if TYPE_CHECKING:
    from aloma_cli.loader import ModelFlags


def open_workspace(path: str | None, flags: ModelFlags) -> Workspace:
    """The workspace, with the model server that `flags` and configuration choose. Raises as `Workspace.open`."""
    return Workspace.open(path, flags=flags, hide=hide)


def load_workspace(path: str | None) -> Workspace:
    """The workspace, for commands that call no model. Raises as `Workspace.loading`."""
    return Workspace.loading(path, hide=hide)
