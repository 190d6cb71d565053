"""The pages of the documentation: their blocks, their tables and their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(
    r"(?:#|//) ((?:steps|libraries|connectors|responses|tests|cases|examples)/[\w/]+\.\w+|aloma\.yaml)\n"
)
_CODE = re.compile(r"`` ?(.+?) ?``|`([^`]+)`")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which it begins."""

    kind: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file of a workspace that the block shows; its first line is a comment with the path."""
        match = _FILE.match(self.text)
        return match[1] if match else None

    def commands(self) -> Iterator[tuple[str, str]]:
        """The lines after `$ ` of a console block, each with what the page shows that it prints."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            yield command, shown


@dataclass(frozen=True)
class Page:
    """One Markdown file; `path` is relative to the repository."""

    path: str

    @property
    def text(self) -> str:
        return (REPOSITORY / self.path).read_text(encoding="utf-8")

    def blocks(self, *kinds: str) -> list[Block]:
        """The fenced blocks of these kinds in their order."""
        text = self.text
        found = (Block(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in _BLOCK.finditer(text))
        return [block for block in found if block.kind in kinds]

    def prose(self) -> str:
        """The text without its blocks."""
        return _BLOCK.sub("", self.text)

    def rows(self, heading: str) -> list[list[str]]:
        """The rows of the table whose first column has this heading, as text; `heading` and the rule are left out."""
        lines = iter(self.prose().splitlines())
        for line in lines:
            if line.startswith("|") and cells(line)[0] == heading:
                next(lines)
                return [cells(row) for row in _while_table(lines)]
        raise AssertionError(f"{self.path} has no table with the heading {heading!r}")

    def links(self) -> list[str]:
        """What the page links to."""
        return re.findall(r"\]\(([^)\s]+)\)", self.prose())


def cells(row: str) -> list[str]:
    """The cells of a row of a table."""
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(row.strip())[1:-1]]


def codes(cell: str) -> list[str]:
    """The words in backticks in a cell."""
    return [double or single for double, single in _CODE.findall(cell)]


def _while_table(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("|"):
            return
        yield line
