"""A task that comes back to a state it was in gets nowhere, and is stopped before it pays for more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from aloma_cli import events as ev
from aloma_cli.engine.state import Tree
from aloma_cli.errors import RetryableError
from aloma_cli.step import Retry, Step
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
    "a fresh id": lambda data, now: data.update(id=str(uuid4())),
    "a fresh id in a list": lambda data, now: data.update(ids=[f"run {uuid4()}"]),
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
    """The stage with everything ended; time goes on with each firing."""
    for _ in range(100):
        if stage.last.finished:
            return stage
        stage.clock.moment += seconds
        if stage.running:
            stage.deliver(next(iter(stage.running)))
        stage.turn()
    raise AssertionError(f"it goes on for ever: {stage.data}")


def rest(stage: Stage, task: str = ROOT) -> ev.TaskRested:
    return of_kind(stage.events, ev.TaskRested, task)[-1]


# -- proof -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [("a", "b"), ("a", "b", "c")])
def test_steps_that_hand_over_in_a_circle_are_stopped_when_the_first_is_due_again(turns: tuple[str, ...]) -> None:
    stage = finished(Stage(cycle(*turns), {"turn": "a"}))
    assert fired(stage.journal()) == list(turns)
    assert (stage.root.state, stage.root.closed) == ("incomplete", False)


@pytest.mark.parametrize("turns", [("a", "b"), ("a", "b", "c")])
@pytest.mark.parametrize("stamp", STAMPS)
def test_times_and_fresh_ids_are_no_progress(stamp: str, turns: tuple[str, ...]) -> None:
    stage = finished(Stage(cycle(*turns, stamp=STAMPS[stamp]), {"turn": "a"}))
    assert stage.root.state == "incomplete"
    assert len(fired(stage.journal())) <= 2 * len(turns), "the first stamp is a change, the others are none"


def test_the_end_tells_the_round_with_its_steps_and_what_they_changed() -> None:
    stage = finished(Stage(cycle("a", "b"), {"turn": "a"}))
    assert rest(stage).reason == "no progress: a → b led back to the same state"
    assert rest(stage).cycle == (
        {"version": 1, "step": "a", "changes": [{"op": "replace", "path": "/turn", "value": "b"}]},
        {"version": 2, "step": "b", "changes": [{"op": "replace", "path": "/turn", "value": "a"}]},
    )


async def ask_again(step: Any) -> None:
    step.redo()


def test_a_step_that_asks_for_itself_for_ever_is_stopped() -> None:
    stage = finished(Stage([step("a", {}, ask_again)], {}))
    assert (len(fired(stage.journal())), stage.root.state) == (1, "incomplete")


def test_a_list_whose_items_go_round_is_where_it_was_after_the_whole_round_and_not_before() -> None:
    async def rotate(data: Any, step: Any) -> None:
        data["queue"].append(data["queue"].pop(0))
        step.redo()

    stage = finished(Stage([step("rotate", {}, rotate)], {"queue": [1, 2, 3, 4, 5]}))
    assert (len(fired(stage.journal())), stage.root.state) == (5, "incomplete")


def test_a_crash_on_the_way_does_not_hide_the_round() -> None:
    steps = cycle("a", "b", "c")
    stage = Stage(steps, {"turn": "a"})
    for turn in "ab":
        stage.end(turn)
        stage.close()
        stage = Stage(steps, store=stage.store)
    finished(stage)
    assert (len(fired(stage.journal())), stage.root.state) == (3, "incomplete")
    assert [leg["step"] for leg in rest(stage).cycle] == ["a", "b", "c"]


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
    assert (len(sent), stage.root.state) == (4, "incomplete"), "the first answer was news; three were not"
    assert rest(stage).reason == "no progress: ask led back to the same state 3 times, with the same requests"


def test_a_model_that_comes_to_another_answer_is_heard() -> None:
    stage, sent = asking(lambda call: "good" if call == 3 else "bad", asks_until_good)
    assert (len(sent), stage.root.state) == (3, "done")


def test_other_requests_are_progress_though_they_leave_the_same_state() -> None:
    cities = iter(["Rome", "Oslo", "Bonn", "Cork", "Lima", "Nice"])

    async def next_city(data: Any, connectors: Any, step: Any) -> None:
        city = next(cities, None)
        if city is None:
            data["done"] = True
            return
        await connectors.model.ask(city)
        step.redo()

    stage, sent = asking(lambda _: "fine", next_city)
    assert (len(sent), stage.root.state) == (6, "done")


def test_requests_for_one_id_after_the_other_are_progress() -> None:
    ids = [str(uuid4()) for _ in range(8)]

    async def visit(data: Any, connectors: Any, step: Any) -> None:
        at = ids.index(data["cursor"]) + 1 if "cursor" in data else 0
        await connectors.model.ask(ids[at])
        data["cursor"] = ids[at]
        if at + 1 < len(ids):
            step.redo()

    stage, sent = asking(lambda _: "fine", visit)
    assert (len(sent), stage.root.state) == (8, "done")


def test_hours_of_the_past_one_after_the_other_are_progress() -> None:
    async def walk(data: Any, step: Any) -> None:
        hour = int(data["at"][11:13]) + 1
        data["at"] = f"2020-01-01T{hour:02}:00:00Z"
        if hour < 20:
            step.redo()

    stage = finished(Stage([step("walk", {}, walk)], {"at": "2020-01-01T00:00:00Z"}))
    assert (stage.data["at"], stage.root.state) == ("2020-01-01T20:00:00Z", "done")


def test_a_step_that_fails_is_recovered_three_times_and_no_more() -> None:
    steps = [
        step("a", {"x": 1}, raises(ValueError("no"))),
        step("mend", {"$errors": {"a": dict}}, does(lambda data: data["$errors"].pop("a"))),
    ]
    stage = finished(Stage(steps, {"x": 1}))
    assert stage.root.state == "incomplete"
    assert len(of_kind(stage.journal(), ev.FiringFailed)) == 3
    assert "led back to the same state 3 times" in str(rest(stage).reason)


# -- what comes from outside -------------------------------------------------------------------------------------------


def test_what_is_under_way_may_still_end_the_matter() -> None:
    steps = [*cycle("a", "b"), step("slow", {"job": True}, puts(over=True))]
    stage = Stage(steps, {"turn": "a", "job": True})
    for turn in "abab":
        if turn in stage.names:
            stage.end(turn)
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
        stage.deliver(next(firing for firing, job in stage.running.items() if job.step.name != "work"))
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
    for _ in range(20):
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
    assert again.names == [], "opening is no reason to go on"
    assert again.run.go_round_again() == ["a"]
    again.turn()
    finished(again)
    assert (len(fired(again.journal())), again.root.state) == (4, "incomplete")


def test_of_two_circles_at_a_time_both_are_stopped_and_nothing_is_left_hanging() -> None:
    slow = [
        step("there", {"other": "here"}, puts(1, other="there")),
        step("here", {"other": "there"}, puts(1, other="here")),
    ]
    played = play([*cycle("a", "b"), *slow], {"turn": "a", "other": "here"})
    assert played.root.state == "incomplete"
    assert played.seconds <= 5


def test_the_round_is_found_in_the_journal_as_it_was_found_when_it_ran() -> None:
    stage = finished(Stage(cycle("a", "b", stamp=STAMPS["a time"]), {"turn": "a"}))
    folded = Tree.of(stage.journal())
    assert folded.root.trail == stage.root.trail
    assert folded.root.trail.lap is not None
