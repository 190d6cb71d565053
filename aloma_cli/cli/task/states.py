"""The states of a task, as options name them."""

from __future__ import annotations

from aloma_cli.errors import InputError, did_you_mean
from aloma_cli.record.states import STATES


def checked_state(state: str) -> str:
    """`state` in lower case. Raises InputError for an unknown one."""
    if state.lower() in STATES:
        return state.lower()
    raise InputError(
        f"{state!r} is not a state", hint=did_you_mean(state.lower(), STATES) or f"use one of {', '.join(STATES)}"
    )
