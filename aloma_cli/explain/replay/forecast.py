"""What it would cost to run a task again, if only changed calls are made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from aloma_cli.explain.blame import read_by
from aloma_cli.explain.ledger import FiringRecord, Ledger, TaskLedger
from aloma_cli.explain.replay.replay import ReplayReport
from aloma_cli.explain.why import Steps
from aloma_cli.jsontext import JsonObject, Path
from aloma_cli.record.events import CallAnswered, Committed, TaskCreated
from aloma_cli.record.figures import Figures


class Forecast(NamedTuple):
    """`calls`: on record. `again`: those whose arguments have changed. `perhaps`: those of firings that start from what
    a changed firing wrote. The prices are those on record, in US dollars."""

    calls: int
    again: int
    again_cost: float
    perhaps: int
    perhaps_cost: float
    steps: tuple[str, ...]

    def to_json(self) -> JsonObject:
        return {**self._asdict(), "steps": list(self.steps)}


def forecast(ledger: Ledger, steps: Steps, report: ReplayReport) -> Forecast:
    """The calls that a run would repeat, from the `report` of its replay."""
    again = [call for calls in report.asked.values() for call in calls]
    changed = {one.firing for one in report.divergences if one.firing is not None}
    later = _affected(ledger, steps, changed) - report.asked.keys()
    perhaps = [call for number in later for call in ledger.firings[number].calls]
    return Forecast(
        calls=sum(len(firing.calls) for firing in ledger.firings.values()),
        again=len(again),
        again_cost=_cost(again),
        perhaps=len(perhaps),
        perhaps_cost=_cost(perhaps),
        steps=tuple(dict.fromkeys(ledger.firings[number].step for number in report.asked)),
    )


def _cost(calls: Iterable[CallAnswered | None]) -> float:
    return Figures.of(*(call for call in calls if call is not None)).cost


def _affected(ledger: Ledger, steps: Steps, changed: set[int]) -> set[int]:
    """The firings that start, directly or not, from what a changed one wrote; the changed ones are not among them."""
    tainted = set(changed)
    for number, firing in ledger.firings.items():
        if number not in tainted and _starts_from(ledger, steps, firing, tainted):
            tainted.add(number)
    return tainted - changed


def _starts_from(ledger: Ledger, steps: Steps, firing: FiringRecord, tainted: set[int]) -> bool:
    task, version = ledger.tasks[firing.started.task], firing.started.version
    return any(_is_by(ledger, task, path, version, tainted) for path in read_by(steps, firing))


def _is_by(ledger: Ledger, task: TaskLedger, path: Path, version: int, tainted: set[int]) -> bool:
    versions = {task.authors.whole(path, version), *(at for _, at in task.authors.parts(path, version))}
    return any(at >= 0 and _author(ledger, task, at) & tainted for at in versions)


def _author(ledger: Ledger, task: TaskLedger, version: int) -> set[int]:
    """The firings behind a version: that which wrote it or made the subtask, or those of the subtask that landed."""
    event = task.writes[version].event
    if isinstance(event, TaskCreated):
        maker = ledger.maker_of(event.task)
        return set() if maker is None else {maker.number}
    if isinstance(event, Committed) and event.child is not None:
        return {one.number for firings in ledger.tasks[event.child].firings.values() for one in firings}
    return set() if event.firing is None else {event.firing}
