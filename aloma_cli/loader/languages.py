"""The table of step languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.later import Later
from aloma_cli.loader.layout import files_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from aloma_cli.content.step import Step
    from aloma_cli.loader import python_steps
else:
    python_steps = Later("aloma_cli.loader.python_steps")


class Language(NamedTuple):
    """`load` makes a step of a file in a workspace, given both paths; it raises StepError.

    `named` and `about`: patterns whose last group is the name of the step, and a line about it, in a text that is not
    run. They are strings, because only completion compiles them.
    """

    load: Callable[[Path, Path], Step]
    named: str
    about: str


LANGUAGES: Mapping[str, Language] = {
    ".py": Language(
        load=lambda path, root: python_steps.load_step(path, root),  # noqa: PLW0108  (it imports the module)
        named=r"""(?m)^name\s*(?::\s*str\s*)?=\s*(["'])(.+?)\1""",
        about=r'(?m)\A\s*(?:#.*\n\s*)*"""\s*(.+?)\s*(?:"""|$)',
    ),
}
"""By the suffix of the files. Whatever reads, searches or counts code asks this table which files are code."""


def code_below(root: Path, folders: Iterable[str], skipped: tuple[str, ...] = ()) -> Iterator[Path]:
    """The files in one of these languages in `folders` of `root`, sorted in each; `skipped` as in `files_below`."""
    for folder in folders:
        yield from sorted(path for path in files_below(root / folder, skipped) if path.suffix in LANGUAGES)
