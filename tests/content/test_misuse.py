"""The errors for wrong arguments, as an author sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aloma_cli.content.misuse import misuse


def named(ask: Any, /, *, model: str, limit: int = 3) -> None:
    """Takes its arguments by name."""


def placed(ask: Any, /, url: str, *, json: Any = None) -> None:
    """Takes one by position."""


def anything(ask: Any, /, *values: int, **fields: str) -> None:
    """Takes all."""


@pytest.mark.parametrize(
    ("function", "arguments", "options", "wrong"),
    [
        (named, ("gpt",), {}, "takes its arguments by name only: write model=…"),
        (named, (), {}, "needs model=…"),
        (named, (), {"model": "gpt", "modle": 1}, "has no argument 'modle'"),
        (placed, ("a", "b"), {}, "takes 1 by position: write json=…"),
        (placed, ("a", "b"), {"json": 1}, "takes 1 by position, and 2 were given"),
        (placed, ("a",), {"url": "b"}, "is given 'url' twice"),
        (anything, (1, 2), {"a": "b"}, None),
    ],
)
def test_what_is_wrong_is_said_plainly(
    function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any], wrong: str | None
) -> None:
    assert misuse(function, arguments, options)[0] == wrong


def test_what_it_takes_is_shown_without_quotation_marks() -> None:
    assert misuse(named, (), {})[1] == "it takes (model: str, limit: int = 3)"
