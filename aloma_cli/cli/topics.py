"""The topics of `aloma help`: pages of the documentation, and parts of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aloma_cli.errors import NotFoundError

_PACKAGE = Path(__file__).parents[1]


class Topic(NamedTuple):
    """A page of the documentation, or the part of it below `heading`."""

    page: str
    heading: str | None = None


PARTS: Mapping[str, Topic] = {
    "completion": Topic("cli", "Completion"),
    "config": Topic("cli", "Settings"),
    "environment": Topic("cli", "Environment"),
    "exit-codes": Topic("cli", "Exit codes"),
    "patterns": Topic("cli", "The goal of a task"),
    "states": Topic("cli", "States of a task"),
    "tables": Topic("cli", "Tables in a pipe"),
}
_LEFT_OUT = ("cli", "design")
"""Pages that are not topics, because the commands have their own help."""


def topics() -> dict[str, Topic]:
    """All topics by name."""
    pages = {path.stem: Topic(path.stem) for path in sorted(_folder().glob("*.md")) if path.stem not in _LEFT_OUT}
    return dict(sorted({**pages, **PARTS}.items()))


def text_of(topic: Topic) -> str:
    """The Markdown of a topic."""
    text = (_folder() / f"{topic.page}.md").read_text(encoding="utf-8")
    if topic.heading is None:
        return text
    _, mark, rest = text.partition(f"\n## {topic.heading}\n")
    if not mark:
        raise NotFoundError(f"the page {topic.page} has no part {topic.heading!r}")
    return f"# {topic.heading}\n{re.split('^##? [A-Z]', rest, maxsplit=1, flags=re.MULTILINE)[0]}"


def _folder() -> Path:
    """Where the pages are: in the package, or in the repository beside it."""
    inside = _PACKAGE / "docs"
    return inside if inside.is_dir() else _PACKAGE.parent / "docs"
