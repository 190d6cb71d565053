"""A transcript: commands as typed in a shell, each with all that it printed and its exit code.

    # The first lines say what the session is about. `# workspace: repository` copies the steps of this repository,
    # `# terminal: 80x24` runs every command at a terminal of that size.
    $ aloma task new "Greeting" -d '{"name": "Ada"}' -q
    [id]
    $ cat > steps/again.py <<'END'
    > condition = {"name": str}
    > END
    $ aloma task answer @last
    < yes
    ...
    [exit 9]

A line `> …` after a command continues it, and `< …` is typed while it runs. The placeholders of `PLACEHOLDERS` stand
for what differs from run to run, `...` for any text in a line, and alone for any lines. The widths of gaps may differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PLACEHOLDERS = {
    "[id]": r"[0-9a-hjkmnp-tv-z]{16}(?:\.\d+)*",
    "[time]": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?|\d\d:\d\d:\d\d|just now|\d+ (?:minute|hour|day)s? ago",
    "[seconds]": r"(?:\d+[dhm])*\d+(?:\.\d+)?(?:ms|s)",
    "[number]": r"\d+\.\d{3}",
}
"""For each placeholder the pattern of what it stands for."""

_PLACEHOLDER = re.compile("|".join([*map(re.escape, PLACEHOLDERS), r"\.\.\."]))
_HEAD = re.compile(r"# (\w+): (.+)")


@dataclass(frozen=True)
class Exchange:
    """A command with what is typed while it runs (None: nothing), what it prints, its exit code, and its line."""

    command: str
    typed: str | None
    shown: tuple[str, ...]
    code: int
    line: int


@dataclass(frozen=True)
class Session:
    """`head` has the settings in the first lines."""

    head: dict[str, str]
    exchanges: tuple[Exchange, ...]

    @classmethod
    def read(cls, path: Path) -> Session:
        lines = path.read_text(encoding="utf-8").splitlines()
        starts = [at for at, line in enumerate(lines) if line.startswith("$ ")]
        head = (_HEAD.fullmatch(line) for line in lines[: starts[0]])
        ends = [*starts[1:], len(lines)]
        return cls(
            {match[1]: match[2] for match in head if match},
            tuple(_exchange(lines[start:end], start + 1) for start, end in zip(starts, ends, strict=True)),
        )

    @property
    def terminal(self) -> tuple[int, int] | None:
        """Width and height of the terminal; None if there is none."""
        width, _, height = self.head.get("terminal", "").partition("x")
        return (int(width), int(height)) if width else None


def matches(shown: tuple[str, ...], printed: list[str]) -> bool:
    """Whether a transcript shows what was printed."""
    wanted = "".join(r"(?:.*\n)*?" if line.strip() == "..." else f"{_pattern(line)}\n" for line in shown)
    return re.fullmatch(wanted, "".join(f"{_even(line)}\n" for line in printed)) is not None


def with_placeholders(line: str) -> str:
    """A printed line as a transcript shows it."""
    for placeholder, pattern in PLACEHOLDERS.items():
        line = re.sub(rf"(?<![\w.])(?:{pattern})(?!\w)", placeholder, line)
    return line.rstrip()


def _exchange(lines: list[str], line: int) -> Exchange:
    command, *rest = lines
    words, keys = [command.removeprefix("$ "), *_taken("> ", rest)], _taken("< ", rest)
    end = re.fullmatch(r"\[exit (\d+)\]", rest[-1]) if rest else None
    shown = rest[:-1] if end else rest
    typed = "".join(f"{text}\n" for text in keys) if keys else None
    return Exchange("\n".join(words), typed, tuple(shown), int(end[1]) if end else 0, line)


def _taken(mark: str, lines: list[str]) -> list[str]:
    """The first of `lines` that begin with `mark`, without it; they are taken out."""
    taken = []
    while lines and lines[0].startswith(mark.rstrip()) and lines[0][: len(mark)] in (mark, mark.rstrip()):
        taken.append(lines.pop(0)[len(mark) :])
    return taken


def _pattern(line: str) -> str:
    return "".join(_pieces(_even(line)))


def _pieces(line: str) -> Iterator[str]:
    at = 0
    for match in _PLACEHOLDER.finditer(line):
        yield re.escape(line[at : match.start()])
        yield f"(?:{PLACEHOLDERS.get(match[0], '.*')})"
        at = match.end()
    yield re.escape(line[at:])


def _even(line: str) -> str:
    return re.sub(r"[\t ]+", " ", line).rstrip()
