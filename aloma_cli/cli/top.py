"""`aloma top`"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

from aloma_cli.api.overview import Overview, Snapshot
from aloma_cli.api.reader import Records
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import put, put_json, result
from aloma_cli.cli.parameters import Option
from aloma_cli.clock import from_iso
from aloma_cli.view.format import clean
from aloma_cli.view.live.region import Region
from aloma_cli.view.terminal import Ink, can_redraw, size_of, write
from aloma_cli.view.theme import glyphs_for
from aloma_cli.view.top import frame

_EVERY = 1.0
_SHARE = 0.1
"""The share of its time that it may spend reading, so that very many tasks do not slow the machine down."""


def top(
    once: Annotated[bool, Option(("--once",), "Show it once, and exit.")] = False,
    as_json: Annotated[bool, Option(("--json",), "Print it once, as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma top
      aloma top --json | jq .counts.due

    Shows how many tasks are running, due, waiting for a timer, asking a person, or at
    rest; each task that a process runs, with its step; what was done in the last minute,
    and today's cost. At a terminal it is drawn again every second until q or
    Ctrl-C; elsewhere it is printed once. Subtasks do not count.
    """
    overview = Overview(Records.at(workspace))
    if as_json:
        put_json(overview.look().to_json())
    elif not result().isatty():
        _print_counts(overview.look())
    elif once or not can_redraw(result(), os.environ):
        _draw(overview.look())
    else:
        _watch_tasks(overview)
    return exit_codes.DONE


def _watch_tasks(overview: Overview) -> None:
    region = Region(result(), os.environ)
    try:
        with _keyboard() as pressed:
            while True:
                started = time.monotonic()
                region.draw((), _screen_lines(overview.look(), "q quits"))
                if pressed(max(_EVERY, (time.monotonic() - started) / _SHARE)) in ("q", "Q"):
                    return
    except KeyboardInterrupt:
        return


def _screen_lines(now: Snapshot, hint: str = "") -> list[Any]:
    stream = result()
    told = (now.counts, now.done_in_a_minute, now.cost, now.running)
    return frame(*told, now=now.at, size=size_of(stream), glyphs=glyphs_for(stream.encoding), hint=hint)


def _draw(now: Snapshot) -> None:
    write(result(), Ink(result(), os.environ).text(_screen_lines(now)))


def _print_counts(now: Snapshot) -> None:
    """Lines with tabs: a word and its value, and for each step that runs its task, and since when."""
    for name, count in now.counts.items():
        put(f"{name}\t{count}")
    put(f"done in a minute\t{now.done_in_a_minute}")
    put(f"cost today\t{now.cost:.6f}")
    for task in now.running:
        for step, since in task.steps or [("", "")]:
            seconds = f"{now.at - from_iso(since):.3f}" if since else ""
            put(f"task\t{task.id}\t{clean(task.name)}\t{clean(step)}\t{seconds}")


@contextmanager
def _keyboard() -> Iterator[Callable[[float], str]]:
    """Gives a function that waits some seconds for a key. The terminal is as it was afterwards, also at a signal."""
    if sys.stdin is None or not sys.stdin.isatty():
        yield _sleep
        return
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    handlers = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        tty.setcbreak(keyboard)
        yield lambda seconds: _pressed(keyboard, seconds)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _pressed(keyboard: int, seconds: float) -> str:
    if not select.select([keyboard], [], [], seconds)[0]:
        return ""
    return os.read(keyboard, 1).decode(errors="replace") or "q"  # the terminal is gone


def _sleep(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def _leave(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)
