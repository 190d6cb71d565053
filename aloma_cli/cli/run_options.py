"""The options of the commands that run a task: what is printed of it, what it is to come to, whether it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from aloma_cli.api.task import Task
from aloma_cli.cli import options, output
from aloma_cli.cli.option_groups import Limits, Models
from aloma_cli.cli.parameters import Group, Option
from aloma_cli.document.stash import hide_stash
from aloma_cli.later import Later
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.cli import expectation
    from aloma_cli.jsontext import JsonObject
else:
    expectation = Later("aloma_cli.cli.expectation")


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What goes to stdout: the record, the document or the result, and the events; default: the id.

    `quiet`: no output on stderr. Raises InputError for two of these.
    """

    as_json: options.AsJson = False
    as_data: options.AsData = False
    as_result: options.AsResult = False
    events: Annotated[bool, Option(("--events",), "Print each event as a line of JSON, as it happens.")] = False
    quiet: Annotated[bool, Option(("--quiet", "-q"), "Show nothing of the run on stderr.")] = False

    def __post_init__(self) -> None:
        options.check_one_format({"--json": self.as_json, "--data": self.as_data, "--result": self.as_result})

    def print(self, task: Task) -> None:
        """Print the task in the format asked for; by default nothing after its events."""
        if self.as_json:
            output.put_json(output.whole_record(task.seen, task.data))
        elif self.as_data:
            output.put_json(hide_stash(task.data))
        elif self.as_result:
            output.put_json(output.visible_result(task.record, task.data))
        elif not self.events:
            output.put(task.id)


Output = Annotated[OutputOptions, Group.of(OutputOptions, "Output")]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """The options of what asks something of a task and then runs it: `task set`, `answer`, `redo`, `settle`."""

    no_run: options.NoRun = False
    wait: options.Wait = False
    workspace: options.Workspace = None
    output: Output
    limits: Limits
    models: Models


Request = Annotated[RequestOptions, Group.of(RequestOptions)]
