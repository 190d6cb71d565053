"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Workspace = Annotated[
    str | None,
    typer.Option("--workspace", "-w", metavar="PATH", help="The workspace; else the one around the current folder."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Stay while only a person is waited for, until the answer comes.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole record as JSON.")]
AsData = Annotated[bool, typer.Option("--data", help="Print the task's document as JSON.")]
TaskId = Annotated[
    str | None,
    typer.Argument(metavar="ID", help="A task id or the beginning of one; @last, @-2 for the last but one."),
]
LastTask = Annotated[
    str, typer.Argument(metavar="[ID]", help="A task id or the beginning of one; the last task if left out.")
]
