"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.errors import InputError

RUN = "Run"
"""The part of a help that lists options of how a task is run."""

Workspace = Annotated[
    str | None, Option(("--workspace", "-w"), "The workspace; default: the one around this folder.", "PATH", part=RUN)
]
Wait = Annotated[bool, Option(("--wait",), "Keep running until open questions are answered.", part=RUN)]
Queue = Annotated[bool, Option(("--queue",), "Leave the run to `aloma worker`; with --wait, follow it.", part=RUN)]
NoRun = Annotated[bool, Option(("--no-run",), "Only write it; do not run the task.", part=RUN)]
AsJson = Annotated[bool, Option(("--json",), "Print the whole record as JSON.")]
AsSvg = Annotated[bool, Option(("--svg",), "Draw the terminal output as SVG.", part="Output")]
AsData = Annotated[bool, Option(("--data",), "Print the task's document as JSON.")]
AsResult = Annotated[bool, Option(("--result",), "Print the result as JSON: that of `complete()`, else the document.")]
Expect = Annotated[
    str | None,
    Option(("--expect",), "The goal, else incomplete (6): PATH[=VALUE], or a condition.", "PATTERN", part=RUN),
]
TaskId = Annotated[str | None, Argument("ID", "A task id or its beginning; @last; @-2, the last but one.", "task")]
LastTask = Annotated[str, Argument("[ID]", "A task id or its beginning; default: the last task.", "task")]


def check_one_format(given: dict[str, bool]) -> None:
    """Raise InputError where more than one of these options is given."""
    first, *others = [option for option, is_given in given.items() if is_given] or [""]
    if others:
        raise InputError(f"{first} and {others[0]} cannot be used together", hint="use one of them")
