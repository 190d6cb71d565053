"""Content written in Python."""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from aloma_cli.content.function import StepFunction

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from aloma_cli.content.cancellation import Cancellation
    from aloma_cli.content.content import Toolbox
    from aloma_cli.content.host import Host
    from aloma_cli.content.job import Job, Outcome, Raised


class PythonContent(StepFunction):
    """A Python function as `Content`."""

    __slots__ = ()

    def run(self, job: Job, toolbox: Toolbox, host: Host, cancellation: Cancellation) -> Coroutine[Any, Any, Outcome]:
        run: Coroutine[Any, Any, Outcome] = _firing().PythonRun(self, job, toolbox, host, cancellation).run()
        return run

    def failed(self, job: Job, error: BaseException, seconds: float) -> Raised:
        raised: Raised = _firing().raised(self, job, error, seconds)
        return raised


@cache
def _firing() -> ModuleType:
    # Imported late: a command that only lists steps needs no event loop.
    from aloma_cli.content import firing

    return firing
