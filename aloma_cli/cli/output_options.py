"""The options that say how a command tells of the task it ran, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from aloma_cli.cli import options, output
from aloma_cli.document.stash import hide_stash

if TYPE_CHECKING:
    from aloma_cli.api.task import Task


@dataclass(frozen=True, slots=True)
class Telling:
    """What goes to stdout: the record, the document, the events, else the id; `quiet`: nothing goes to stderr."""

    as_json: options.AsJson = False
    as_data: options.AsData = False
    events: Annotated[bool, typer.Option("--events", help="Print each event as a line of JSON, as it happens.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing of the run on stderr.")] = False

    def print(self, task: Task) -> None:
        """The task's id, its whole record, or its document; nothing where its events were printed."""
        if self.as_json:
            output.put_json(output.whole_record(task.record, task.data))
        elif self.as_data:
            output.put_json(hide_stash(task.data))
        elif not self.events:
            output.put(task.id)
