"""Run a task in the foreground: show it, print its result, and return the exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, cast

from aloma_cli.api.follow import follow, is_attended
from aloma_cli.api.task import Task
from aloma_cli.cli import descriptors, output
from aloma_cli.cli.exit_codes import DONE, code_of_task, refusal
from aloma_cli.cli.interrupts import Interrupted, Interrupts
from aloma_cli.clock import Clock, SystemClock
from aloma_cli.errors import AlomaError, PermanentError, StoreError
from aloma_cli.ids import root_of
from aloma_cli.jsontext import dumps
from aloma_cli.later import Later
from aloma_cli.record.codec import to_wire
from aloma_cli.record.events import Event

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.cli import closing
    from aloma_cli.cli.asking import in_place, keyboard
    from aloma_cli.cli.option_groups import OutputOptions
    from aloma_cli.content.step import Step
    from aloma_cli.record.tree import Tree
    from aloma_cli.view import choose
    from aloma_cli.view.base import View
else:
    closing = Later("aloma_cli.cli.closing")
    in_place = Later("aloma_cli.cli.asking.in_place")
    keyboard = Later("aloma_cli.cli.asking.keyboard")
    choose = Later("aloma_cli.view.choose")

Emit = Callable[[Event], None]
Work = Callable[[Emit], Coroutine[Any, Any, Task]]


def run_and_show(
    home: Workspace,
    task_id: str,
    work: Work,
    options: OutputOptions,
    *,
    before: Tree | None = None,
    notice: str | None = None,
    wait: bool = False,
    follows: bool = False,
    clock: Clock | None = None,
) -> int:
    """Carry out `work`, which gets what to call with its events, and return the exit code for the state of the task.

    `notice`: what to say about the model server. `before`: what earlier runs of the task add up to. With `wait` each
    question is shown when it is asked, since the run continues until it is answered. With `follows` another process
    runs the task. `clock`: the time of the events; default: the machine's.
    """
    loud = not (options.quiet or options.events)
    is_held = partial(is_attended, home, root_of(task_id)) if follows and clock is None else lambda: True
    view = _open_view(clock, is_held) if loud else None

    def last_words(judged: Step | None) -> None:
        descriptors.settle()
        if view is not None:
            view.__exit__(None, None, None)
        _say_interrupted(home.task(task_id), options, follows=follows)
        if judged is not None:
            output.say(f"  step {judged.name}: a pattern in its condition takes too long to match")
        descriptors.end()

    try:
        with Interrupts(last_words) as interrupts, contextlib.ExitStack() as shown:
            show: Emit = _show_nothing
            if view is not None:
                show = _begin_view(view, home, task_id, shown, before=before, notice=notice, wait=wait)
            try:
                with no_keyboard():
                    task = interrupts.run(work(_print_event if options.events else show))
            finally:
                descriptors.settle()
    except Interrupted as interrupted:
        _say_interrupted(home.task(task_id), options, follows=follows)
        return interrupted.code
    except (StoreError, OSError) as error:
        raise _cut_short(home, task_id, options, error) from error
    _print_result(task, options)
    if loud:
        closing.say_next(home, task)
    return code_of_task(task.record)


def _open_view(clock: Clock | None, is_held: Callable[[], bool]) -> View:
    return choose.open_view(sys.stderr, environ=os.environ, clock=clock or SystemClock(), is_held=is_held)


def _show_nothing(_: Event) -> None:
    """What shows a quiet run."""


def _begin_view(
    view: View,
    home: Workspace,
    task_id: str,
    within: contextlib.ExitStack,
    *,
    before: Tree | None,
    notice: str | None,
    wait: bool,
) -> Emit:
    """Enter the view; returns what shows events and open questions.

    Where a person sits at the terminal, they are asked there.
    """
    if notice:
        _say_notice(home, notice)
    if wait and before is not None and not keyboard.can_ask():
        closing.say_waits(home.task(task_id))
    within.enter_context(view)
    if before is not None:
        view.recall(before)
    if not wait:
        return view.emit
    if not keyboard.can_ask():
        return closing.say_questions(view.emit, lambda: home.task(task_id))
    return within.enter_context(in_place.AskInPlace(home, task_id, view)).emit


def queued(home: Workspace, task: Task, options: OutputOptions, *, wait: bool) -> int:
    """Say that a worker runs the task, and print it; with `wait` follow it, and return the exit code for its state."""
    if wait:
        return run_and_show(home, task.id, following(home, task.id, options), options, follows=True)
    if not (options.quiet or options.events):
        output.say("aloma: queued; `aloma worker` runs it")
    options.print(task)
    return DONE


def following(home: Workspace, task_id: str, options: OutputOptions, *, since: int = 0, wait: bool = False) -> Work:
    """Work for `run_and_show` that another process does."""

    def idle() -> None:
        if not (options.quiet or options.events):
            output.say(f"aloma: no process runs it now; to run it: `aloma worker`, or `aloma task resume {task_id}`")

    return partial(follow, home, task_id, idle=idle, since=since, wait=wait)


class _NoKeyboard:
    """The standard input of steps: several run at once, and a task may run without a terminal."""

    def close(self) -> None:
        """Do nothing: each child of `multiprocessing` closes its standard input first."""

    def __getattr__(self, name: str) -> NoReturn:
        raise PermanentError("a step has no keyboard: use task.ask")


@contextmanager
def no_keyboard() -> Iterator[None]:
    """Let a step that reads standard input fail, and say why."""
    stdin: Any = sys.stdin
    sys.stdin = cast("Any", _NoKeyboard())
    try:
        yield
    finally:
        sys.stdin = stdin


def _cut_short(home: Workspace, task_id: str, options: OutputOptions, error: StoreError | OSError) -> AlomaError:
    """The error that ended a run, with how to continue; what is readable of the task is printed."""
    refused = refusal(error) if isinstance(error, OSError) else error
    try:
        _print_result(home.task(task_id), options)
    except (AlomaError, OSError):
        return refused
    first = f"{refused.hint}, then: " if refused.hint else ""
    refused.hint = f"{first}aloma task resume {task_id}"
    return refused


def _print_result(task: Task, options: OutputOptions) -> None:
    """Print the result. A closed stdout does not change the exit code."""
    try:
        options.print(task)
        output.result().flush()
    except OSError as error:
        if not output.has_left(error):
            raise
        output.close_result()


def _print_event(event: Event) -> None:
    try:
        output.put(dumps(output.visible_record(to_wire(event))))
        output.result().flush()
    except OSError as error:  # the run matters more than its reader
        output.close_result()
        if not output.has_left(error):
            output.say(f"aloma: cannot write the events: {error.strerror}; the run continues without them")


def _say_notice(home: Workspace, notice: str) -> None:
    """Say it if a step may call the model server."""
    if any("connectors" in step.content.parameters for step in home.steps.values()):
        output.say(f"aloma: {notice}")


def _say_interrupted(task: Task, options: OutputOptions, *, follows: bool) -> None:
    _print_result(task, options)
    closing.say_interrupted(task, follows=follows)
