"""The options of the commands that ask something of a task and then run it: `task set`, `answer`, `redo`, `settle`."""

from __future__ import annotations

from typing import Annotated

from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Limits, Models
from aloma_cli.cli.output_options import Output
from aloma_cli.cli.parameters import Group
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """Where the task is, whether and how it is run after the request, and what is printed."""

    no_run: options.NoRun = False
    wait: options.Wait = False
    workspace: options.Workspace = None
    output: Output
    limits: Limits
    models: Models


Running = Annotated[RequestOptions, Group.of(RequestOptions)]
