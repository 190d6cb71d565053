"""The states of a task, as options name them."""

from __future__ import annotations

from aloma_cli.errors import InputError, did_you_mean

STATES = (
    "created",
    "processing",
    "waiting",
    "question",
    "done",
    "ignored",
    "incomplete",
    "limited",
    "error",
    "stopped",
)


def checked_state(state: str) -> str:
    """`state` in lower case. Raises InputError for what is none."""
    if state.lower() in STATES:
        return state.lower()
    raise InputError(
        f"{state!r} is no state", hint=did_you_mean(state.lower(), STATES) or f"one of {', '.join(STATES)}"
    )
