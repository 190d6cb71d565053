"""What a step is: a condition, what to do when it holds, and how.

A step is the same value whether it was read from a file or built in Python, and it is complete: every mistake in it
raises a StepError here, before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from aloma_cli.clock import POSITIVE_DURATION, is_positive_duration
from aloma_cli.condition import compile_condition
from aloma_cli.content.content import Content
from aloma_cli.content.python import PythonContent
from aloma_cli.content.report import Report, shown
from aloma_cli.content.retry import Retry
from aloma_cli.errors import ConditionError, did_you_mean
from aloma_cli.jsontext import is_integer

if TYPE_CHECKING:
    from aloma_cli.condition import Condition
    from aloma_cli.content.source import Source
    from aloma_cli.record.events import FiringStarted

REARM = ("edge", "change")
"""`edge`: armed again when the condition has been false. `change`: also when others change what it reads."""

# Nothing, spaces at an end, and what could not be shown on a line or written in a path such as $errors.NAME.
_NO_NAME = re.compile("\\A\\Z|\\A\\s|\\s\\Z|[.\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Step:
    """A condition over a task's document, and the content that runs when it holds.

    `timeout`: seconds. Raises StepError naming the step, or its file and line.
    """

    def __init__(
        self,
        name: str,
        condition: dict[str, Any],
        content: Callable[..., Any] | Content,
        *,
        priority: int = 0,
        retry: Retry | None = None,
        timeout: float | None = None,
        enabled: bool = True,
        rearm: str = "edge",
        withdraw: bool = False,
        source: Source | None = None,
    ) -> None:
        given = {
            "name": name,
            "priority": priority,
            "retry": retry,
            "timeout": timeout,
            "enabled": enabled,
            "rearm": rearm,
            "withdraw": withdraw,
        }
        report = Report(name, source)
        _check_options(given, report)
        self.name: Final = name
        self.content: Final = content if isinstance(content, Content) else PythonContent.of(content, name, source)
        self.condition: Final = _compiled(condition, report)
        self.priority: Final = priority
        self.retry: Final = retry
        self.timeout: Final = timeout
        self.enabled: Final = enabled
        self.rearm: Final = rearm
        self.withdraw: Final = withdraw
        self.source: Final = source

    def __setattr__(self, name: str, value: object) -> None:
        """Write an attribute once. Raises AttributeError after that: several tasks may use the step."""
        if name in self.__dict__:
            raise AttributeError(f"a step cannot be changed: build another one to give it another {name}")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"Step({self.name!r})"


def change_since(step: Step, started: FiringStarted) -> str | None:
    """How a step differs from the one of a firing: `condition`, `content`, or None."""
    if step.condition.fingerprint != started.condition:
        return "condition"
    return None if step.content.fingerprint == started.code else "content"


def _compiled(pattern: dict[str, Any], report: Report) -> Condition:
    try:
        return compile_condition(pattern)
    except ConditionError as error:
        raise report.condition_error(error) from None


def _check_options(given: dict[str, object], report: Report) -> None:
    for option, value in given.items():
        accepts, wanted = _OPTIONS[option]
        if not accepts(value):
            raise report.error(option, f"`{option}` must be {wanted}, got {shown(value)}", _hint(option, value))


def _hint(option: str, value: object) -> str | None:
    if option == "retry" and is_integer(value):
        return f"write `retry = Retry(times={value})`, with `from aloma_cli import Retry`"
    if option == "rearm" and isinstance(value, str):
        return did_you_mean(value, REARM)
    if option == "name":
        return "spaces and `/` are allowed; a dot is not: it would end the name in a path such as $errors.NAME"
    return None


_OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (
        lambda value: isinstance(value, str) and not _NO_NAME.search(value),
        "a string with no dots, no control characters and no spaces at its ends",
    ),
    "priority": (is_integer, "an integer"),
    "retry": (lambda value: value is None or isinstance(value, Retry), "a Retry"),
    "timeout": (lambda value: value is None or is_positive_duration(value), POSITIVE_DURATION),
    "enabled": (lambda value: isinstance(value, bool), "True or False"),
    "rearm": (lambda value: isinstance(value, str) and value in REARM, "'edge' or 'change'"),
    "withdraw": (lambda value: isinstance(value, bool), "True or False"),
}

OPTIONS = ("condition", "content", *_OPTIONS)
"""The names a step's module may set."""
