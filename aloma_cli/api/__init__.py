"""The Python interface: what the command line itself uses."""

from aloma_cli.api.task import Task
from aloma_cli.api.workspace import Workspace, run

__all__ = ["Task", "Workspace", "run"]
