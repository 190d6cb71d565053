"""What is said when a run ends or waits: what it waits for, why it failed, and what to type next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from aloma_cli.cli import output
from aloma_cli.cli.failures import failures
from aloma_cli.cli.next_steps import next_steps, question, questions, unsettled
from aloma_cli.cli.step.describe import NO_STEPS
from aloma_cli.jsontext import show_path
from aloma_cli.record.events import Committed, Event, FiringVoided

if TYPE_CHECKING:
    from aloma_cli.api.task import Task
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.engine.transaction import Emit


def say_next(home: Workspace, task: Task) -> None:
    """Say why steps failed, also where the task waits for something else, and what to type next."""
    if not home.steps:
        output.say(f"aloma: no step could fire: {NO_STEPS}")
    else:
        _say_all(failures(task, home.loaded.root))
    if task.state == "ignored" and not task.data:
        _say_all(["→ the task has no data: aloma task new NAME -d '{…}', or -f FILE"])
    _say_all(next_steps(task.record))


def say_interrupted(task: Task, *, follows: bool) -> None:
    """Say that a run was interrupted, or that it is no longer watched, and how to continue."""
    if follows:
        output.say(f"aloma: task {task.id} is no longer watched; it continues to run")
        return
    output.say(f"aloma: interrupted; to continue: aloma task resume {task.id}")
    say_waits(task)


def say_waits(task: Task) -> None:
    """Say what a task waits for."""
    _say_all([*questions(task.record), *unsettled(task.record)])


def say_questions(show: Emit, read: Callable[[], Task]) -> Emit:
    """Let `show` take events, and say each question when it is asked; `read` reads the task."""

    def emit(event: Event) -> None:
        show(event)
        if isinstance(event, FiringVoided) and event.reason in ("asking", "unknown"):
            say_waits(read())
        for asked in event.asked if isinstance(event, Committed) else ():
            _say_all(question({**asked, "task": event.task, "into": show_path(tuple(asked["into"]))}, several=True))

    return emit


def _say_all(lines: Iterable[str]) -> None:
    for line in lines:
        output.say(f"  {line}")
