"""Content written in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.content.function import StepFunction
from aloma_cli.later import Later

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from aloma_cli.content import firing
    from aloma_cli.content.cancellation import Cancellation
    from aloma_cli.content.content import Toolbox
    from aloma_cli.content.host import Host
    from aloma_cli.content.job import Job, Outcome, Raised
else:
    firing = Later("aloma_cli.content.firing")


class PythonContent(StepFunction):
    """A Python function as `Content`."""

    __slots__ = ()

    def run(self, job: Job, toolbox: Toolbox, host: Host, cancellation: Cancellation) -> Coroutine[Any, Any, Outcome]:
        draft = toolbox.drafts.begin(job.base, job.follows)
        return firing.PythonRun(self, job, toolbox, host, cancellation, draft).run()

    def failed(self, job: Job, error: BaseException, seconds: float) -> Raised:
        return firing.raised(self, job, error, seconds)
