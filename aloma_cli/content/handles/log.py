"""`log`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from aloma_cli.clock import to_iso
from aloma_cli.content.cancellation import Cancellation
from aloma_cli.record.events import Logged

if TYPE_CHECKING:
    from aloma_cli.content.host import Host
    from aloma_cli.content.job import Job


class Log:
    """`log("text")`, `log.warning("text")`, `log.error("text")`; several values are joined as `print` does."""

    def __init__(self, job: Job, host: Host, cancellation: Cancellation) -> None:
        self._job = job
        self._host = host
        self._cancellation = cancellation

    def __call__(self, *values: object) -> None:
        self._write_line("info", values)

    def warning(self, *values: object) -> None:
        self._write_line("warning", values)

    def error(self, *values: object) -> None:
        self._write_line("error", values)

    def _write_line(self, level: str, values: tuple[object, ...]) -> None:
        job = self._job
        event = Logged(
            at=to_iso(self._host.clock.now()),
            task=job.task,
            firing=job.firing,
            step=job.step,
            level=level,
            text=" ".join(map(str, values)),
        )
        if threading.get_ident() == self._cancellation.thread:
            self._host.note(event)
        else:
            self._cancellation.hear()
            self._cancellation.loop.call_soon_threadsafe(self._host.note, event)
