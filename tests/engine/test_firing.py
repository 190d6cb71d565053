"""When a step fires, and when again."""

from __future__ import annotations

from typing import Any

import pytest

from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.record import events as ev
from tests.support.record import fired, looked, of_kind, started
from tests.support.stage import Stage
from tests.support.steps import Content, does, looks, puts, step


def tells(seen: list[Any], key: str) -> Content:
    """Content that looks at a field and leaves no trace."""
    return does(lambda data: seen.append(data.get(key)))


# -- the rising edge ---------------------------------------------------------------------------------------------------


def test_a_step_fires_when_its_condition_holds_from_the_start() -> None:
    stage = Stage([step("a", {"x": 1}, puts(y=2))], {"x": 1})
    stage.end("a")
    assert (stage.data, fired(stage.events), stage.root.state) == ({"x": 1, "y": 2}, ["a"], "done")


def test_a_step_fires_once_for_as_long_as_its_condition_stays_true() -> None:
    stage = Stage([step("a", {"x": int}, does(lambda data: data.update(x=data["x"] + 1)))], {"x": 1})
    stage.end_all()
    assert (stage.data, fired(stage.events)) == ({"x": 2}, ["a"])


def test_a_step_fires_again_when_its_condition_was_false_and_is_true_again() -> None:
    steps = [
        step("on", {"on": True}, does(lambda data: data.update(on=False, n=data.get("n", 0) + 1))),
        step("off", {"on": False, "n": {"$lt": 3}}, puts(on=True)),
    ]
    stage = Stage(steps, {"on": True})
    stage.end_all()
    assert fired(stage.events) == ["on", "off", "on", "off", "on"]


def test_a_condition_seen_false_between_two_commits_of_one_turn_arms_the_step() -> None:
    steps = [
        step("watch", {"$or": [{"a": 1}, {"b": 1}]}, puts(seen=1)),
        step("down", {"seen": 1}, puts(a=0), priority=1),
        step("up", {"seen": 1}, puts(b=1)),
    ]
    stage = Stage(steps, {"a": 1})
    stage.end("watch")
    stage.end("down", "up")
    assert stage.names == ["watch"]


