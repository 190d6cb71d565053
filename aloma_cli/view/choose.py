"""Choose the view: live for a person at a terminal, else plain lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TextIO

from aloma_cli.clock import Clock
from aloma_cli.view.base import View
from aloma_cli.view.guard import Guarded
from aloma_cli.view.lines import Lines
from aloma_cli.view.terminal import can_redraw

Mode = Literal["auto", "live", "lines", "quiet"]


def open_view(stream: TextIO, *, environ: Mapping[str, str], clock: Clock, mode: Mode = "auto") -> View:
    """The view of a run on `stream` (standard error). A failure of the view does not disturb the run.

    "auto" is live on a terminal, but not in CI. "live" is live on any terminal; in a pipe nothing ever draws frames,
    FORCE_COLOR or not.
    """
    if mode == "quiet":
        return View()
    live = can_redraw(stream, environ) if mode == "live" else mode == "auto" and draws_frames(stream, environ)
    return Guarded(_live(stream, environ, clock) if live else Lines(stream), stream)


def draws_frames(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether frames can be drawn on `stream`, and a person may see them."""
    in_ci = environ.get("CI", "").lower() not in ("", "0", "false")
    return can_redraw(stream, environ) and not in_ci and environ.get("TTY_INTERACTIVE") != "0"


def _live(stream: TextIO, environ: Mapping[str, str], clock: Clock) -> View:
    from aloma_cli.view.live.live import Live

    return Live(stream, environ=environ, clock=clock)
