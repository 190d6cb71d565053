"""The steps of a workspace: the files below `steps/` in one of the languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.errors import StepError
from aloma_cli.loader.languages import LANGUAGES
from aloma_cli.loader.layout import PRIVATE, STEPS_FOLDER, files_below

if TYPE_CHECKING:
    from pathlib import Path

    from aloma_cli.content.step import Step


def load_steps(root: Path) -> tuple[dict[str, Step], tuple[StepError, ...]]:
    """Every valid step below `root/steps` by name, in the order of their files, and the errors of the other files.

    Files and folders whose names start with `_` or `.` are skipped.
    """
    steps: dict[str, Step] = {}
    broken: list[StepError] = []
    for path in files_below(root / STEPS_FOLDER, PRIVATE, _refuse_unreadable):
        if path.suffix not in LANGUAGES:
            continue
        try:
            step = LANGUAGES[path.suffix].load(path, root)
            if step.name in steps:
                raise _name_taken(step, steps[step.name])
            steps[step.name] = step
        except StepError as error:
            broken.append(error)
    return steps, tuple(broken)


def _refuse_unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a workspace may have no steps
        raise StepError(f"{error.filename}: cannot be read: {error.strerror}")


def _name_taken(step: Step, other: Step) -> StepError:
    here, there = (one.source.place("name") if one.source else one.name for one in (step, other))
    return StepError(f"{here}: {there} has the name {step.name!r} too", hint="give one of them another `name`")
