"""How an author says what a function does to other systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from aloma_cli.connectors.base import EFFECTS, Effect
from aloma_cli.connectors.injected import KEY
from aloma_cli.errors import PermanentError, did_you_mean

if TYPE_CHECKING:
    from inspect import Signature

Declared = TypeVar("Declared", bound=Callable[..., Any])


def effect(kind: Effect) -> Callable[[Declared], Declared]:
    """A decorator for a connector's function or a tool: `@effect("read")` sets `function.effect`.

    Raises PermanentError for an unknown effect.
    """

    def declare(function: Declared) -> Declared:
        function.effect = _checked_effect(kind, function)  # type: ignore[attr-defined]
        return function

    return declare


def effect_of(function: Callable[..., Any], signature: Signature) -> Effect:
    """What a function was declared to do; else it is `once`, or `idempotent` if it takes the key of its call."""
    return declared_effect(function) or ("idempotent" if KEY in signature.parameters else "once")


def declared_effect(function: Callable[..., Any]) -> Effect | None:
    """The `effect` of a function, if it has one. Raises PermanentError for an unknown one."""
    kind = getattr(function, "effect", None)
    # An object of another library may have anything of this name.
    return _checked_effect(kind, function) if isinstance(kind, str) else None


def _checked_effect(kind: object, function: Callable[..., Any]) -> Effect:
    for known in EFFECTS:
        if kind == known:
            return known
    name = getattr(function, "__name__", repr(function))
    hint = did_you_mean(str(kind), EFFECTS) or f"use one of {', '.join(EFFECTS)}"
    raise PermanentError(f"{kind!r} is not an effect of {name}", hint=hint)
