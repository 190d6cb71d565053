"""A task that comes back to a state it was in gets nowhere, and is stopped before it pays for more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.document.digest import Digest
from aloma_cli.engine import requests
from aloma_cli.engine.cycles import MOST_LAPS, OFTEN
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.errors import RetryableError
from aloma_cli.record import events as ev
from tests.support.manual import HeldClock
from tests.support.play import play
from tests.support.record import ROOT, fired, of_kind
from tests.support.stage import Stage
from tests.support.steps import Content, connector, connectors, does, puts, raises, step

Stamp = Callable[[dict[str, Any], datetime], object]

STAMPS: dict[str, Stamp] = {
    "nothing": lambda data, now: None,
    "a time": lambda data, now: data.update(updatedAt=now.isoformat()),
    "a time in a text": lambda data, now: data.update(note=f"seen at {now:%Y-%m-%d %H:%M:%S}, again"),
    "a time deeper down": lambda data, now: data.update(log={"last": {"at": now.isoformat()}}),
    "seconds since 1970": lambda data, now: data.update(updatedAt=now.timestamp()),
    "milliseconds since 1970": lambda data, now: data.update(updatedAt=int(now.timestamp() * 1000)),
}


def cycle(*turns: str, stamp: Stamp = STAMPS["nothing"]) -> list[Step]:
    """Steps that hand `turn` on to each other, round and round."""

    def hand(to: str) -> Content:
        async def content(data: dict[str, Any], now: datetime) -> None:
            data["turn"] = to
            stamp(data, now)

        return content

    return [
        step(turn, {"turn": turn, "over": None}, hand(to))
        for turn, to in zip(turns, turns[1:] + turns[:1], strict=True)
    ]


def finished(stage: Stage, *, seconds: float = 1.5) -> Stage:
    """The stage with everything ended; time passes with each firing."""
    for _ in range(100):
        if stage.last.finished:
            return stage
        stage.clock.moment += seconds
        if stage.running:
            stage.deliver(next(iter(stage.running)))
        stage.turn()
    raise AssertionError(f"it never ends: {stage.data}")


def rest(stage: Stage, task: str = ROOT) -> ev.TaskRested:
    return of_kind(stage.journal(), ev.TaskRested, task)[-1]


# -- proof -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [("a", "b"), ("a", "b", "c")])
def test_steps_that_hand_over_in_a_circle_are_stopped_where_they_come_back_for_the_third_time(
    turns: tuple[str, ...],
) -> None:
    stage = finished(Stage(cycle(*turns), {"turn": "a"}))
    rounds = len(fired(stage.journal())) / len(turns)
    assert OFTEN + MOST_LAPS - 1 <= rounds <= OFTEN + MOST_LAPS + 2
    assert (stage.root.state, stage.root.closed) == ("incomplete", False)


def test_what_was_gone_through_less_often_is_no_round() -> None:
    async def walk(data: dict[str, Any], step: Any) -> None:
        left = data["ways"].pop()
        data["way"] = left
        if data["ways"]:
            step.redo()

    stage = finished(Stage([step("walk", {}, walk)], {"ways": ["round"] * (OFTEN - 1)}))
    assert stage.root.state == "done"


@pytest.mark.parametrize("turns", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("stamp", STAMPS)
def test_times_are_no_progress(stamp: str, turns: tuple[str, ...]) -> None:
    stage = finished(Stage(cycle(*turns, stamp=STAMPS[stamp]), {"turn": "a"}))
    assert stage.root.state == "incomplete"
    assert len(fired(stage.journal())) <= (OFTEN + MOST_LAPS + 2) * len(turns)


def test_ids_that_come_from_outside_are_progress() -> None:
    ids = iter([str(uuid4()) for _ in range(60)])

    async def take(data: dict[str, Any], step: Any) -> None:
        data["job"] = next(ids, None)
        if data["job"]:
            step.redo()

    stage = finished(Stage([step("take", {}, take)], {}))
    assert (stage.data["job"], stage.root.state) == (None, "done")


def test_the_end_tells_the_round_with_its_steps_and_what_they_changed() -> None:
    stage = finished(Stage(cycle("a", "b"), {"turn": "a"}))
    one, other = rest(stage).cycle
    first, to_b = one["step"], {"a": "b", "b": "a"}
    assert rest(stage).reason == f"no progress: {first} → {to_b[first]} led back to the same state 3 times"
    for leg in (one, other):
        assert leg["changes"] == [{"op": "replace", "path": "/turn", "value": to_b[leg["step"]]}]
    assert (other["step"], other["version"]) == (to_b[first], one["version"] + 1)


async def ask_again(step: Any) -> None:
    step.redo()


def test_a_step_that_asks_for_itself_for_ever_is_stopped() -> None:
    stage = finished(Stage([step("a", {}, ask_again)], {}))
    assert (len(fired(stage.journal())), stage.root.state) == (OFTEN + MOST_LAPS, "incomplete")


def test_a_list_whose_items_go_round_is_where_it_was_after_the_whole_round_and_not_before() -> None:
    async def rotate(data: Any, step: Any) -> None:
        data["queue"].append(data["queue"].pop(0))
        step.redo()

    stage = finished(Stage([step("rotate", {}, rotate)], {"queue": [1, 2, 3, 4, 5]}))
    assert (len(rest(stage).cycle), stage.root.state) == (5, "incomplete")


def test_a_crash_on_the_way_does_not_hide_the_round() -> None:
    steps = cycle("a", "b", "c")
    stage, undisturbed = Stage(steps, {"turn": "a"}), finished(Stage(steps, {"turn": "a"}))
    while stage.names:
        stage.end(*stage.names)
        stage.close()
        stage = Stage(steps, store=stage.store)
    assert fired(stage.journal()) == fired(undisturbed.journal())
    assert (stage.root.state, rest(stage).cycle) == ("incomplete", rest(undisturbed).cycle)


def test_a_subtask_that_gets_nowhere_lands_as_incomplete_and_the_parent_goes_on() -> None:
    async def begin(task: Any) -> None:
        task.subtask("child", {"turn": "a"}, into="child")

    stage = Stage([*cycle("a", "b"), step("begin", {"go": True}, begin)], {"go": True})
    finished(stage)
    assert (stage.data["child"]["status"], stage.root.state) == ("incomplete", "done")
    child = stage.data["child"]["task"]
    assert rest(stage, child).closed
    assert "no progress" in str(rest(stage, child).reason)


def test_a_task_that_completes_is_done_though_it_is_where_it_was() -> None:
    async def complete(task: Any, step: Any) -> None:
        task.complete("over")
        step.redo()

    stage = finished(Stage([step("a", {}, complete)], {}))
    assert (stage.root.state, rest(stage).result) == ("done", "over")


def test_while_somebody_is_asked_it_rests_as_a_question_and_shows_the_round() -> None:
    async def ask(task: Any) -> None:
        task.ask("Enough?", into="over")

    stage = finished(Stage([*cycle("a", "b"), step("ask", {"over": None}, ask)], {"turn": "a"}))
    assert (stage.root.state, len(rest(stage).cycle)) == ("question", 2)
    stage.run.carry_out({"kind": "answer", "value": True})
    stage.turn()
    assert stage.root.state == "done"


# -- calls and failures ------------------------------------------------------------------------------------------------


def asking(answers: Callable[[int], str], ask: Content) -> tuple[Stage, list[str]]:
    """A finished stage whose steps call `model.ask(prompt)`, and the prompts that reached it."""
    sent: list[str] = []

    async def model(prompt: str) -> str:
        sent.append(prompt)
        return answers(len(sent))

    stage = Stage([step("ask", {"done": None}, ask)], {}, connectors=connectors(connector("model", ask=model)))
    return finished(stage), sent


async def asks_until_good(data: Any, connectors: Any, step: Any, now: datetime) -> None:
    data["answer"] = await connectors.model.ask(f"It is {now.isoformat()}. Is it good?")
    data["askedAt"] = now.isoformat()
    if data["answer"] == "good":
        data["done"] = True
    else:
        step.redo()


def test_a_loop_around_a_model_that_answers_the_same_is_stopped_after_three_rounds() -> None:
    stage, sent = asking(lambda _: "bad", asks_until_good)
    assert (OFTEN + MOST_LAPS <= len(sent) <= OFTEN + MOST_LAPS + 2, stage.root.state) == (True, "incomplete")
    assert rest(stage).reason == "no progress: ask led back to the same state 3 times, with the same requests"


def test_a_model_that_comes_to_another_answer_is_heard() -> None:
    last = OFTEN + MOST_LAPS
    stage, sent = asking(lambda call: "good" if call == last else "bad", asks_until_good)
    assert (len(sent), stage.root.state) == (last, "done")


def test_other_requests_are_progress_though_they_leave_the_same_state() -> None:
    cities = iter([f"city {number}" for number in range(60)])

    async def next_city(data: Any, connectors: Any, step: Any) -> None:
        city = next(cities, None)
        if city is None:
            data["done"] = True
            return
        await connectors.model.ask(city)
        step.redo()

    stage, sent = asking(lambda _: "fine", next_city)
    assert (len(sent), stage.root.state) == (60, "done")


def test_requests_for_one_id_after_the_other_are_progress() -> None:
    ids = [str(uuid4()) for _ in range(60)]

    async def visit(data: Any, connectors: Any, step: Any) -> None:
        at = ids.index(data["cursor"]) + 1 if "cursor" in data else 0
        await connectors.model.ask(ids[at])
        data["cursor"] = ids[at]
        if at + 1 < len(ids):
            step.redo()

    stage, sent = asking(lambda _: "fine", visit)
    assert (len(sent), stage.root.state) == (60, "done")


def test_minutes_of_the_past_one_after_the_other_are_progress() -> None:
    async def walk(data: Any, step: Any) -> None:
        minute = int(data["at"][14:16]) + 1
        data["at"] = f"2020-01-01T00:{minute:02}:00Z"
        if minute < 59:
            step.redo()

    stage = finished(Stage([step("walk", {}, walk)], {"at": "2020-01-01T00:00:00Z"}))
    assert (stage.data["at"], stage.root.state) == ("2020-01-01T00:59:00Z", "done")


def test_a_step_that_fails_and_is_recovered_again_and_again_is_stopped() -> None:
    steps = [
        step("a", {"x": 1}, raises(ValueError("no"))),
        step("mend", {"$errors": {"a": dict}}, does(lambda data: data["$errors"].pop("a"))),
    ]
    stage = finished(Stage(steps, {"x": 1}))
    assert stage.root.state == "incomplete"
    assert len(of_kind(stage.journal(), ev.FiringFailed)) == OFTEN + MOST_LAPS
    assert "led back to the same state 3 times" in str(rest(stage).reason)


# -- what comes from outside -------------------------------------------------------------------------------------------


def test_what_is_under_way_may_still_end_the_matter() -> None:
    steps = [*cycle("a", "b"), step("slow", {"job": True}, puts(over=True))]
    stage = Stage(steps, {"turn": "a", "job": True})
    while stage.names != ["slow"]:
        stage.end(next(name for name in stage.names if name != "slow"))
    assert (stage.names, stage.last.finished) == (["slow"], False), "they wait for it, instead of spinning"
    stage.end("slow")
    assert (stage.data.get("over"), stage.root.state) == (True, "done")


def test_a_subtask_under_way_may_still_end_the_matter() -> None:
    async def begin(data: Any, task: Any) -> None:
        del data["go"]
        task.subtask("child", {"job": True}, into="child")

    steps = [
        *cycle("a", "b"),
        step("begin", {"go": True}, begin),
        step("work", {"job": True}, puts(job=False)),
        step("end", {"child": {"status": "done"}}, puts(over=True), priority=1),
    ]
    stage = Stage(steps, {"turn": "a", "go": True})
    while "work" not in stage.names or len(stage.names) > 1:
        stage.deliver(next(firing for firing, job in stage.running.items() if job.step != "work"))
        stage.turn()
    assert stage.root.state == "waiting"
    finished(stage)
    assert (stage.data.get("over"), stage.root.state) == (True, "done")


def test_waiting_for_a_time_is_no_round() -> None:
    async def poll(task: Any, step: Any) -> None:
        task.park(10)
        step.redo()

    clock = HeldClock()
    stage = Stage([step("poll", {}, poll)], {}, clock=clock)
    for _ in range(3 * OFTEN):
        stage.end("poll")
        assert stage.root.state == "waiting"
        clock.moment += 11
        stage.turn()


def test_a_try_that_is_due_is_made_though_the_others_go_round() -> None:
    failing = [RetryableError("busy"), RetryableError("busy")]

    async def flaky(data: Any) -> None:
        if failing:
            raise failing.pop()
        data["over"] = True

    steps = [*cycle("a", "b"), step("flaky", {"job": True}, flaky, retry=Retry(3, wait=60))]
    stage = finished(Stage(steps, {"turn": "a", "job": True}), seconds=20)
    assert (stage.data.get("over"), stage.root.state) == (True, "done")


def test_a_person_helps_it_out() -> None:
    stage = finished(Stage(cycle("a", "b"), {"turn": "a"}))
    stage.run.carry_out({"kind": "set", "set": [[["over"], True]]})
    stage.turn()
    assert (stage.root.state, stage.names) == ("done", [])


def test_it_goes_round_once_more_when_a_person_wants_that() -> None:
    steps = cycle("a", "b")
    stage = finished(Stage(steps, {"turn": "a"}))
    stage.close()
    again = Stage(steps, store=stage.store)
    assert again.names == [], "opening is not a reason to continue"
    once = len(fired(again.journal()))
    again.run.do(requests.release_cycles)
    again.turn()
    assert sum(isinstance(event, ev.StepsArmed) for event in again.events) == 1
    finished(again)
    assert (len(fired(again.journal())), again.root.state) == (2 * once, "incomplete")


def test_of_two_circles_at_a_time_both_are_stopped_and_nothing_is_left_hanging() -> None:
    slow = [
        step("there", {"other": "here"}, puts(1, other="there")),
        step("here", {"other": "there"}, puts(1, other="here")),
    ]
    played = play([*cycle("a", "b"), *slow], {"turn": "a", "other": "here"})
    assert played.root.state == "incomplete"
    assert played.seconds <= 60


def test_the_round_is_found_in_the_journal_as_it_was_found_when_it_ran() -> None:
    stage = finished(Stage(cycle("a", "b", stamp=STAMPS["a time"]), {"turn": "a"}))
    folded = WorkingTree.of(stage.journal())
    assert folded.root.trail == stage.root.trail
    assert folded.root.trail.cycle is not None


# -- what ends the comparison ------------------------------------------------------------------------------------------


def test_a_step_that_looks_at_the_figures_of_the_run_is_not_taken_to_go_round() -> None:
    async def poll(data: Any, task: Any, step: Any) -> None:
        if task.figures()["steps"].get("poll", {}).get("fired", 0) < 3 * OFTEN:
            step.redo()
        else:
            data["ready"] = True

    stage = finished(Stage([step("poll", {"ready": None}, poll)], {}))
    assert (stage.data.get("ready"), stage.root.state) == (True, "done")


def test_figures_that_were_seen_by_one_that_only_looked_count_as_well() -> None:
    async def watch(data: Any, task: Any) -> None:
        if task.figures()["steps"]["a"]["fired"] > OFTEN + 2 * MOST_LAPS:
            data["over"] = True

    stage = finished(Stage([*cycle("a", "b"), step("watch", {"turn": str, "over": None}, watch)], {"turn": "a"}))
    assert (stage.data.get("over"), stage.root.state) == (True, "done")


def test_figures_that_were_seen_by_one_that_failed_count_as_well() -> None:
    async def struggle(task: Any) -> None:
        if task.figures()["failures"] < 3 * OFTEN:
            raise ValueError("not yet")

    steps = [
        step("struggle", {"x": 1}, struggle),
        step("mend", {"$errors": {"struggle": dict}}, does(lambda data: data["$errors"].pop("struggle"))),
    ]
    assert finished(Stage(steps, {"x": 1})).root.state == "done"


def test_a_race_is_no_proof_since_the_other_one_may_win_next_time() -> None:
    rounds = iter(["quick"] * 2 * OFTEN + ["slow"])

    def wins(name: str) -> Content:
        async def content(data: dict[str, Any]) -> None:
            data.update(turn="again", winner=name)

        return content

    steps = [
        step("quick", {"turn": "race"}, wins("quick"), withdraw=True),
        step("slow", {"turn": "race"}, wins("slow"), withdraw=True),
        step("again", {"turn": "again", "winner": "quick"}, puts(turn="race", winner=None)),
    ]
    stage = Stage(steps, {"turn": "race"})
    while not stage.last.finished:
        stage.end(next(rounds) if len(stage.names) == 2 else stage.names[0])
    assert (stage.data["winner"], stage.root.state) == ("slow", "done")


@pytest.mark.parametrize("concurrency", [1, 2, 8])
def test_a_ready_step_takes_its_turn_beside_one_that_asks_for_itself_again_and_again(concurrency: int) -> None:
    async def poll(data: dict[str, Any], step: Any) -> None:
        if "work" not in data:
            step.redo()

    steps = [step("poll", {"job": str, "done": None}, poll), step("work", {"job": str}, puts(work=True, done=True))]
    stage = finished(Stage(steps, {"job": "x"}, concurrency=concurrency))
    assert (stage.data.get("work"), stage.root.state) == (True, "done")


def test_a_ready_step_takes_its_turn_beside_one_whose_document_grows() -> None:
    async def poll(data: dict[str, Any], step: Any) -> None:
        data["polls"] = data.get("polls", 0) + 1
        if "work" not in data:
            step.redo()

    steps = [step("poll", {"done": None}, poll, priority=1), step("work", {}, puts(work=True, done=True))]
    stage = finished(Stage(steps, {}, concurrency=1))
    assert (stage.data["polls"], stage.root.state) == (OFTEN, "done")


@given(st.integers(0, 30), st.integers(1, 40))
def test_a_round_of_any_length_after_a_way_of_any_length_is_found(way: int, length: int) -> None:
    async def walk(data: dict[str, Any], step: Any) -> None:
        at = data["at"] + 1
        data["at"] = at if at < way + length else way
        step.redo()

    stage = Stage([step("walk", {}, walk)], {"at": 0})
    stage.end_all()
    assert (stage.root.state, len({str(leg["changes"]) for leg in rest(stage).cycle})) == (
        "incomplete",
        min(length, 20),
    )
    assert len(fired(stage.journal())) <= OFTEN + way + (MOST_LAPS + 3) * length


def test_nothing_is_compared_before_a_step_has_fired_often(monkeypatch: pytest.MonkeyPatch) -> None:
    def follow(*_: Any) -> bool:
        raise AssertionError("the document is followed")

    monkeypatch.setattr(Digest, "follow", follow)
    monkeypatch.setattr(WorkingTask, "standpoint", property(follow))
    steps = [
        step("count", {"n": {"$lt": OFTEN - 1}}, does(lambda data: data.update(n=data["n"] + 1)), rearm="change"),
    ]
    stage = Stage([*steps, *cycle(*"abcdefgh")], {"n": 0, "turn": "a", "over": True})
    stage.end_all()
    assert stage.root.state == "done"
