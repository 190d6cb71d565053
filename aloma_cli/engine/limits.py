"""What a tree may spend: the gate that every call passes, the time, and the firings of one step."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence

from aloma_cli.budget import Amount, Budget, LimitRequest, Refusal
from aloma_cli.clock import Clock
from aloma_cli.connectors.base import Function
from aloma_cli.content.job import Limited
from aloma_cli.engine.arming import void
from aloma_cli.engine.day import DayLimit
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.working import WorkingFlight, WorkingTask, WorkingTree
from aloma_cli.errors import StepLimited
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import LimitReached, LimitsSet

_MARGIN = 1.5


def limit(tx: Transaction, reason: str, name: str | None = None, needed: float | None = None) -> None:
    """Start nothing new in the whole tree until the limit is raised."""
    if tx.tree.limited is None:
        tx.add(LimitReached(at=tx.at, task=tx.tree.root_id, reason=reason, limit=name, needed=needed))


def pause(tx: Transaction, task: WorkingTask, flight: WorkingFlight, limited: Limited) -> None:
    """Let a firing wait until the limit that it met is raised, and the whole tree with it."""
    void(tx, task, flight, "limited", again=True, seconds=limited.seconds)
    limit(tx, limited.reason, limited.limit, limited.needed)


def check(tx: Transaction, budget: Budget) -> None:
    """Pause the tree when a limit is used that is not of calls."""
    refusal = budget.exhausted(tx.tree.used(tx.tree.working))
    if refusal is not None:
        limit(tx, refusal.reason, refusal.limit)


def set_limits(tx: Transaction, wanted: Mapping[str, LimitRequest]) -> None:
    """Set what the tree may spend from here on; what is paused continues."""
    limits = tx.tree.limits.changed(wanted, tx.tree.used(tx.tree.working))
    if limits != tx.tree.limits or tx.tree.limited is not None:
        tx.add(LimitsSet(at=tx.at, task=tx.tree.root_id, limits=limits.to_json()))


class Gate:
    """One for all calls of a tree, on the thread of the event loop."""

    def __init__(self, budget: Budget, tree: WorkingTree, clock: Clock, day: DayLimit | None = None) -> None:
        self._day = day
        self._budget = budget
        self._tree = tree
        self._clock = clock
        self._waiting: list[asyncio.Future[None]] = []

    async def enter(
        self, function: Function, step: str, arguments: JsonObject, waits: Callable[[], None] = lambda: None
    ) -> Amount:
        """Hold what the call is expected to take, and give that; waits for room. Raises StepLimited."""
        while True:
            # Again each time: the answers that came meanwhile improve the estimate.
            usual = _usual(self._tree.answers[step, arguments.get("model")])
            wanted = await function.estimate(arguments, usual)
            if self._day is not None:
                await self._day.read(wanted)
            # Nothing is awaited from here on until the amount is held.
            late = self._budget.exhausted(self._tree.used(self._tree.worked(self._clock.now())))
            refusal = late or self._budget.refusal(wanted) or self._refused_today(wanted)
            if refusal is None:
                self._hold(wanted)
                return wanted
            if late or self._is_alone:
                raise StepLimited(refusal.reason, refusal.limit, refusal.needed)
            waits()
            await self._room()

    def leave(self, held: Amount) -> None:
        """The call has ended, and what it took is recorded; those who wait try again."""
        self._hold(held, -1)
        for waiting in (self._waiting, self._day.waiting if self._day is not None else []):
            for room in waiting:
                if not room.done():
                    room.set_result(None)
            waiting.clear()

    @property
    def _is_alone(self) -> bool:
        """Whether no call is under way that may leave room."""
        return self._budget.idle and (self._day is None or self._day.idle)

    def _refused_today(self, wanted: Amount) -> Refusal | None:
        return None if self._day is None else self._day.refusal(wanted)

    def _hold(self, wanted: Amount, sign: int = 1) -> None:
        self._budget.held.add(wanted, sign)
        if self._day is not None:
            self._day.hold(wanted, sign)

    async def _room(self) -> None:
        """Wait until a call has ended."""
        room = asyncio.get_running_loop().create_future()
        self._waiting.append(room)
        if self._day is not None:
            self._day.waiting.append(room)
        await room


def _usual(answers: Sequence[int]) -> int | None:
    """With a margin, the tokens that 19 of 20 answers stayed below so far; None before the first answer."""
    if not answers:
        return None
    ranked = sorted(answers)
    return math.ceil(_MARGIN * ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))])
