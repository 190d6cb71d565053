"""Time: what counts as work, and clocks that are set while a task runs, or between two runs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.budget import LimitRequest
from aloma_cli.clock import ForwardClock, from_iso
from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.engine.limits import set_limits
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.engine.working import WorkingTree
from aloma_cli.record import events as ev
from aloma_cli.record.summary import figures, summary
from aloma_cli.view.history import History
from tests.support.manual import EPOCH, HeldClock
from tests.support.record import ROOT, of_kind
from tests.support.stage import Stage
from tests.support.steps import puts, raises, step

HOUR, DAY = 3600.0, 86_400.0


class SetClock(HeldClock):
    """A clock that somebody sets: `ahead` is how far the wall clock is off."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead

    def turn_to(self, ahead: float, elapsed: float = 0.0) -> None:
        self.ahead = ahead
        self.moment += elapsed


def times(events: Iterable[ev.Event]) -> list[float]:
    return [from_iso(event.at) for event in events]


async def parks(task: Any, data: Any) -> None:
    data["parked"] = True
    task.park(30)


# -- the time in which no process ran a task is not work --------------------------------------------------------

AGAIN = step("a", {"x": int}, puts(y=1))

OTHER = [step("a", {"x": 5}, puts(y=1)), step("early", {"x": 2}, puts(z=1))]


def sets_and_starts_nothing(stage: Stage) -> None:
    """What `task set --no-run` does; an hour later somebody continues."""
    claim = stage.store.claim(ROOT)
    run = Scheduler(claim, Plan([AGAIN]), clock=stage.clock, emit=lambda _: None)
    run.carry_out({"kind": "set", "task": ROOT, "set": [[["n"], 1]], "unset": []})
    run.write()
    claim.close()
    stage.clock.moment += HOUR


def nothing(stage: Stage) -> None:
    """Nobody comes between."""


@pytest.mark.parametrize(
    ("steps", "between", "seconds"),
    [
        pytest.param([AGAIN], nothing, 5, id="what ran is repeated"),
        pytest.param([AGAIN], sets_and_starts_nothing, 5, id="a person writes, and nothing runs"),
        pytest.param([], nothing, 2, id="the step is gone"),
        pytest.param(OTHER, nothing, 5, id="its condition is another, and another step is armed"),
    ],
)
def test_the_time_between_a_kill_and_the_next_run_does_not_count(
    steps: list[Step], between: Callable[[Stage], None], seconds: float
) -> None:
    stage = Stage([AGAIN, step("early", {"x": 1}, puts(x=2))], {"x": 1})
    stage.clock.moment += 2
    stage.end("early")
    stage.claim.close()
    stage.clock.moment += HOUR
    between(stage)
    again = Stage(steps, store=stage.store, clock=stage.clock)
    again.run.do(set_limits, {"seconds": LimitRequest(100)})
    again.turn()
    again.clock.moment += 3
    again.end_all()
    assert again.tree.working == pytest.approx(seconds)
    assert WorkingTree.of(again.journal()).working == pytest.approx(seconds)


def test_a_tree_in_which_nothing_ran_is_opened_without_a_word() -> None:
    stage = Stage([AGAIN], {"x": 1})
    stage.end_all()
    stage.claim.close()
    assert of_kind(Stage([AGAIN], store=stage.store).journal(), ev.TreeOpened) == []


# -- a clock that is set -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-HOUR, -DAY, -EPOCH + 1])
def test_a_timer_takes_its_own_length_when_the_clock_is_set_back(ahead: float) -> None:
    clock = SetClock()
    stage = Stage([step("p", {}, parks), step("a", {"parked": True}, puts(a=1))], {}, clock=clock)
    stage.end("p")
    clock.turn_to(ahead, elapsed=29)
    assert stage.turn().jobs == ()
    clock.turn_to(ahead, elapsed=1.1)
    stage.turn()
    assert stage.names == ["a"]


@pytest.mark.parametrize("ahead", [-HOUR, -DAY])
def test_a_timer_takes_its_own_length_when_the_clock_is_set_back_between_two_runs(ahead: float) -> None:
    clock = SetClock()
    steps = [step("flaky", {}, raises(OSError()), retry=Retry(3, wait=30))]
    stage = Stage(steps, {}, clock=clock)
    stage.end("flaky")
    stage.claim.close()
    clock.turn_to(ahead)
    again = Stage(steps, store=stage.store, clock=clock)
    assert again.names == []
    clock.turn_to(ahead, elapsed=46)  # the wait varies by half
    again.turn()
    assert again.names == ["flaky"]


def test_a_timer_has_run_out_when_the_clock_is_a_day_ahead() -> None:
    clock = SetClock()
    stage = Stage([step("p", {}, parks), step("a", {"parked": True}, puts(a=1))], {}, clock=clock)
    stage.end("p")
    clock.turn_to(DAY)
    stage.turn()
    assert stage.names == ["a"]


def test_the_limit_of_time_counts_on_when_the_clock_is_set_back() -> None:
    clock = SetClock()
    stage = Stage([step("a", {}, puts(a=1)), step("b", {"a": 1}, puts(b=1))], {}, clock=clock)
    stage.run.do(set_limits, {"seconds": LimitRequest(10)})
    stage.turn()
    clock.turn_to(-HOUR, elapsed=9)
    stage.end("a")
    assert stage.tree.working == pytest.approx(9)
    assert stage.names == ["b"]
    clock.turn_to(-2 * HOUR, elapsed=2)
    stage.end("b")
    assert stage.tree.limited == "time limit reached (11.0 of 10 s)"


TURNS = st.lists(st.tuples(st.floats(-3 * DAY, 3 * DAY), st.floats(0, 100), st.booleans()), max_size=8)


@given(TURNS)
def test_however_the_clock_is_set_the_times_on_record_never_decrease_and_nothing_is_negative(turns: list[Any]) -> None:
    """The clock is set, and some time passes, between the ends of firings; now and then the process is killed too."""
    clock = SetClock()
    steps = [
        step("p", {"n": 0}, parks),
        step("a", {"parked": True}, puts(a=1)),
        step("flaky", {}, raises(OSError("no")), retry=Retry(3, wait=5)),
    ]
    stage = Stage(steps, {"n": 0}, clock=clock)
    for ahead, elapsed, killed in turns:
        clock.turn_to(ahead, elapsed)
        if killed:
            stage.claim.close()
            stage = Stage(steps, store=stage.store, clock=clock)
        stage.turn()
        if stage.running:
            stage.end(stage.names[0])
    journal = stage.journal()
    assert times(journal) == sorted(times(journal))
    record = summary(stage.tree, ROOT, stage.data)
    assert min(record["seconds"], stage.tree.working, figures(stage.tree, ROOT, stage.run.clock)["seconds"]) >= 0
    history = History(journal, ROOT)
    assert min(history.screen.elapsed(clock.now()), history.screen.worked()) >= 0


@given(st.lists(st.tuples(st.floats(-DAY, DAY), st.floats(0, DAY)), min_size=1, max_size=20))
def test_a_forward_clock_never_runs_back_nor_slower_than_time_passes(turns: list[tuple[float, float]]) -> None:
    clock = SetClock()
    forward = ForwardClock(clock, since=EPOCH + 5)
    before = forward.now()
    for ahead, elapsed in turns:
        clock.turn_to(ahead, elapsed)
        now = forward.now()
        assert now >= before + elapsed - 1e-3
        assert now >= clock.now()
        before = now
