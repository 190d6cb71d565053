"""The options that limit what a task may spend, as one value."""

from __future__ import annotations

from typing import Annotated

import typer

from aloma_cli.budget import Wish
from aloma_cli.clock import DURATION, is_duration
from aloma_cli.errors import InputError

_HELP = "; with resume, +N is so much more than is spent."


def limit_wishes(
    max_calls: Annotated[
        str | None, typer.Option("--max-calls", metavar="N", help=f"Calls in all, with subtasks{_HELP}")
    ] = None,
    max_tokens: Annotated[
        str | None, typer.Option("--max-tokens", metavar="N", help="Tokens, of questions and answers.")
    ] = None,
    max_cost: Annotated[
        str | None, typer.Option("--max-cost", metavar="DOLLARS", help="US dollars; an unknown price is refused.")
    ] = None,
    max_time: Annotated[
        str | None, typer.Option("--max-time", metavar="SECONDS", help="Time with agents running.")
    ] = None,
) -> dict[str, Wish]:
    """The limits asked for, by their names in `budget.Limits`. Raises InputError."""
    given = {"calls": max_calls, "tokens": max_tokens, "cost": max_cost, "seconds": max_time}
    options = {"calls": "--max-calls", "tokens": "--max-tokens", "cost": "--max-cost", "seconds": "--max-time"}
    return {name: _wish(text, options[name]) for name, text in given.items() if text is not None}


def _wish(text: str, option: str) -> Wish:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    whole = option in ("--max-calls", "--max-tokens")
    if option == "--max-time" and not is_duration(value):
        raise InputError(f"{option} {text!r} is not {DURATION}")
    if not 0 <= value < float("inf") or (whole and value != int(value)):
        raise InputError(f"{option} {text!r} is no {'whole ' if whole else ''}number from 0 on")
    return Wish(value, more=text.startswith("+"))
