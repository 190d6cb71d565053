"""All errors of aloma, in one tree.

AlomaError                     expected: one sentence and, in `hint`, the next step
├── InputError                 the user's input is invalid
│   └── ChoiceError            … because it does not name one of `choices`
├── WorkspaceError             the workspace cannot be used
│   ├── ConfigError            aloma.yaml (or the user's configuration) is invalid
│   └── StepError              a step file is invalid
│       └── ConditionError     … in its condition, at `path`
├── CredentialsError           a server requires a key that is missing or refused
├── NotFoundError              no such task or step
├── TaskLockedError            another process runs the task
├── StoreError                 the record cannot be read or written
│   ├── JournalDamagedError    … because it is damaged at a known place
│   └── ClaimLostError         … because another process may now run the task
└── FiringError                a step's firing fails; content may raise the two below itself
    ├── PermanentError         trying again cannot help
    │   ├── ShapeError         … because a shape is invalid, at `path`
    │   └── ContentError       … because content did something that would be lost, at `place`
    ├── RetryableError         trying again may help
    ├── DocumentError          the step put something into the document that is not JSON
    └── ConnectorError         a call to another system failed; `retryable` says which kind
        ├── KeyRefusedError    … because the key is missing or refused (a CredentialsError too)
        └── AnswerError        … because its answer does not match the requested shape
            └── TruncatedAnswerError   … because it was cut at the token limit

Cut                            reaches a running step from outside; not an Exception, so that a
├── StepTimeout                broad `except Exception` in a step cannot swallow it
├── StepStopped
├── StepLimited                a call would exceed a limit of the task
├── StepUnsettled          a call of it was sent, and its outcome is unknown
└── StepWithdrawn
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The hint for a misspelled word: the closest known one, or None if none is close."""
    from difflib import get_close_matches

    # 0.65: above it are `aks` and `ask`; below it short words that only share letters, as `nope` and `openai`.
    near = get_close_matches(word, list(known), 1, cutoff=0.65)
    return f"did you mean `{near[0]}`?" if near else None


class AlomaError(Exception):
    """An expected error.

    `str(error)` is one sentence with the invalid value and its place; `hint` says what to do next.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InputError(AlomaError):
    """The user's input is invalid."""


class ChoiceError(InputError):
    """A request does not name one of `choices`: the values, by the name of the field that takes one of them."""

    def __init__(self, message: str, *, choices: Mapping[str, Iterable[str]] = MappingProxyType({})) -> None:
        self.choices = {name: tuple(values) for name, values in choices.items()}
        some = (f"`{name}`: {', '.join(values)}" for name, values in self.choices.items() if values)
        super().__init__(message, hint="; ".join(some) or None)


class WorkspaceError(AlomaError):
    """The workspace is missing or cannot be used."""


class ConfigError(WorkspaceError):
    """A configuration file is invalid; the message names file, line and key."""


class StepError(WorkspaceError):
    """A step file is invalid; the message names the file and, if known, the line."""


class ConditionError(StepError):
    """A condition is invalid at `path` (a path into the pattern)."""

    def __init__(self, message: str, *, path: tuple[str | int, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class CredentialsError(AlomaError):
    """A key is missing, or a server refused it."""


class NotFoundError(AlomaError):
    """The task or step does not exist."""


class TaskLockedError(AlomaError):
    """Another process runs the task."""


class StoreError(AlomaError):
    """The record could not be read or written."""


class StoreAwayError(StoreError):
    """The server of a store cannot be reached."""


class JournalDamagedError(StoreError):
    """A line of the journal is not as it was written; a torn last line is not an error."""


class ClaimLostError(StoreError):
    """The lease of this process on a task has ended, so it writes nothing more to the task."""


class FiringError(AlomaError):
    """One firing of a step fails."""


class PermanentError(FiringError):
    """Raise it from `content` when trying again cannot help: `retry` is not consulted."""


class ShapeError(PermanentError):
    """A shape is invalid at `path` (a path into the shape)."""

    def __init__(self, message: str, *, path: tuple[str | int, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class ContentError(PermanentError):
    """Content did something that would be lost silently, at `place` (`file:line`) if known."""

    def __init__(self, message: str, *, place: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.place = place


class RetryableError(FiringError):
    """Raise it from `content` when trying again may help."""


class DocumentError(FiringError):
    """A value at `path` is not JSON. `kind`: its type; None if the value is too deep or too large."""

    def __init__(
        self,
        message: str,
        *,
        path: tuple[str | int, ...] = (),
        kind: type | None = None,
        key: bool = False,
        hint: str | None = None,
    ) -> None:
        """`key`: it is a key of the object at `path`."""
        super().__init__(message, hint=hint)
        self.path = path
        self.kind = kind
        self.key = key


class ConnectorError(FiringError):
    """A call to another system failed.

    `retryable`: whether the same call may succeed later. `status`: the HTTP status, if any. `about`: what failed
    (`provider`, `model`, …), as for an answer. `unanswered`: the request may have been carried out, and no answer
    came. `answer`: an unreadable answer, as JSON. `usage`: its tokens and cost. Both are recorded and counted.
    `elsewhere`: whether another server may answer the same call. `retry_after`: seconds before which the other system
    wants no further call.
    """

    answer: Any = None
    usage: dict[str, Any] | None = None
    retry_after: float = 0.0

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        status: int | None = None,
        about: dict[str, object] | None = None,
        hint: str | None = None,
        elsewhere: bool = False,
        unanswered: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable
        self.status = status
        self.about = about
        self.elsewhere = elsewhere or retryable
        self.unanswered = unanswered


class KeyRefusedError(ConnectorError, CredentialsError):
    """A call failed because its key is missing or was refused: every later call with this key will fail as well."""


class AnswerError(ConnectorError):
    """A model's answer, and its second attempt, did not match the requested shape.

    `misfits`: the keys of those recorded calls.
    """

    misfits: tuple[str, ...] = ()


class TruncatedAnswerError(AnswerError):
    """A model's answer was cut at the token limit before it matched the requested shape."""


class Cut(BaseException):
    """A running step is ended from outside. Its result is discarded."""


class StepTimeout(Cut):
    """The step ran longer than its `timeout`."""


class StepStopped(Cut):
    """The task was stopped, or completed with `cancel=True`."""


class StepLimited(Cut):
    """The next call would exceed a limit of the task; the message has the numbers.

    `limit`: the name of the limit in `budget.LIMITS`. `needed`: what the call is expected to take of it, if known.
    """

    def __init__(self, message: str = "", limit: str | None = None, needed: float | None = None) -> None:
        super().__init__(message)
        self.limit = limit
        self.needed = needed


class StepUnsettled(Cut):
    """A call of this firing was sent, has no answer, and must not be sent twice: a person settles it."""


class StepWithdrawn(Cut):
    """The condition of a step with `withdraw = True` stopped holding while it ran."""
