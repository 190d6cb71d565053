"""The options of the commands that run a task to its rest: `task new`, `clone`, `resume`, `rerun`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Limits, Models
from aloma_cli.cli.output_options import Output
from aloma_cli.cli.parameters import Group
from aloma_cli.later import Later
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.cli import expectation
    from aloma_cli.jsontext import JsonObject
else:
    expectation = Later("aloma_cli.cli.expectation")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The goal of the task, how it is run, and what is printed of it."""

    expect: options.Expect = None
    wait: options.Wait = False
    workspace: options.Workspace = None
    output: Output
    limits: Limits
    models: Models

    @property
    def expected(self) -> JsonObject | None:
        """The condition that --expect gives. Raises InputError."""
        return None if self.expect is None else expectation.expectation(self.expect)


Run = Annotated[RunOptions, Group.of(RunOptions)]
