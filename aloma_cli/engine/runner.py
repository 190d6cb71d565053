"""What the loop asks of the runner of firings."""

from __future__ import annotations

from typing import Protocol

from aloma_cli.content.job import Job, Outcome


class Runner(Protocol):
    """Starts firings and waits for one to end. It decides nothing."""

    def start(self, job: Job) -> None:
        """Begin a run of a firing."""

    def cut(self, firing: int, reason: str) -> None:
        """End a run from outside (stopped or withdrawn); no outcome is reported for it."""

    def ended(self) -> list[Outcome]:
        """The outcomes since the last call of this or `wait`."""

    async def wait(self, seconds: float | None) -> list[Outcome]:
        """As `ended`, waiting for the first one for at most `seconds`, or until `wake`."""

    def wake(self) -> None:
        """Let `wait` return now."""

    @property
    def busy(self) -> bool:
        """Whether anything runs, or has ended and was not taken yet by `wait`."""
