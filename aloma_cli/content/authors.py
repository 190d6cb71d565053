"""Whose code is running: an author's, aloma's, or an installed library's."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from types import FrameType

from aloma_cli.content.source import Source
from aloma_cli.jsontext import printable

_ALOMA = str(Path(__file__).parents[1])
_PYTHON = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
_INSTALLED = {"site-packages", "dist-packages"}
_TYPED = ("<stdin>", "<console>", "<python-input", "<ipython")


@lru_cache(maxsize=1024)
def is_own(filename: str) -> bool:
    """Whether an author wrote that file: not Python's, installed, aloma's, or made by a library."""
    if filename.startswith("<"):
        return filename.startswith(_TYPED)
    return not (is_alomas(filename) or filename.startswith(_PYTHON) or _INSTALLED & set(Path(filename).parts))


def is_alomas(filename: str) -> bool:
    """Whether that file is a part of aloma."""
    return filename.startswith(_ALOMA)


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """`frame`, and those that led to it."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def line_of(frame: FrameType) -> int:
    """The line of a frame; between two lines Python has none."""
    return frame.f_lineno or frame.f_code.co_firstlineno


def called_from(source: Source | None) -> str | None:
    """`file:line` of the innermost frame in an author's code."""
    frames = (frame for frame in outwards(sys._getframe(1)) if is_own(frame.f_code.co_filename))  # noqa: SLF001
    found = next(frames, None)
    return None if found is None else place(found.f_code.co_filename, line_of(found), source)


def place(filename: str, line: int | None, source: Source | None) -> str:
    """`file:line`, relative to the workspace that `source` is a file of."""
    root = str(source.path).removesuffix(source.shown) if source else ""
    return f"{filename.removeprefix(root)}:{line}"


def running_on(thread: int) -> str | None:
    """`file:line` of an author's code on a thread, unless aloma's own code runs, which that code may have called."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001  (documented, underscore and all)
    for inner in takewhile(_is_of_this_turn, outwards(frame)):
        filename = inner.f_code.co_filename
        if is_alomas(filename):
            return None
        if is_own(filename):
            return printable(f"{filename.removeprefix(f'{Path.cwd()}{os.sep}')}:{line_of(inner)}")
    return None


def _is_of_this_turn(frame: FrameType) -> bool:
    return bool(frame.f_globals.get("__name__") != "asyncio.events")
