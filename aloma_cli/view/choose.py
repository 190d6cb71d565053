"""Choose the view: live for a person at a terminal, else plain lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, TextIO

from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.clock import Clock
    from aloma_cli.view import guard, lines, terminal
    from aloma_cli.view.base import View
    from aloma_cli.view.live import live
else:
    guard = Later("aloma_cli.view.guard")
    lines = Later("aloma_cli.view.lines")
    live = Later("aloma_cli.view.live.live")
    terminal = Later("aloma_cli.view.terminal")

Mode = Literal["auto", "live", "lines"]


def open_view(
    stream: TextIO,
    *,
    environ: Mapping[str, str],
    clock: Clock,
    mode: Mode = "auto",
    is_held: Callable[[], bool] = lambda: True,
) -> View:
    """The view of a run on `stream` (standard error). A failure of the view does not disturb the run.

    `is_held`: whether a process runs the task; any thread may ask.

    "auto" is live on a terminal, but not in CI. "live" is live on any terminal; in a pipe nothing ever draws frames,
    FORCE_COLOR or not.
    """
    can = terminal.can_redraw if mode == "live" else draws_frames
    draws = mode != "lines" and can(stream, environ)
    shown = live.Live(stream, environ=environ, clock=clock, is_held=is_held) if draws else lines.Lines(stream)
    return guard.Guarded(shown, stream)


def draws_frames(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether frames can be drawn on `stream`, and a person may see them."""
    in_ci = environ.get("CI", "").lower() not in ("", "0", "false")
    return terminal.can_redraw(stream, environ) and not in_ci and environ.get("TTY_INTERACTIVE") != "0"
