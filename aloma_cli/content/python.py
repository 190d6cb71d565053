"""Content written in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.content.function import StepFunction

if TYPE_CHECKING:
    from aloma_cli.content.cancellation import Cancellation
    from aloma_cli.content.content import Toolbox
    from aloma_cli.content.host import Host
    from aloma_cli.content.job import Job, Outcome, Raised


class PythonContent(StepFunction):
    """A Python function as `Content`."""

    __slots__ = ()

    async def run(self, job: Job, toolbox: Toolbox, host: Host, cancellation: Cancellation) -> Outcome:
        # Imported here: a command that only lists steps needs no event loop.
        from aloma_cli.content.firing import PythonRun

        return await PythonRun(self, job, toolbox, host, cancellation).run()

    def failed(self, job: Job, error: BaseException, seconds: float) -> Raised:
        from aloma_cli.content.firing import raised

        return raised(self, job, error, seconds)
