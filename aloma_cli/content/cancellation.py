"""How a run of a firing is ended from outside, and what stops code that continues after its end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import field
from typing import TYPE_CHECKING, Any

from aloma_cli.errors import ContentError, Cut
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.content.plain import PlainRun


@dataclass(slots=True)
class Queued:
    """How long the calls of one run waited for their turn in this program: the time in which at least one did."""

    _calls: int = 0
    _since: float = 0.0
    _seconds: float = 0.0

    def enter(self, now: float) -> None:
        """A call begins to wait."""
        if not self._calls:
            self._since = now
        self._calls += 1

    def leave(self, now: float) -> None:
        """A call waits no longer."""
        self._calls -= 1
        if not self._calls:
            self._seconds += now - self._since

    def seconds(self, now: float) -> float:
        """The time until now."""
        return self._seconds + (now - self._since if self._calls else 0.0)


@dataclass(slots=True)
class Cancellation:
    """The state of one run: once it is `over`, or was `cut`, its content can ask for nothing more.

    Made on the thread of the event loop. `plain`: the run, if it is one of a plain `def`. `queued`: the time that does
    not count against the timeout of the step.
    """

    loop: asyncio.AbstractEventLoop
    cut: type[Cut] | None = None
    over: bool = False
    thread: int = field(default_factory=threading.get_ident)
    plain: PlainRun | None = None
    _queued: Queued | None = None

    @property
    def queued(self) -> Queued:
        if self._queued is None:
            self._queued = Queued()
        return self._queued

    def check(self) -> None:
        """Raise the cut, or ContentError, if the firing has ended."""
        if self.over:
            raise self.cut or ContentError(
                "this firing has ended, so it can no longer call or ask for anything: "
                "wait for everything that the step starts"
            )

    def hear(self) -> None:
        """Note visible progress of a plain `def`."""
        if self.plain is not None:
            self.plain.heard = time.monotonic()

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of `work`, done on the loop, for a plain `def` on its thread.

        Raises the cut if there is one, before the call or after, and then drops the result of the call.
        """
        if self.cut is not None:
            work.close()
            raise self.cut
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop).result()
        finally:
            self.hear()
            if self.cut is not None:
                raise self.cut

    def ask(self, question: Callable[[], Any]) -> Any:
        """What `question` returns on the loop's thread."""

        async def answer() -> Any:
            return question()

        return self.wait(answer())
