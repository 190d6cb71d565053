"""Reports what a call under way waits for."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aloma_cli.clock import to_iso
from aloma_cli.connectors.base import Waiting
from aloma_cli.content.cancellation import Queued
from aloma_cli.content.host import Host
from aloma_cli.record.events import CallProgress, CallSent

SILENCE = 30.0
"""Seconds of silence of a call that waits for an answer, after which the views say so."""


class Watched:
    """The Progress of one call that was sent; within its context a long silence is reported as well."""

    def __init__(self, host: Host, sent: CallSent, queued: Queued) -> None:
        """`queued`: that of the run."""
        self._host = host
        self._of_run = queued
        self._sent = sent
        self._state: dict[str, Any] = {"state": "waiting"}
        self._began = self._heard = host.clock.elapsed()
        self._queued = 0.0
        self._cancel: Callable[[], None] | None = None

    def __enter__(self) -> Self:
        self._listen(SILENCE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave_queue()
        self._state = {}
        if self._cancel is not None:
            self._cancel()

    @property
    def seconds(self) -> float:
        """How long the call took so far, without its time in a queue."""
        return self._host.clock.elapsed() - self._began - self._queued

    def __call__(
        self,
        state: Waiting,
        *,
        seconds: float | None = None,
        attempt: int | None = None,
        tries: int | None = None,
        text: str | None = None,
    ) -> None:
        """As Progress."""
        if not self._state:  # the call has ended
            return
        now = self._host.clock.elapsed()
        self._leave_queue()
        if state == "queued":
            self._of_run.enter(now)
        self._heard = now
        until = None if seconds is None else to_iso(self._host.clock.now() + seconds)
        self._state = {"state": state, "until": until, "attempt": attempt, "tries": tries, "text": text}
        self._note()
        if self._cancel is None:
            self._listen(SILENCE)

    def _leave_queue(self) -> None:
        if self._state.get("state") == "queued":
            now = self._host.clock.elapsed()
            self._queued += now - self._heard
            self._of_run.leave(now)

    def _listen(self, seconds: float) -> None:
        self._cancel = self._host.later(seconds, self._listened)

    def _listened(self) -> None:
        self._cancel = None
        silent = self._host.clock.elapsed() - self._heard
        if self._state["state"] not in ("waiting", "streaming", "working") or self._is_before_a_try():
            return
        if silent < SILENCE:
            self._listen(SILENCE - silent)
        else:
            self._note(silent=round(silent, 3))

    def _is_before_a_try(self) -> bool:
        return self._state["state"] == "waiting" and self._state.get("text") is not None

    def _note(self, *, silent: float = 0.0) -> None:
        sent = self._sent
        self._host.note(
            CallProgress(
                at=to_iso(self._host.clock.now()),
                task=sent.task,
                firing=sent.firing,
                step=sent.step,
                call=sent.call,
                key=sent.key,
                silent=silent,
                **self._state,
            )
        )
