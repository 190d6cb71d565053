"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Workspace = Annotated[
    str | None,
    typer.Option("--workspace", "-w", metavar="PATH", help="The workspace; else the one around the current folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the whole record as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show nothing of the run on stderr.")]
Events = Annotated[bool, typer.Option("--events", help="Print each event as a line of JSON, as it happens.")]
AsData = Annotated[bool, typer.Option("--data", help="Print the task's document as JSON.")]
TaskId = Annotated[
    str, typer.Argument(metavar="ID", help="A task id or the beginning of one; @last, @-2 for the last but one.")
]
LastTask = Annotated[
    str, typer.Argument(metavar="[ID]", help="A task id or the beginning of one; the last task if left out.")
]

BaseUrl = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", help="An OpenAI-compatible server for model calls.")
]
ApiKey = Annotated[str | None, typer.Option("--api-key", metavar="KEY", help="The key for that server.")]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="The model that answers all calls.")]
Offline = Annotated[bool, typer.Option("--offline", help="Simulate all model answers, whatever is configured.")]
RequireReal = Annotated[bool, typer.Option("--require-real", help="Fail rather than simulate model answers.")]
Responses = Annotated[
    str | None, typer.Option("--responses", metavar="DIR", help="Scripted answers for simulated model calls.")
]
Delay = Annotated[
    float, typer.Option("--delay", metavar="SECONDS", min=0.0, help="How long each simulated answer takes, about.")
]
