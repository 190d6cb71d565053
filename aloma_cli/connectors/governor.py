"""One queue for each model server: how many calls are under way there, and how fast they are sent.

A server that refuses a call because it is busy decides both. The number of calls under way follows TCP: it is halved at
most, never below what the server still holds, and grows by one with each round of answers. The number of calls that a
server took between two refusals is the measure for the time after: as many are sent at once, and further ones at the
same rate.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from aloma_cli.connectors.base import Progress

BUSY = frozenset({429, 503, 529})
"""The HTTP statuses of a server that is too busy for now."""

SERVING = 60.0
"""A server that answered within this many seconds is serving: most limits are for a minute."""

_DECREASE = 0.5
_PROBING = 0.1
"""How fast the window grows, by windows a round, from where the server last refused."""

_FASTER = 0.9

_bound: ContextVar[asyncio.Timeout | None] = ContextVar("bound", default=None)
"""The time limit of the current call."""


@asynccontextmanager
async def at_most(seconds: float | None) -> AsyncIterator[None]:
    """As asyncio.timeout, but time in the queue of a Governor does not count."""
    async with asyncio.timeout(seconds) as bound:
        token = _bound.set(bound)
        try:
            yield
        finally:
            _bound.reset(token)


class Governor:
    """The queue of one server, for all calls of one event loop.

    `most`: calls under way at the same time. `refusals`: in a row, without an answer between.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._loop = asyncio.get_running_loop()
        self._queue: deque[asyncio.Future[int]] = deque()
        self._window = float(most)
        self._refused_at = float("inf")
        self._round = 0
        self._sent = self._under_way = 0
        self._held = self.refusals = 0
        self._opened = self._last_sent = self._loop.time()
        self._taken = 0
        self._floor = 1.0
        self._budget, self._interval = float("inf"), 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._answered_at = self._refused_when = float("-inf")

    @property
    def is_serving(self) -> bool:
        """Whether the server has answered lately."""
        return self._loop.time() - self._answered_at < SERVING

    @property
    def is_idle(self) -> bool:
        """Whether no call is under way, whose end would make room for another."""
        return not self._under_way

    @asynccontextmanager
    async def turn(self, progress: Progress, *, ahead: bool = False) -> AsyncIterator[None]:
        """Wait in the queue, at its head with `ahead`; the block sends one request, and raises if it is refused."""
        if self._queue or not self._may_go():
            progress("queued")
            with _unbounded():
                number = await self._wait_for_turn(ahead=ahead)
        else:
            number = self._go()
        try:
            yield
        except Exception as error:
            if is_busy(error):
                self._count_refusal(number)
            raise
        else:
            self._count_answer()
        finally:
            self._under_way -= 1
            self._loop.call_soon(self._wake)  # soon: the caller may first want it `held`

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is sent within the block: the server is to be left alone."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                self._reopen()

    async def _wait_for_turn(self, *, ahead: bool) -> int:
        turn: asyncio.Future[int] = self._loop.create_future()
        (self._queue.appendleft if ahead else self._queue.append)(turn)
        self._wake()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was its turn
                self._under_way -= 1
                self._taken -= 1
            with contextlib.suppress(ValueError):
                self._queue.remove(turn)
            self._wake()
            raise

    def _may_go(self) -> bool:
        room = int(min(self._window, self.most))
        return not self._held and self._under_way < room and self._seconds_to_go() <= 0

    def _seconds_to_go(self) -> float:
        return 0.0 if self._taken < self._budget else self._last_sent + self._interval - self._loop.time()

    def _go(self) -> int:
        """Count a request as sent, and number it."""
        if self._taken >= self._budget:
            self._interval *= _FASTER
        self._sent += 1
        self._taken += 1
        self._under_way += 1
        self._last_sent = self._loop.time()
        return self._sent

    def _wake(self) -> None:
        """Let the calls go that may."""
        while self._queue and self._may_go():
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(self._go())
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._queue and not self._held and (wait := self._seconds_to_go()) > 0:
            self._timer = self._loop.call_later(wait, self._wake)

    def _count_answer(self) -> None:
        self.refusals = 0
        self._answered_at = self._loop.time()
        rate = 1.0 if self._window + 1 < self._refused_at else _PROBING
        self._window = min(self.most, self._window + rate / self._window)

    def _count_refusal(self, number: int) -> None:
        """The request with this number was refused. Those sent before the last decrease count as one refusal."""
        self._taken -= 1
        others = self._under_way - 1
        is_new = number > self._round
        if is_new:
            now = self._loop.time()
            self.refusals = self.refusals + 1 if now - self._refused_when < SERVING else 1
            self._refused_when = now
            self._round = self._sent
        if not others:  # it holds none of our calls, so their number is not the reason for the refusal
            return
        if is_new:
            self._refused_at = self._window
            self._floor = max(1.0, self._window * _DECREASE)
        self._window = min(self._window, max(self._floor, others))

    def _reopen(self) -> None:
        """Send again: as many at once as the server took since it was opened before, then at the same rate."""
        if self._taken > 0:
            now = self._loop.time()
            self._budget, self._interval = self._taken, (now - self._opened) / self._taken
            self._taken, self._opened = 0, now
        self._wake()


def is_busy(error: BaseException) -> bool:
    """Whether a server refused a request because it is busy; an account without credit is not busy."""
    status = getattr(error, "status_code", None) or getattr(error, "status", None)
    return status in BUSY and getattr(error, "code", None) != "insufficient_quota"


@contextmanager
def _unbounded() -> Iterator[None]:
    """Stop the clock of the call's time limit."""
    bound, loop = _bound.get(), asyncio.get_running_loop()
    due = None if bound is None else bound.when()
    if bound is None or due is None:
        yield
        return
    left = due - loop.time()
    bound.reschedule(None)
    try:
        yield
    finally:
        if not bound.expired():
            bound.reschedule(loop.time() + left)


_governors: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str | None], Governor]] = WeakKeyDictionary()


def governor_of(base_url: str, api_key: str | None, most: int) -> Governor:
    """The one governor of a server and key in the running loop; the smallest `most` of its users holds."""
    governors = _governors.setdefault(asyncio.get_running_loop(), {})
    governor = governors.setdefault((base_url, api_key), Governor(most))
    governor.most = min(governor.most, most)
    return governor
