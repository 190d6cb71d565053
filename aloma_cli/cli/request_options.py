"""The options of the commands that ask something of a task and then run it: `task set`, `answer`, `redo`, `settle`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

from aloma_cli.budget import LimitRequest
from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Limits, Models
from aloma_cli.cli.output_options import Output, OutputOptions
from aloma_cli.cli.parameters import Group
from aloma_cli.loader.sources import ModelFlags


class RequestOptions(NamedTuple):
    """Where the task is, whether and how it is run after the request, and what is printed."""

    no_run: bool
    wait: bool
    workspace: str | None
    output: OutputOptions
    limits: Mapping[str, LimitRequest]
    models: ModelFlags


def _own_options(
    no_run: options.NoRun = False, wait: options.Wait = False, workspace: options.Workspace = None
) -> dict[str, Any]:
    return {"no_run": no_run, "wait": wait, "workspace": workspace}


_OWN = Group.of(_own_options)
_SHARED: dict[str, Any] = {"output": Output, "limits": Limits, "models": Models}
_GROUPS: dict[str, Group] = {name: declared.__metadata__[0] for name, declared in _SHARED.items()}


def _make_options(**values: Any) -> RequestOptions:
    made = {name: group.make_from(values) for name, group in _GROUPS.items()}
    return RequestOptions(**_OWN.make_from(values), **made)


Running = Annotated[
    RequestOptions,
    Group((*_OWN.options, *(option for group in _GROUPS.values() for option in group.options)), _make_options),
]
