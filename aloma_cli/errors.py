"""Every error of aloma, in one tree.

AlomaError                     expected: one sentence and, in `hint`, what to type next
├── InputError                 what the user typed or piped in is unusable
├── WorkspaceError             the workspace cannot be used
│   ├── ConfigError            aloma.yaml (or the user's configuration) is wrong
│   └── StepError              a step file is wrong
│       └── ConditionError     … in its condition, at `path`
├── CredentialsError           a server wants a key that is missing or refused
├── NotFoundError              no such task or step
├── TaskLockedError            another process runs the task
├── StoreError                 the record cannot be read or written
│   └── JournalDamagedError    … because it is damaged at a known place
└── FiringError                a step's firing fails; content may raise the two below itself
    ├── PermanentError         trying again cannot help
    │   ├── ShapeError         … because the shape asked of a model is none, at `path`
    │   └── ContentError       … because content did something that would be lost, at `place`
    ├── RetryableError         trying again may help
    ├── DocumentError          the step left something in the document that is not JSON
    └── ConnectorError         a call to another system failed; `retryable` tells which way
        ├── KeyRefusedError    … because the key is missing or refused (a CredentialsError too)
        └── AnswerError        … because its answer does not have the shape asked for
            └── TruncatedAnswerError   … because it was cut at the limit of tokens

Cut                            reaches a running step from outside; not an Exception, so that a
├── StepTimeout                broad `except Exception` in a step cannot swallow it
├── StepStopped
├── StepLimited                a call does not fit into what the task may spend
└── StepWithdrawn
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The hint for a misspelt word: the nearest of the known ones, or None when none is near."""
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), 1)
    return f"did you mean `{near[0]}`?" if near else None


class AlomaError(Exception):
    """An expected error.

    `str(error)` is one sentence that names the offending value and its place; `hint` says what to do next.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class InputError(AlomaError):
    """What the user typed or piped in is unusable."""


class WorkspaceError(AlomaError):
    """The workspace is missing or cannot be used."""


class ConfigError(WorkspaceError):
    """A configuration file is wrong; the message names file, line and key."""


class StepError(WorkspaceError):
    """A step file is wrong; the message names the file and, where known, the line."""


class ConditionError(StepError):
    """A condition is ill-formed at `path` (a dotted path into the pattern)."""

    def __init__(self, message: str, *, path: tuple[str | int, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class CredentialsError(AlomaError):
    """A key is missing, or a server refused it."""


class NotFoundError(AlomaError):
    """There is no such task or step."""


class TaskLockedError(AlomaError):
    """Another process runs the task."""


class StoreError(AlomaError):
    """The record could not be read or written."""


class JournalDamagedError(StoreError):
    """A journal line other than a torn last one does not hold what was written."""


class FiringError(AlomaError):
    """One firing of a step fails."""


class PermanentError(FiringError):
    """Raise it from `content` when trying again cannot help: `retry` is not consulted."""


class ShapeError(PermanentError):
    """A shape says nothing that could be asked of a model, at `path` (a path into the shape)."""

    def __init__(self, message: str, *, path: tuple[str | int, ...] = (), hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class ContentError(PermanentError):
    """Content did something that would be lost without a word, at `place` (`file:line`), where that is known."""

    def __init__(self, message: str, *, place: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.place = place


class RetryableError(FiringError):
    """Raise it from `content` when trying again may help."""


class DocumentError(FiringError):
    """A value at `path` is not JSON."""

    def __init__(self, message: str, *, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class ConnectorError(FiringError):
    """A call to another system failed.

    `retryable` tells whether the same call may succeed later; `status` is the HTTP status, where there was one;
    `about` says who failed (`provider`, `model`, …), as for an answer. `answer` is what came where something came
    that cannot be read, as JSON, and `usage` what it took: it is recorded, and counted, all the same.
    """

    answer: Any = None
    usage: dict[str, Any] | None = None

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        status: int | None = None,
        about: dict[str, object] | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable
        self.status = status
        self.about = about


class KeyRefusedError(ConnectorError, CredentialsError):
    """A call failed because its key is missing or was refused: every later call with this key will fail as well."""


class AnswerError(ConnectorError):
    """A model answered, even when asked again, with something that does not have the shape asked for.

    `misfits` are the keys of the recorded calls that did.
    """

    misfits: tuple[str, ...] = ()


class TruncatedAnswerError(AnswerError):
    """A model's answer was cut at the limit of tokens before it had the shape asked for."""


class Cut(BaseException):
    """A running step is ended from outside. Whatever the step returns afterwards is void."""


class StepTimeout(Cut):
    """The step ran longer than its `timeout`."""


class StepStopped(Cut):
    """The task was stopped, or completed with `cancel=True`."""


class StepLimited(Cut):
    """The next call does not fit into what the task may spend; the message has the numbers."""


class StepWithdrawn(Cut):
    """The condition of a step with `withdraw = True` stopped holding while it ran."""
