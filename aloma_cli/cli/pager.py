"""Long texts at a terminal, page by page, as git shows them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from typing import TextIO

from aloma_cli.view.terminal import can_redraw, write

_USUAL = {"LESS": "FRX", "LV": "-c"}
"""less keeps colours, ends where all of the text fits on one screen, and leaves it there."""


def write_paged(stream: TextIO, text: str) -> None:
    """Write `text`; if `stream` is a terminal, through the pager that PAGER names, by default `less`.

    `PAGER=cat` or an empty one turns it off.
    """
    pager = _pager() if can_redraw(stream, os.environ) else None
    if pager is None:
        write(stream, text)
        return
    stream.flush()
    environ = {**_USUAL, **os.environ}
    # A pager is a command line, as for git and man.
    process = subprocess.Popen(pager, shell=True, stdin=subprocess.PIPE, stdout=stream, env=environ)  # noqa: S602
    with contextlib.suppress(OSError, KeyboardInterrupt):  # it was left before the end
        process.communicate(text.encode("utf-8", "backslashreplace"))
    _wait_for_pager(process)


def _pager() -> str | None:
    pager = os.environ.get("PAGER", "less").strip()
    return pager if pager and pager != "cat" and shutil.which(pager.split()[0]) else None


def _wait_for_pager(process: subprocess.Popen[bytes]) -> None:
    """Wait for a pager. Ctrl-C is meant for it, and does not end this program before it."""
    while process.poll() is None:
        with contextlib.suppress(KeyboardInterrupt):
            process.wait()
