"""Running a task under the eyes of a person or a pipe, until it rests or is interrupted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import typer

from aloma_cli.api.task import Task
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import descriptors, output, streams
from aloma_cli.cli.exit_codes import code_of_task, refusal
from aloma_cli.cli.failures import failures
from aloma_cli.cli.interrupts import Interrupted, Interrupts
from aloma_cli.cli.next_steps import advice, question, questions
from aloma_cli.cli.output_options import Telling
from aloma_cli.cli.step.describe import NO_STEPS
from aloma_cli.clock import SystemClock
from aloma_cli.content.step import Step
from aloma_cli.errors import AlomaError, PermanentError, StoreError
from aloma_cli.jsontext import dumps, show_path
from aloma_cli.record.codec import to_wire
from aloma_cli.record.events import Committed, Event
from aloma_cli.view.choose import Mode, open_view

Emit = Callable[[Event], None]
Work = Callable[[Emit], Coroutine[Any, Any, Task]]


def run_and_tell(
    home: Workspace,
    task_id: str,
    work: Work,
    telling: Telling,
    *,
    before: Iterable[Event] = (),
    notice: str | None = None,
    wait: bool = False,
) -> NoReturn:
    """Carry `work` out, which is handed whom to tell its events, and exit with the code for how the task ended.

    `notice` is what is to be known of the model server. `before` are the
    events of an earlier run of the same task. `wait`: questions are told when they are asked, since
    the run goes on until they are answered.
    """
    view = open_view(sys.stderr, environ=os.environ, clock=SystemClock(), mode=_mode(telling))

    def last_words(judged: Step | None) -> None:
        descriptors.settle()
        view.__exit__(None, None, None)
        _tell_interrupted(home.task(task_id), telling)
        if judged is not None:
            output.say(f"  the condition of step {judged.name} was being judged: a pattern in it takes too long")
        descriptors.end()

    try:
        with Interrupts(last_words) as interrupts:
            _tell_notice(home, notice, telling)
            if wait and before and _mode(telling) != "quiet":
                _say_all(questions(home.task(task_id).record))
            with view:
                view.recall(before)
                show = _tell_asked(view.emit) if wait and _mode(telling) != "quiet" else view.emit
                try:
                    with _no_keyboard():
                        task = interrupts.run(work(_emitter(show, telling)))
                finally:
                    descriptors.settle()
    except Interrupted as interrupted:
        _tell_interrupted(home.task(task_id), telling)
        raise typer.Exit(interrupted.code) from None
    except (StoreError, OSError) as error:
        raise _cut_short(home, task_id, telling, error) from error
    _print(task, telling)
    if _mode(telling) != "quiet":
        _tell_next(home, task)
    raise typer.Exit(code_of_task(task.record))


class _NoKeyboard:
    """The standard input of steps: several run at once, and a task goes on without anybody there."""

    def close(self) -> None:
        """Nothing: each child of `multiprocessing` closes its standard input as it begins."""

    def __getattr__(self, name: str) -> NoReturn:
        raise PermanentError("a step has no keyboard: use task.ask")


@contextmanager
def _no_keyboard() -> Iterator[None]:
    stdin: Any = sys.stdin
    sys.stdin = cast("Any", _NoKeyboard())
    try:
        yield
    finally:
        sys.stdin = stdin


def _cut_short(home: Workspace, task_id: str, telling: Telling, error: StoreError | OSError) -> AlomaError:
    """The error that ended a run, with how to go on; the task as far as it came is printed, if it can be read."""
    refused = refusal(error) if isinstance(error, OSError) else error
    try:
        _print(home.task(task_id), telling)
    except (AlomaError, OSError):
        return refused
    first = f"{refused.hint}, then: " if refused.hint else ""
    refused.hint = f"{first}aloma task resume {task_id}"
    return refused


def _print(task: Task, telling: Telling) -> None:
    """Print the result; that nobody reads it does not change what became of the task."""
    try:
        telling.print(task)
        output.result().flush()
    except OSError as error:
        if not streams.has_left(error):
            raise
        streams.close_quietly(output.result())


def _mode(telling: Telling) -> Mode:
    return "quiet" if telling.quiet or telling.events else "auto"


def _emitter(show: Emit, telling: Telling) -> Emit:
    def emit(event: Event) -> None:
        show(event)
        try:
            output.put(dumps(output.visible_record(to_wire(event))))
            output.result().flush()
        except OSError as error:  # the run matters more than who listens
            streams.close_quietly(output.result())
            if not streams.has_left(error):
                output.say(f"aloma: the events are not written any more: {error.strerror}; the run goes on")

    return emit if telling.events else show


def _tell_notice(home: Workspace, notice: str | None, telling: Telling) -> None:
    """Say it where a step may call the model server."""
    calling = any("connectors" in step.parameters for step in home.steps.values())
    if notice and calling and _mode(telling) != "quiet":
        output.say(f"aloma: {notice}")


def _tell_interrupted(task: Task, telling: Telling) -> None:
    _print(task, telling)
    output.say(f"aloma: interrupted; to go on: aloma task resume {task.id}")
    _say_all(questions(task.record))


def _tell_next(home: Workspace, task: Task) -> None:
    if not home.steps:
        output.say(f"aloma: nothing could fire: {NO_STEPS}")
    elif task.state == "error":
        _say_all(failures(task, home.loaded.root))
    _say_all(advice(task.record))


def _tell_asked(show: Emit) -> Emit:
    def emit(event: Event) -> None:
        show(event)
        for asked in event.asked if isinstance(event, Committed) else ():
            _say_all(question({**asked, "task": event.task, "into": show_path(tuple(asked["into"]))}, several=True))

    return emit


def _say_all(lines: Iterable[str]) -> None:
    for line in lines:
        output.say(f"  {line}")
