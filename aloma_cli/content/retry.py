"""When a step that raised is tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aloma_cli.clock import DURATION, is_duration
from aloma_cli.content.report import shown
from aloma_cli.errors import ConnectorError, PermanentError, RetryableError, StepError, StepTimeout
from aloma_cli.jsontext import is_integer
from aloma_cli.values import dataclass

_LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and when to try again a step that raised.

    `times`: tries in all. `wait`: seconds before the second try, doubled for each further one up to 60. `on`: the
    errors worth another try. Raises StepError for invalid values.
    """

    times: int = 3
    wait: float = 1.0
    on: type[BaseException] | tuple[type[BaseException], ...] = Exception

    def __post_init__(self) -> None:
        for option, (accepts, wanted) in _OPTIONS.items():
            value = getattr(self, option)
            if not accepts(value):
                raise StepError(f"`{option}` of Retry must be {wanted}, got {shown(value)}")

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before try number `attempt` (from 1; the first does not wait)."""
        if attempt < 2:
            return 0.0
        doublings = min(attempt - 2, 64)  # beyond that the cap has long been reached
        return min(self.wait * 2.0**doublings, max(self.wait, _LONGEST_WAIT))

    def applies(self, error: BaseException) -> bool:
        """Whether `error` is worth another try.

        An error that says whether to retry decides. A ConnectorError that is not retryable is tried again
        only when `on` names ConnectorError or a kind of it. A timeout of the step counts as TimeoutError. A
        group of errors is worth another try when each of them is, or when `on` names a kind of group.
        """
        kinds = _kinds(self.on)
        if isinstance(error, BaseExceptionGroup):
            named = any(issubclass(kind, BaseExceptionGroup) for kind in kinds)
            return (named and isinstance(error, kinds)) or all(map(self.applies, error.exceptions))
        if isinstance(error, PermanentError | RetryableError):
            return isinstance(error, RetryableError)
        if isinstance(error, ConnectorError) and not error.retryable:
            kinds = tuple(kind for kind in kinds if issubclass(kind, ConnectorError))
        if isinstance(error, StepTimeout):
            return any(issubclass(TimeoutError, kind) or issubclass(StepTimeout, kind) for kind in kinds)
        return isinstance(error, kinds)


def _kinds(on: object) -> tuple[Any, ...]:
    return on if isinstance(on, tuple) else (on,)


def _is_catchable(kind: object) -> bool:
    # Any other BaseException ends the firing or the process from outside: it is not a failure of the step.
    return isinstance(kind, type) and issubclass(kind, Exception | StepTimeout)


_OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "times": (lambda value: is_integer(value) and value >= 1, "an integer from 1"),
    "wait": (is_duration, DURATION),
    "on": (lambda value: all(map(_is_catchable, _kinds(value))), "an exception class or a tuple of them"),
}
