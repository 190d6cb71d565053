"""Options that several commands share, written once: a parameter of a command stands for all the options of a maker.

    @spelled_out(flags=model_flags)
    def new(name: str, flags: ModelFlags) -> None: ...

gives `new` the options that `model_flags` has as parameters, and hands it what `model_flags` makes of them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def spelled_out(**makers: Callable[..., Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Replace the parameters named here by the parameters of their makers."""
    options = {name: _parameters(maker) for name, maker in makers.items()}

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = [parameter for parameter in _parameters(command) if parameter.name not in makers]

        @functools.wraps(command)
        def spelled(**given: Any) -> None:
            made = {
                name: maker(**{option.name: given.pop(option.name) for option in options[name]})
                for name, maker in makers.items()
            }
            command(**given, **made)

        shown = [*own, *(option for group in options.values() for option in group)]
        # These two are what typer reads; without a signature of its own it would look through to `command`.
        spelled.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in shown]
        )
        spelled.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        return spelled

    return decorate


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(function, eval_str=True).parameters.values())
