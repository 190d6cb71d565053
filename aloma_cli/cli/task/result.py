"""What a command that ran a task prints of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.cli.output import put, put_json, visible, whole_record

if TYPE_CHECKING:
    from aloma_cli.api.task import Task


def print_result(task: Task, *, as_json: bool, as_data: bool, events: bool = False) -> None:
    """The task's id, its whole record, or its document; nothing where the events were printed."""
    if as_json:
        put_json(whole_record(task.record, task.data))
    elif as_data:
        put_json(visible(task.data))
    elif not events:
        put(task.id)
