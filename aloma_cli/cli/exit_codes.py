"""Exit codes, and how an expected error is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aloma_cli import errors
from aloma_cli.cli.output import say
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.states import STATES
from aloma_cli.store.files.os_errors import hint_for

SHORT = 6
"""A task did not reach its goal, or a replay differs from its record."""

DONE, REFUSED, USAGE, INTERRUPTED, TERMINATED, FAULT = 0, 1, 2, 130, 143, 70

# The most specific class of an error counts.
ERRORS: dict[type[errors.AlomaError], int] = {
    errors.InputError: USAGE,
    errors.WorkspaceError: 3,
    errors.CredentialsError: 4,
    errors.TaskLockedError: 7,
    errors.ClaimLostError: 7,
    errors.NotFoundError: 9,
    errors.StoreError: 1,
    errors.FiringError: 1,
    errors.AlomaError: 1,
}


def code_of_task(record: JsonObject) -> int:
    """The exit code of a command that ran a task, from its record.

    A task that failed only because a server refused the key has the exit code of a missing key.
    """
    kinds = {error.get("type") for error in record["errors"].values() if isinstance(error, dict)}
    if record["state"] == "error" and kinds == {errors.KeyRefusedError.__name__}:
        return ERRORS[errors.CredentialsError]
    return STATES[record["state"]].exit_code


def code_of_error(error: errors.AlomaError) -> int:
    """The exit code of a command that ended with `error`."""
    return next(ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS)


def refusal(error: OSError) -> errors.AlomaError:
    """An error of the operating system as an expected error."""
    place = f"{error.filename}: " if error.filename else ""
    return errors.AlomaError(f"{place}{error.strerror or error}", hint=hint_for(error))


def tell(error: errors.AlomaError) -> None:
    """Show an expected error on stderr: one sentence, then what to do next."""
    say(f"aloma: {error}")
    hint = _choose(error.choices) if isinstance(error, errors.ChoiceError) else error.hint
    if hint:
        say(f"  → {hint}")


def tell_all(problems: Sequence[errors.AlomaError]) -> int:
    """Show what kept a command from reading some of it, and return its exit code."""
    for error in problems:
        tell(error)
    return code_of_error(problems[0]) if problems else DONE


def _choose(choices: Mapping[str, Sequence[str]]) -> str:
    """What to type for one of these."""
    if choices.get("task"):
        return "run one of: " + "; ".join(f"aloma task answer {task} VALUE" for task in choices["task"])
    ways = [f"--{name} with one of {', '.join(values)}" for name, values in choices.items() if values]
    if not ways and "into" in choices:
        return "to write into its data, run `aloma task set`"
    return f"use {', or '.join(ways)}" if ways else ""
