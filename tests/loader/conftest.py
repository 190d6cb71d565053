from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Write = Callable[[str, str], Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a workspace without any files yet."""
    folder = tmp_path.resolve() / "workspace"
    (folder / "steps").mkdir(parents=True)
    return folder


@pytest.fixture
def write(root: Path) -> Write:
    """Puts a text, without its common indentation, into a file of the workspace."""

    def write(name: str, text: str) -> Path:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write
