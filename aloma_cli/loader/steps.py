"""The steps of a workspace, read from `steps/**/*.py`."""

from __future__ import annotations

import difflib
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from aloma_cli.content.retry import Retry
from aloma_cli.content.step import OPTIONS, Step
from aloma_cli.errors import StepError
from aloma_cli.loader.layout import LIBRARIES_FOLDER, STEPS_FOLDER, files_below
from aloma_cli.loader.modules import is_private, load_module
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aloma_cli.loader.source import ModuleSource

# The types that a value of a misspelled option would have.
_PLAUSIBLE: dict[str, tuple[type, ...]] = {
    "condition": (dict,),
    "content": (FunctionType,),
    "name": (str,),
    "priority": (int, float),
    "retry": (Retry, int, dict),
    "timeout": (int, float),
    "enabled": (bool,),
    "rearm": (str,),
    "withdraw": (bool,),
}
_SYNONYMS = {"retries": "retry"}
_CLOSE = 0.85  # `prioritiy` and `timout` are, `frame` and `named_pipe` are not


@dataclass(frozen=True, slots=True)
class LoadedSteps:
    """`steps`: the valid ones, in the order of their files. `broken`: the errors of the other files."""

    steps: tuple[Step, ...] = ()
    broken: tuple[StepError, ...] = ()


def load_steps(root: Path) -> LoadedSteps:
    """Every step below `root/steps`; files and folders whose names start with `_` or `.` are skipped."""
    steps: dict[str, Step] = {}
    broken: list[StepError] = []
    for path in files_below(root / STEPS_FOLDER, is_private, _refuse_unreadable):
        if path.suffix not in LANGUAGES:
            continue
        try:
            step = LANGUAGES[path.suffix](path, root)
            _check_unique_name(step, steps.get(step.name))
        except StepError as error:
            broken.append(error)
        else:
            steps[step.name] = step
    return LoadedSteps(tuple(steps.values()), tuple(broken))


def load_step(path: Path, root: Path) -> Step:
    """The step in one file. Raises StepError with file and line."""
    module, source = load_module(path, root)
    namespace = vars(module)
    _check_option_names(namespace, source)
    _check_complete(namespace, source)
    settings = {option: namespace[option] for option in OPTIONS if option in namespace}
    default = path.relative_to(root / STEPS_FOLDER).with_suffix("").as_posix()
    return Step(**({"name": default} | settings), source=source)


LANGUAGES: Mapping[str, Callable[[Path, Path], Step]] = {".py": load_step}
"""What reads a step's file, by its suffix; takes the file and the workspace's root."""


def _refuse_unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a workspace may have no steps
        raise StepError(f"{error.filename}: cannot be read: {error.strerror}")


def _check_unique_name(step: Step, other: Step | None) -> None:
    if other and other.source and step.source:
        raise StepError(
            f"{step.source.place('name')}: {other.source.place('name')} has the name {step.name!r} too",
            hint="give one of them another `name`",
        )


def _check_complete(namespace: Mapping[str, Any], source: ModuleSource) -> None:
    missing = [f"`{option}`" for option in ("condition", "content") if option not in namespace]
    if len(missing) == 2:
        raise StepError(
            f"{source.shown}: has no `condition` and no `content`",
            hint=f"a step needs both; move any other file to {LIBRARIES_FOLDER}/, or begin its name with `_`",
        )
    if missing:
        raise StepError(f"{source.shown}: has no {missing[0]}", hint=_EXAMPLES[missing[0]])


_EXAMPLES = {
    "`condition`": 'define when it fires, such as `condition = {"order": {"paid": True}}`',
    "`content`": "define what it does: `async def content(data): …`",
}


def _check_option_names(namespace: Mapping[str, Any], source: ModuleSource) -> None:
    free = [option for option in OPTIONS if option not in namespace]
    for word, value in namespace.items():
        option = _nearest(word, free)
        if option and isinstance(value, _PLAUSIBLE[option]):
            raise StepError(f"{source.place(word)}: a step has no option `{word}`", hint=f"did you mean `{option}`?")


def _nearest(word: str, options: list[str]) -> str | None:
    if word.startswith("_") or word.isupper() or word in OPTIONS:  # capitals: a constant of the author
        return None
    plain = word.casefold().replace("_", "")
    near = difflib.get_close_matches(_SYNONYMS.get(plain, plain), options, 1, _CLOSE)
    return near[0] if near else None
