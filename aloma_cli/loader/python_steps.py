"""A step that is written in Python."""

from __future__ import annotations

import difflib
from types import FunctionType
from typing import TYPE_CHECKING, Any

from aloma_cli.content.retry import Retry
from aloma_cli.content.step import OPTIONS, Step
from aloma_cli.errors import StepError
from aloma_cli.loader.layout import LIBRARIES_FOLDER, STEPS_FOLDER
from aloma_cli.loader.modules import load_module

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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


def load_step(path: Path, root: Path) -> Step:
    """The step in one file. Raises StepError with file and line."""
    module, source = load_module(path, root)
    namespace = vars(module)
    _check_option_names(namespace, source)
    missing = [f"`{option}`" for option in ("condition", "content") if option not in namespace]
    if missing:
        raise _incomplete(missing, source)
    settings = {option: namespace[option] for option in OPTIONS if option in namespace}
    default = path.relative_to(root / STEPS_FOLDER).with_suffix("").as_posix()
    return Step(**({"name": default} | settings), source=source)


def _incomplete(missing: list[str], source: ModuleSource) -> StepError:
    if len(missing) == 2:
        return StepError(
            f"{source.shown}: has no `condition` and no `content`",
            hint=f"a step needs both; move any other file to {LIBRARIES_FOLDER}/, or begin its name with `_`",
        )
    return StepError(f"{source.shown}: has no {missing[0]}", hint=_EXAMPLES[missing[0]])


_EXAMPLES = {
    "`condition`": 'define when it fires, such as `condition = {"order": {"paid": True}}`',
    "`content`": "define what it does: `async def content(data): …`",
}


def _check_option_names(namespace: Mapping[str, Any], source: ModuleSource) -> None:
    free = [option for option in OPTIONS if option not in namespace]
    for word, value in namespace.items():
        if word.startswith("_") or word.isupper() or word in OPTIONS:  # capitals: a constant of the author
            continue
        option = _nearest(word, free)
        if option and isinstance(value, _PLAUSIBLE[option]):
            raise StepError(f"{source.place(word)}: a step has no option `{word}`", hint=f"did you mean `{option}`?")


def _nearest(word: str, options: list[str]) -> str | None:
    plain = word.casefold().replace("_", "")
    near = difflib.get_close_matches(_SYNONYMS.get(plain, plain), options, 1, _CLOSE)
    return near[0] if near else None