def test_a_step_whose_condition_never_became_false_is_not_armed_by_others() -> None:
    steps = [
        step("a", {"x": int}, puts(a=1)),
        step("b", {"a": 1}, puts(x=2)),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    assert fired(stage.events) == ["a", "b"]


def test_a_step_fires_again_after_its_own_commit_made_its_condition_false() -> None:
    """An edge needs no other step."""
    steps = [
        step("take", {"queue": {"$size": 2}}, does(lambda data: data["queue"].pop())),
        step(
            "fill",
            {"queue": {"$size": 1}, "more": True},
            does(lambda data: (data["queue"].append(0), data.pop("more"))),
        ),
    ]
    stage = Stage(steps, {"queue": [0, 0], "more": True})
    stage.end_all()
    assert fired(stage.events) == ["take", "fill", "take"]


def test_the_condition_is_looked_at_again_at_the_moment_of_starting() -> None:
    """A step that was kept waiting for a place starts only if it still matches."""
    steps = [
        step("first", {"x": 1}, puts(x=2), priority=1),
        step("second", {"x": 1}, puts(y=1)),
    ]
    stage = Stage(steps, {"x": 1}, concurrency=1)
    stage.end_all()
    assert fired(stage.events) == ["first"]


def test_a_condition_that_is_always_true_fires_once() -> None:
    stage = Stage([step("always", {}, puts(x=1)), step("more", {"x": 1}, puts(y=1))], {})
    stage.end_all()
    assert fired(stage.events) == ["always", "more"]


def test_a_disabled_step_does_not_fire() -> None:
    stage = Stage([step("a", {}, puts(x=1), enabled=False)], {})
    assert (stage.names, stage.root.state) == ([], "ignored")


# -- redo --------------------------------------------------------------------------------------------------------------


async def count_to_three(data: dict[str, Any], step: Any) -> None:
    data["n"] += 1
    if data["n"] < 3:
        step.redo()


def test_redo_gives_one_more_run_at_once_while_the_condition_still_holds() -> None:
    stage = Stage([step("a", {"n": int}, count_to_three)], {"n": 0})
    stage.end_all()
    assert (stage.data, fired(stage.events)) == ({"n": 3}, ["a", "a", "a"])


def test_redo_waits_for_the_next_match() -> None:
    async def once(data: dict[str, Any], step: Any) -> None:
        data["x"] = 0
        step.redo()

    steps = [step("a", {"x": 1}, once), step("b", {"x": 0, "y": None}, puts(x=1, y=1))]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    assert fired(stage.events) == ["a", "b", "a"]


def test_redo_of_a_step_that_raised_is_void() -> None:
    async def content(step: Any) -> None:
        step.redo()
        raise ValueError("no")

    stage = Stage([step("a", {}, content)], {})
    stage.end_all()
    assert started(stage.events) == ["a"]


# -- looks -------------------------------------------------------------------------------------------------------------


def test_a_firing_that_left_no_trace_is_a_look_and_commits_nothing() -> None:
    stage = Stage([step("a", {"x": 1}, looks)], {"x": 1})
    stage.end("a")
    assert (looked(stage.events), fired(stage.events), stage.root.version) == (["a"], [], 0)
    assert stage.root.state == "ignored"


def test_reads_and_log_lines_are_no_trace() -> None:
    async def content(data: dict[str, Any], log: Any) -> None:
        log("there is", data["x"])

    stage = Stage([step("a", {"x": 1}, content)], {"x": 1})
    stage.end("a")
    assert looked(stage.events) == ["a"]
    assert [event.text for event in of_kind(stage.events, ev.Logged)] == ["there is 1"]


def test_writing_an_equal_value_back_is_no_trace() -> None:
    stage = Stage([step("a", {"x": {"y": [1]}}, puts(x={"y": [1]}))], {"x": {"y": [1]}})
    stage.end("a")
    assert looked(stage.events) == ["a"]


@pytest.mark.parametrize(
    "act",
    [
        lambda task, step: step.redo(),
        lambda task, step: task.subtask("child", {}),
        lambda task, step: task.complete(),
        lambda task, step: setattr(task, "name", "new"),
        lambda task, step: setattr(task, "tags", ["new"]),
    ],
    ids=["redo", "subtask", "complete", "name", "tags"],
)
def test_what_is_asked_of_task_or_step_is_a_trace(act: Any) -> None:
    async def content(task: Any, step: Any) -> None:
        act(task, step)

    stage = Stage([step("a", {"x": 1}, content)], {"x": 1})
    stage.end("a", task="1")
    assert (looked(stage.events), fired(stage.events)[0]) == ([], "a")


def test_a_look_is_armed_by_a_change_at_under_or_above_what_its_condition_names() -> None:
    seen: list[Any] = []
    steps = [
        step("look", {"x": {"y": dict}}, tells(seen, "x"), priority=1),
        step("under", {"go": 1}, does(lambda data: (data["x"]["y"].update(z=1), data.update(go=2)))),
        step("at", {"go": 2}, does(lambda data: (data["x"].update(y={}), data.update(go=3)))),
        step("above", {"go": 3}, does(lambda data: data.update(x={"y": {"new": 1}, "w": 1}, go=4))),
        step("beside", {"go": 4}, does(lambda data: (data["x"].update(w=2), data.update(go=5)))),
    ]
    stage = Stage(steps, {"x": {"y": {}}, "go": 1}, concurrency=1)
    stage.end_all()
    assert looked(stage.events) == ["look"] * 4
    assert seen[0] == {"y": {}}
    assert seen[3] == {"y": {"new": 1}, "w": 1}


def test_a_look_is_armed_by_a_commit_made_while_it_ran() -> None:
    steps = [step("look", {"x": int}, looks), step("write", {"x": 1}, puts(x=2))]
    stage = Stage(steps, {"x": 1})
    stage.end("write")
    assert stage.names == ["look"]
    stage.end("look")
    assert stage.names == ["look"], "it saw x as 1"
    stage.end("look")
    assert (stage.names, stage.root.state) == ([], "done")


def test_a_look_is_not_armed_by_commits_that_touch_nothing_it_names() -> None:
    steps = [step("look", {"x": int}, looks), step("write", {"x": 1}, puts(y=2))]
    stage = Stage(steps, {"x": 1})
    stage.end("look")
    stage.end("write")
    assert (stage.names, looked(stage.events)) == ([], ["look"])


def test_a_firing_that_left_a_trace_is_not_armed_as_a_look_is() -> None:
    steps = [step("a", {"x": int}, puts(a=1)), step("b", {"a": 1}, puts(x=2))]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    assert fired(stage.events) == ["a", "b"]


# -- rearm = "change" --------------------------------------------------------------------------------------------------


def tally() -> Content:
    return does(lambda data: data.update(sum=sum(data["numbers"])))


def test_rearm_change_follows_the_commits_of_others_while_the_condition_stays_true() -> None:
    steps = [
        step("tally", {"numbers": list}, tally(), rearm="change"),
        step("add", {"sum": {"$lt": 6}}, does(lambda data: data["numbers"].append(data["sum"])), rearm="change"),
    ]
    stage = Stage(steps, {"numbers": [1, 1]})
    stage.end_all()
    assert stage.data == {"numbers": [1, 1, 2, 4], "sum": 8}


def test_rearm_change_is_never_woken_by_its_own_commits() -> None:
    stage = Stage([step("a", {"n": int}, does(lambda data: data.update(n=data["n"] + 1)), rearm="change")], {"n": 0})
    stage.end_all()
    assert stage.data == {"n": 1}


def test_rearm_change_heeds_only_what_its_condition_names() -> None:
    steps = [step("a", {"x": int}, puts(a=1), rearm="change"), step("b", {"a": 1}, puts(b=1))]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    assert fired(stage.events) == ["a", "b"]


def test_a_landing_child_is_someone_else() -> None:
    async def send(data: dict[str, Any], task: Any) -> None:
        data["sent"] += 1
        if data["sent"] == 1:
            task.subtask("child", {"leaf": True}, into="answer")

    stage = Stage([step("send", {"sent": int, "answer": None}, send, rearm="change")], {"sent": 0})
    stage.end_all()
    assert (stage.data["answer"]["status"], stage.data["sent"]) == ("ignored", 1), "its condition is false by then"
    stage = Stage([step("send", {"sent": int, "answer": {}}, send, rearm="change")], {"sent": 0})
    stage.end_all()
    assert stage.data["sent"] == 2


FROM_ABOVE: list[tuple[str, Any, Any, dict[str, Any], int]] = [
    ("a parent is made", {"p": {"x": None}}, lambda data: data.update(p={"y": 1}), {}, 1),
    ("a parent is made with the field", {"p": {"x": {"$nin": [0]}}}, lambda data: data.update(p={"x": 1}), {}, 2),
    ("a parent is removed", {"p": {"x": None}}, lambda data: data.pop("p"), {"p": {"y": 1}}, 1),
    ("a parent becomes a text", {"p": {"x": None}}, lambda data: data.update(p="t"), {"p": {}}, 1),
    ("a neighbour is edited", {"p": {"x": int}}, lambda data: data["p"].update(y=1), {"p": {"x": 1}}, 1),
    ("what is below is edited", {"p": {"x": dict}}, lambda data: data["p"]["x"].update(z=1), {"p": {"x": {}}}, 2),
    ("an equal parent", {"p": {"x": 1}}, lambda data: data.update(p={"x": 1, "y": 2}), {"p": {"x": 1}}, 1),
]


@pytest.mark.parametrize(
    ("condition", "edit", "document", "times"), [one[1:] for one in FROM_ABOVE], ids=[one[0] for one in FROM_ABOVE]
)
def test_rearm_change_heeds_what_changes_above_only_where_the_value_is_another(
    condition: Any, edit: Any, document: Any, times: int
) -> None:
    count = does(lambda data: data.update(n=data.get("n", 0) + 1))
    stage = Stage([step("a", condition, count, rearm="change"), step("b", {}, does(edit), priority=-1)], document)
    stage.end_all()
    assert stage.data["n"] == times


def test_rearm_change_does_not_heed_a_second_landing_with_the_same_status() -> None:
    async def send(task: Any, step: Any) -> None:
        task.subtask("child", {"leaf": step.name}, into="w.x")

    count = does(lambda data: data.update(n=data.get("n", 0) + 1))
    steps = [
        step("watch", {"w": {"x": {"status": "done"}}}, count, rearm="change"),
        step("first", {"go": 1}, send),
        step("second", {"go": 1, "n": 1}, send),
        step("leaf", {"leaf": str}, does(lambda data: data.update(done=True))),
    ]
    stage = Stage(steps, {"go": 1})
    stage.end_all()
    assert fired(stage.events) == ["first", "watch", "second"]
    assert stage.data["$children"]["second"]["done"] == 1


def test_a_look_heeds_every_change_above() -> None:
    steps = [step("a", {"p": {"x": None}}, looks), step("b", {}, puts(p={"y": 1}), priority=-1)]
    stage = Stage(steps, {})
    stage.end_all()
    assert looked(stage.events) == ["a", "a"]


def test_what_arms_a_step_while_it_runs_counts_once_after_its_commit() -> None:
    steps = [
        step("follow", {"x": int}, does(lambda data: data.update(n=data.get("n", 0) + 1)), rearm="change"),
        step("one", {"x": 1}, puts(x=2)),
        step("two", {"x": 2}, puts(x=3)),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end("one")
    stage.end("two")
    assert stage.names == ["follow"], "it runs once at a time"
    stage.end("follow")
    assert stage.names == ["follow"]
    stage.end("follow")
    assert (stage.names, stage.data) == ([], {"x": 3, "n": 2})


# -- side by side ------------------------------------------------------------------------------------------------------


def test_steps_that_match_together_start_together() -> None:
    stage = Stage([step(name, {}, puts(**{name: 1})) for name in "cab"], {})
    assert stage.names == ["a", "b", "c"]


def test_they_start_by_priority_then_by_specificity_then_by_name() -> None:
    steps = [
        step("b", {"x": 1}, looks),
        step("a", {"x": 1}, looks),
        step("precise", {"x": 1, "y": 1}, looks),
        step("urgent", {}, looks, priority=2),
        step("late", {"x": 1, "y": 1, "z": 1}, looks, priority=-1),
    ]
    for order in (steps, steps[::-1]):
        assert Stage(order, {"x": 1, "y": 1, "z": 1}).names == ["urgent", "precise", "a", "b", "late"]


@pytest.mark.parametrize("limit", [1, 2, 8])
def test_no_more_than_concurrency_run_at_a_time_in_one_task(limit: int) -> None:
    stage = Stage([step(f"s{n:02}", {}, looks) for n in range(12)], {}, concurrency=limit)
    order: list[str] = []
    while stage.running:
        assert len(stage.running) == min(limit, 12 - len(order))
        order.append(stage.names[0])
        stage.end(stage.names[0])
    assert order == [f"s{n:02}" for n in range(12)], "in their fixed order"


def test_concurrency_counts_each_task_for_itself() -> None:
    async def fan_out(task: Any) -> None:
        for n in range(3):
            task.subtask(f"child {n}", {"leaf": n})

    stage = Stage(
        [step("fan out", {"root": 1}, fan_out), step("leaf", {"leaf": int}, looks)], {"root": 1}, concurrency=1
    )
    stage.end("fan out")
    assert stage.names == ["leaf", "leaf", "leaf"]


def test_what_a_commit_makes_true_starts_while_others_still_run() -> None:
    steps = [step("slow", {}, looks), step("quick", {}, puts(x=1)), step("next", {"x": 1}, looks)]
    stage = Stage(steps, {})
    stage.end("quick")
    assert stage.names == ["slow", "next"]


# -- opening again -----------------------------------------------------------------------------------------------------


def reopened(stage: Stage, *steps: Any) -> Stage:
    stage.close()
    return Stage(steps, store=stage.store)


def test_a_new_step_is_armed_on_opening() -> None:
    stage = Stage([step("a", {"x": 1}, puts(y=1))], {"x": 1})
    stage.end_all()
    again = reopened(stage, step("a", {"x": 1}, puts(y=1)), step("b", {"y": 1}, puts(z=1)))
    assert again.names == ["b"]


def test_a_step_with_a_changed_condition_is_armed_on_opening() -> None:
    stage = Stage([step("a", {"x": 1}, puts(y=1))], {"x": 1})
    stage.end_all()
    again = reopened(stage, step("a", {"x": int}, puts(y=2)))
    assert again.names == ["a"]


def test_changed_content_alone_arms_nothing() -> None:
    stage = Stage([step("a", {"x": 1}, puts(y=1))], {"x": 1})
    stage.end_all()
    assert reopened(stage, step("a", {"x": 1}, looks)).names == []


def test_opening_arms_nothing_that_has_fired() -> None:
    """Arming is part of the record."""
    steps = [step("a", {"x": 1}, puts(y=1)), step("look", {"y": 1}, looks)]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    again = reopened(stage, *steps)
    assert (again.names, again.root.state, again.last.finished) == ([], "done", True)


def test_a_step_that_was_away_while_its_firing_was_interrupted_fires_when_it_is_back() -> None:
    """The firing left nothing, and its condition still holds: it must not be lost."""
    stage = Stage([step("a", {"x": 1}, puts(y=1))], {"x": 1})
    assert stage.names == ["a"]
    away = reopened(stage)
    assert away.names == []
    assert reopened(away, step("a", {"x": 1}, puts(y=1))).names == ["a"]


def test_an_interrupted_firing_whose_condition_was_edited_is_repeated_and_does_not_fire_on_top() -> None:
    stage = Stage([step("a", {"x": 1}, puts(y=1))], {"x": 1})
    again = reopened(stage, step("a", {"x": int}, does(lambda data: data.update(y=data.get("y", 0) + 1))))
    again.end_all()
    assert (again.data, fired(again.journal())) == ({"x": 1, "y": 1}, ["a"])


def test_an_interrupted_firing_that_the_edited_condition_would_not_have_let_start_is_superseded() -> None:
    stage = Stage([step("a", {"x": 1}, puts(y=1))], {"x": 1})
    again = reopened(stage, step("a", {"x": 2}, puts(y=1)), step("b", {"x": 1}, puts(x=2)))
    assert again.names == ["b"]
    again.end_all()
    assert fired(again.journal()) == ["b", "a"]


def test_a_step_that_was_away_when_its_condition_became_false_is_armed_when_it_is_back() -> None:
    steps = [step("a", {"x": 1}, puts(y=1))]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    away = reopened(stage)
    away.run.carry_out({"kind": "set", "set": [[["x"], 0]]})
    away.turn()
    back = reopened(away, *steps)
    assert back.names == []
    back.run.carry_out({"kind": "set", "set": [[["x"], 1]]})
    back.turn()
    assert back.names == ["a"]


def test_a_person_may_write_to_an_interrupted_task_one_of_whose_steps_is_away() -> None:
    stage = Stage([step("a", {"x": 1}, puts(y=1), withdraw=True)], {"x": 1})
    stage.close()
    claim = stage.store.claim("1")
    run = Scheduler(claim, Plan([]), clock=stage.clock, emit=lambda _: None)
    run.carry_out({"kind": "set", "set": [[["z"], 1]]})
    run.write()
    claim.close()
    back = Stage([step("a", {"x": 1}, puts(y=1))], store=stage.store)
    back.end("a")
    assert back.data == {"x": 1, "y": 1, "z": 1}
