"""Open the full-screen view of a task."""

from __future__ import annotations

import os
import sys
from functools import partial

from aloma_cli.api.follow import follow
from aloma_cli.api.task import read_batches
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli import descriptors
from aloma_cli.cli.output import result
from aloma_cli.cli.watching.log import WatchedLog
from aloma_cli.cli.watching.stage import Stage, Why
from aloma_cli.errors import InputError
from aloma_cli.extras import extra
from aloma_cli.ids import root_of
from aloma_cli.record.history import no_such_entry
from aloma_cli.view.terminal import can_redraw
from aloma_cli.view.theme import glyphs_for


def watch_full(home: Workspace, task: str, why: Why, *, entry: int | None, speed: float) -> int:
    """Show the task until the view is ended, and return the exit code. Raises InputError without a terminal."""
    if not _has_terminal():
        hint = f"run `aloma task watch {task} --speed 4`, or `aloma task log {task} --changes`"
        raise InputError("--full needs a terminal", hint=hint)
    with extra("watch", "the full-screen view"):
        from aloma_cli.cli.watching.app import show
    log, is_held = WatchedLog(task), partial(home.store.is_held, root_of(task))
    batches, damage = read_batches(home.store, root_of(task))
    for event in (event for batch in batches for event in batch.events):
        log.take(event)
    descriptors.end()  # Textual writes to the descriptor of standard error itself
    glyphs = glyphs_for(sys.stderr.encoding)
    stage = Stage(log, why, glyphs, speed=speed, position=_first_position(log, entry), held=is_held())
    if damage is None:
        return show(stage, partial(follow, home, task, since=len(batches), stay=True), is_held)
    stage.end = f"the record is damaged after this entry: aloma task log {task}"
    show(stage, _follow_nothing, is_held)
    raise damage


async def _follow_nothing(_emit: object) -> None:
    """A damaged record cannot be followed."""


def _has_terminal() -> bool:
    streams = (sys.stdin, result(), sys.stderr)
    return all(one is not None and one.isatty() for one in streams) and can_redraw(sys.stderr, os.environ)


def _first_position(log: WatchedLog, entry: int | None) -> int:
    """Where the view begins: at the entry that was asked for, else at the end of a run, or the start of an old one."""
    if entry is None:
        return len(log) - 1 if log.is_active else 0
    position = log.position_of(entry)
    if position is None:
        raise no_such_entry(log.task, entry, log.last_number)
    return position
