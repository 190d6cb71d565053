"""Say what is wrong with the arguments of a call, in words for the author of a step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def misuse(function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> tuple[str | None, str]:
    """What is wrong, None if nothing is, and what to write. The first parameter of `function` is not the author's."""
    taken = list(inspect.signature(function).parameters.values())[1:]
    return next(_wrong(taken, arguments, options), None), f"it takes ({', '.join(map(_shown, taken))})"


def _wrong(taken: list[inspect.Parameter], arguments: tuple[Any, ...], options: dict[str, Any]) -> Iterator[str]:
    placed = [one.name for one in taken if one.kind in _BY_POSITION]
    kinds = {one.kind for one in taken}
    if len(arguments) > len(placed) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        most = f"{len(placed)} by position" if placed else "its arguments by name only"
        named = [one.name for one in taken if one.kind is inspect.Parameter.KEYWORD_ONLY and one.name not in options]
        cure = f": write {named[0]}=…" if named else f", and {len(arguments)} were given"
        yield f"takes {most}{cure}"
    given = {*placed[: len(arguments)], *options}
    lacking = [one.name for one in taken if one.default is one.empty and _is_single(one) and one.name not in given]
    if lacking:
        yield f"needs {', '.join(f'{name}=…' for name in lacking)}"
    unknown = sorted(options.keys() - {one.name for one in taken if _is_single(one)})
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        yield f"has no argument {unknown[0]!r}"
    twice = [name for name in placed[: len(arguments)] if name in options]
    if twice:
        yield f"is given {twice[0]!r} twice"


def _is_single(parameter: inspect.Parameter) -> bool:
    return parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def _shown(parameter: inspect.Parameter) -> str:
    """As it is written in Python: `model: str = 'default'`, also where annotations are kept as strings."""
    if not isinstance(parameter.annotation, str):
        return str(parameter)
    plain = str(parameter.replace(annotation=inspect.Parameter.empty))
    name, equals, default = plain.partition("=")
    return f"{name}: {parameter.annotation}{f' = {default}' if equals else ''}"
