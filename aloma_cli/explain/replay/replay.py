"""Run every firing on record again, with the code of today, and compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple

from aloma_cli.content.step import Step
from aloma_cli.document.paths import MISSING
from aloma_cli.document.stash import hide_stash
from aloma_cli.explain.ledger import FiringRecord, Ledger
from aloma_cli.explain.replay.divergence import Divergence, differences, of_calls, place_of
from aloma_cli.explain.replay.left import left_on_record, left_today
from aloma_cli.explain.replay.rerun import Rerun, Tools, run_again
from aloma_cli.explain.why import Inquiry
from aloma_cli.jsontext import Json, JsonObject, Path
from aloma_cli.record import events as ev
from aloma_cli.record.figures import Figures
from aloma_cli.redact import Redactor
from aloma_cli.values import dataclass

_COMPARED = (ev.Committed, ev.FiringLooked, ev.FiringFailed)
_FROM_OUTSIDE = ("StepTimeout", "StepStopped", "StepWithdrawn")


@dataclass(slots=True)
class ReplayReport:
    """`firings`: how many were run again, on `answers` answers of the record. `live`: how many calls were made,
    which cost `cost` US dollars.

    `asked`: for each firing the calls that are not on record as they are made today, each with the one in its position.
    """

    task: str
    firings: int = 0
    answers: int = 0
    live: int = 0
    cost: float = 0.0
    divergences: list[Divergence] = field(default_factory=list)
    asked: dict[int, list[ev.CallAnswered | None]] = field(default_factory=dict)

    @property
    def is_exact(self) -> bool:
        return not self.divergences

    def to_json(self) -> JsonObject:
        return {
            "schema": 1,
            "task": self.task,
            "exact": self.is_exact,
            "firings": self.firings,
            "answers": self.answers,
            "live": self.live,
            "cost": self.cost,
            "divergences": [one.to_json() for one in self.divergences],
        }


async def replay(question: Inquiry, tools: Tools, redactor: Redactor) -> ReplayReport:
    """Run the firings of a task and of its subtasks again, in the order of the record."""
    events = list(question.events)
    whole = Ledger.of(events)
    run = _Replay(question, tools, redactor, whole, ReplayReport(question.task))
    for run.now, event in enumerate(events):
        if isinstance(event, _COMPARED):
            run.compare(event)
        else:
            run.ledger.take(event)
        if isinstance(event, ev.FiringStarted) and run.is_wanted(event):
            await run.start(event)
        if isinstance(event, ev.TaskCreated | ev.Committed) and event.task in run.inside:
            run.look_for_more(event.task)
    run.end()
    run.report.divergences.sort(key=lambda one: one.order)
    return run.report


class _Held(NamedTuple):
    """Since when a new condition holds: the entry, the version, and the position in the record."""

    entry: int
    version: int
    at: int


def _without_stash(value: Json, path: Path) -> Json:
    """A value at a place of what a firing left, without what is in `$stash`."""
    return value if value is MISSING else hide_stash(value, path)


@dataclass(slots=True)
class _Replay:
    question: Inquiry
    tools: Tools
    redactor: Redactor
    whole: Ledger
    report: ReplayReport
    ledger: Ledger = field(default_factory=Ledger)
    inside: set[str] = field(default_factory=set)
    _children: dict[int, list[ev.TaskCreated]] = field(default_factory=lambda: defaultdict(list))
    _runs: dict[int, Rerun] = field(default_factory=dict)
    _held: dict[tuple[str, str], _Held | None] = field(default_factory=dict)
    _began: dict[int, int] = field(default_factory=dict)
    now: int = 0

    def __post_init__(self) -> None:
        tree = self.whole.tree
        self.inside = {self.question.task, *(task.id for task in tree.descendants(self.question.task))}
        for task in self.whole.tasks.values():
            maker = self.whole.maker_of(task.created.task)
            if maker is not None:
                self._children[maker.number].append(task.created)

    def is_wanted(self, event: ev.FiringStarted) -> bool:
        """Whether this is the last run of a firing that ended by itself."""
        firing = self.whole.firings[event.firing]
        if event.task not in self.inside or firing.started is not event or not isinstance(firing.end, _COMPARED):
            return False
        return not (isinstance(firing.end, ev.FiringFailed) and firing.end.error.get("type") in _FROM_OUTSIDE)

    async def start(self, event: ev.FiringStarted) -> None:
        """Run a firing again at the moment when it began, unless its step would not fire."""
        firing = self.ledger.firings[event.firing]
        self._began[event.firing] = self.now
        self._meet((event.task, event.step), event.version)
        step = self.question.steps.get(event.step)
        if step is None:
            self._diverge(firing, "gone", "the step is no longer in the workspace")
            return
        document = self.ledger.tasks[event.task].document_at(event.version)
        if step.condition.fingerprint != event.condition and not step.condition.matches(document):
            mismatch = next(iter(step.condition.mismatches(document)))
            self._diverge(firing, "condition", f"it would not fire: {mismatch}")
            return
        self.report.firings += 1
        self._runs[event.firing] = await run_again(self.ledger, self.whole, firing, step, self.tools)

    def compare(self, event: ev.Committed | ev.FiringLooked | ev.FiringFailed) -> None:
        """Take in the end of a firing, and compare it with that of today."""
        run = None if event.firing is None else self._runs.pop(event.firing, None)
        if run is None or event.firing is None:
            self.ledger.take(event)
            return
        firing, task = self.ledger.firings[event.firing], self.ledger.tasks[event.task]
        tags = self.ledger.tree.tasks[event.task].tags
        today = self.redactor.value(left_today(task, firing.started.version, run.job.tags, run.outcome))
        self.ledger.take(event)
        on_record = left_on_record(task, tags, event, self._children[event.firing])
        self._compare_calls(firing, run)
        if isinstance(event, ev.FiringFailed) and "error" not in today and "trace" not in event.error:
            return  # the step returned, and the engine refused what it asked for: that depends on all other tasks
        for path, before, after in differences(on_record, today):
            self._diverge(firing, "field", place_of(path), _without_stash(before, path), _without_stash(after, path))

    def _compare_calls(self, firing: FiringRecord, run: Rerun) -> None:
        if run.tape is None:
            self.report.live += len(run.answered)
            self.report.cost += Figures.of(*run.answered).cost
            return
        self.report.answers += run.tape.made
        if run.tape.changed:
            self.report.asked[firing.number] = [changed.recorded for changed in run.tape.changed]
        for kind, where, before, after in of_calls(run.tape):
            self._diverge(firing, kind, where, before, self.redactor.value(after))

    def _diverge(
        self, firing: FiringRecord, kind: str, where: str, recorded: Json = MISSING, today: Json = MISSING
    ) -> None:
        self.report.divergences.append(
            Divergence(
                kind,
                firing.started.task,
                firing.step,
                where,
                recorded,
                today,
                entry=self.whole.firings[firing.number].entry,
                firing=firing.number,
                order=self._began[firing.number],
            )
        )

    def look_for_more(self, task_id: str) -> None:
        """Notice steps whose condition is a new one, and begins to hold where the record has no firing."""
        task, facts = self.ledger.tasks[task_id], self.ledger.tree.tasks[task_id]
        if facts.completed is not None or facts.closed:
            return
        for step in self._candidates(task_id):
            key = (task_id, step.name)
            if not step.condition.matches(task.document):
                self._would_fire(key)
                self._held.pop(key, None)
            elif key not in self._held:
                self._held[key] = _Held(len(task.entries) - 1, task.version, self.now)

    def _candidates(self, task_id: str) -> Iterator[Step]:
        fired = self.whole.tasks[task_id].firings
        for name, step in self.question.steps.items():
            is_same = name in fired and fired[name][-1].started.condition == step.condition.fingerprint
            if step.enabled and not is_same:
                yield step

    def _meet(self, key: tuple[str, str], version: int) -> None:
        """A step fires on record at `version`; had its condition of today held before, it would have fired then."""
        held = self._held.get(key)
        if held is not None and held.version < version:
            self._would_fire(key)
        self._held[key] = None

    def _would_fire(self, key: tuple[str, str]) -> None:
        held = self._held.get(key)
        if held is not None:
            where = f"it would fire after entry {held.entry}, where the record has no firing"
            self.report.divergences.append(Divergence("condition", *key, where, after=held.entry, order=held.at))

    def end(self) -> None:
        """Notice what would have fired at the end of the record."""
        for key in list(self._held):
            if self.ledger.tree.limited is None and self.ledger.tree.stopped is None:
                self._would_fire(key)
