"""`step`."""

from __future__ import annotations

from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.job import Effects, Job


class StepHandle:
    """`step`: the step that fires."""

    def __init__(self, job: Job, effects: Effects, cancellation: Cancellation) -> None:
        self._job = job
        self._effects = effects
        self._cancellation = cancellation

    @property
    def name(self) -> str:
        return self._job.step

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1; `retry` says how many there are."""
        return self._job.attempt

    def redo(self) -> None:
        """Let this step fire once more at its next match, at once if it still matches."""
        self._cancellation.check()
        self._effects.redo = True
