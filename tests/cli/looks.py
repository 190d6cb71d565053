"""Which tasks' folders a command looks into."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LISTED = "listed"
"""Under this the listings of the folder itself are counted."""

Looked = Callable[[str, str], None]

_listeners: list[Looked] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _listeners and event in ("open", "os.scandir", "os.listdir"):
        for listener in _listeners:
            listener(event, str(arguments[0]))


sys.addaudithook(_audit)


@contextmanager
def looks(tasks: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often files are opened or asked for, by task."""
    counts: Counter[str] = Counter()

    def look(event: str, path: str) -> None:
        if path == str(tasks):
            counts[LISTED] += event in ("os.scandir", "os.listdir")
        elif path.startswith(f"{tasks}/"):
            counts[path.removeprefix(f"{tasks}/").partition("/")[0]] += 1

    ask = os.stat

    def stat(path: Any, *arguments: Any, **options: Any) -> os.stat_result:
        look("stat", str(path))
        return ask(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", stat)
        _listeners.append(look)
        try:
            yield counts
        finally:
            _listeners.remove(look)
