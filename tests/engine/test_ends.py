"""How a task comes to rest: done, error, ignored, stopped, and complete()."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aloma_cli.content.retry import Retry
from aloma_cli.record import events as ev
from aloma_cli.record.due import due
from aloma_cli.store.files.disk import FileStore
from tests.support.record import ROOT, fired, of_kind, voided
from tests.support.stage import Stage
from tests.support.steps import Content, looks, puts, raises, step


def completes(result: Any = None, **options: Any) -> Content:
    """Content that completes the task."""

    async def content(data: dict[str, Any], task: Any) -> None:
        data["completed"] = True
        task.complete(result, **options)

    return content


# -- rest --------------------------------------------------------------------------------------------------------------


def test_a_task_that_no_step_matched_is_ignored_and_names_the_nearest() -> None:
    steps = [
        step("far", {"x": 1, "y": 1, "z": 1}, looks),
        step("near", {"a": 1, "b": {"$gt": 3}}, looks),
        step("off", {"a": 1}, looks, enabled=False),
    ]
    stage = Stage(steps, {"a": 1, "b": 2})
    assert (stage.root.state, stage.root.closed) == ("ignored", False)
    assert stage.root.rest is not None
    nearest, *_ = stage.root.rest.missing
    assert (nearest["step"], nearest["missing"]) == ("near", ["b is 2, wanted > 3"])


def test_a_task_at_rest_is_done_and_open() -> None:
    stage = Stage([step("a", {}, puts(x=1))], {})
    stage.end("a")
    assert (stage.root.state, stage.root.closed, stage.last.finished) == ("done", False, True)


def test_a_task_whose_steps_ran_and_changed_nothing_is_ignored_and_names_them() -> None:
    stage = Stage([step("b", {}, looks), step("a", {}, looks)], {})
    stage.end("a", "b")
    assert stage.root.state == "ignored"
    assert stage.root.rest is not None
    assert stage.root.rest.reason == "ran, and changed nothing: a, b"


def test_the_states_of_a_task_on_its_way() -> None:
    stage = Stage([step("a", {}, puts(x=1))], {})
    assert stage.root.state == "processing"
    stage.end("a")
    assert stage.root.state == "done"


# -- complete ----------------------------------------------------------------------------------------------------------


def test_complete_closes_the_task_with_its_result() -> None:
    stage = Stage([step("a", {}, completes({"n": 1}))], {})
    stage.end("a")
    assert (stage.root.state, stage.root.closed, stage.root.completed) == ("done", True, {"result": {"n": 1}})


def test_after_complete_nothing_new_starts() -> None:
    stage = Stage([step("a", {}, completes()), step("b", {"completed": True}, looks)], {})
    stage.end("a")
    assert (stage.names, stage.root.state) == ([], "done")


def test_firings_in_flight_still_land_after_complete_and_the_state_turns_with_the_last() -> None:
    stage = Stage([step("a", {}, completes(1)), step("b", {}, puts(b=1))], {})
    stage.end("a")
    assert (stage.names, stage.root.rest) == (["b"], None)
    stage.end("b")
    assert (stage.data, stage.root.state) == ({"completed": True, "b": 1}, "done")


def test_the_first_complete_that_is_committed_fixes_the_result() -> None:
    async def content(task: Any, step: Any) -> None:
        task.complete(step.name)

    stage = Stage([step("a", {}, content), step("b", {}, content)], {})
    stage.end("b")
    stage.end("a")
    assert stage.root.completed == {"result": "b"}
    assert stage.root.rest is not None
    assert stage.root.rest.result == "b"
    assert fired(stage.events) == ["b", "a"]


def test_the_first_complete_of_a_firing_fixes_the_result() -> None:
    async def content(task: Any) -> None:
        task.complete(1)
        task.complete(2)

    stage = Stage([step("a", {}, content)], {})
    stage.end("a")
    assert stage.root.completed == {"result": 1}


def test_complete_with_cancel_stops_what_is_in_flight() -> None:
    stage = Stage([step("a", {}, completes(cancel=True)), step("b", {}, puts(b=1))], {})
    turn = stage.end("a")
    assert (dict(turn.cuts), stage.names, stage.root.state) == ({2: "stopped"}, [], "done")
    assert (stage.data, voided(stage.events)) == ({"completed": True}, [("b", "stopped")])


def test_a_conflicting_firing_is_not_repeated_after_complete() -> None:
    stage = Stage([step("a", {}, completes()), step("b", {}, puts(completed=False))], {})
    stage.end("a", "b")
    assert (stage.names, stage.data, stage.root.state) == ([], {"completed": True}, "done")


def test_a_firing_that_conflicts_just_before_complete_is_not_repeated() -> None:
    steps = [step("c", {}, puts(x="c")), step("b", {}, puts(x="b")), step("a", {}, completes("yes"))]
    stage = Stage(steps, {})
    stage.end("c")
    stage.end("b", "a")
    assert voided(stage.events) == [("b", "conflict"), ("b", "superseded")]
    assert (stage.names, stage.data, stage.root.state) == ([], {"x": "c", "completed": True}, "done")


def test_a_void_firing_of_a_step_that_raised_before_is_not_retried_after_complete() -> None:
    steps = [step("a", {}, completes()), step("b", {}, raises(ValueError("x")), retry=Retry(3, wait=1))]
    stage = Stage(steps, {})
    stage.end("b")
    stage.end("a")
    assert (stage.names, stage.root.state, stage.last.finished, stage.last.wake_at) == ([], "done", True, None)


def test_a_complete_that_was_voided_completes_nothing() -> None:
    async def both(data: dict[str, Any], task: Any) -> None:
        data["x"] = 2
        task.complete("b")

    stage = Stage([step("a", {"x": None}, puts(x=1)), step("b", {"x": None}, both)], {})
    stage.end("a", "b")
    assert (stage.root.completed, stage.root.closed) == (None, False)


def test_children_go_on_after_complete_and_their_late_results_wake_nothing() -> None:
    async def spawn(data: dict[str, Any], task: Any) -> None:
        task.subtask("child", {"leaf": True}, into="answer")
        task.complete("early")

    steps = [
        step("spawn", {"root": True}, spawn),
        step("leaf", {"leaf": True}, puts(out=1)),
        step("react", {"answer": dict}, puts(reacted=1)),
    ]
    stage = Stage(steps, {"root": True})
    stage.end("spawn")
    assert (stage.root.state, stage.root.closed, stage.last.finished) == ("done", True, False)
    stage.end("leaf")
    assert (stage.data["answer"]["status"], stage.data["$children"]["spawn"]["done"]) == ("done", 1)
    assert (stage.names, stage.root.state, stage.last.finished) == ([], "done", True)


def test_the_late_results_of_a_task_opened_again_wake_nothing_either() -> None:
    async def spawn(data: dict[str, Any], task: Any) -> None:
        task.subtask("child", {"leaf": True}, into="answer")
        task.complete("early")

    steps = [
        step("spawn", {"root": True}, spawn),
        step("leaf", {"leaf": True}, puts(out=1)),
        step("react", {"answer": dict}, puts(reacted=1)),
    ]
    stage = Stage(steps, {"root": True})
    stage.end("spawn")
    stage.close()
    again = Stage(steps, store=stage.store)
    again.end("leaf")
    assert (again.data["answer"]["status"], again.names, again.root.state) == ("done", [], "done")


def test_a_completed_child_lands_at_once_though_its_own_children_go_on() -> None:
    async def spawn(task: Any) -> None:
        task.subtask("child", {"mid": True}, into="answer")

    async def middle(task: Any) -> None:
        task.subtask("grandchild", {"leaf": True})
        task.complete(7)

    steps = [
        step("spawn", {"root": True}, spawn),
        step("mid", {"mid": True}, middle),
        step("leaf", {"leaf": True}, looks),
    ]
    stage = Stage(steps, {"root": True})
    stage.end("spawn")
    stage.end("mid")
    assert (stage.data["answer"]["result"], stage.root.state, stage.names) == (7, "done", ["leaf"])
    assert stage.last.finished is False, "the grandchild keeps the command line open"


# -- stop --------------------------------------------------------------------------------------------------------------


def test_stopping_a_task_voids_what_is_in_flight_and_leaves_it_open() -> None:
    stage = Stage([step("a", {}, puts(x=1))], {})
    job = stage.running[1]
    stage.run.carry_out({"kind": "stop", "task": "1", "reason": "by hand"})
    turn = stage.turn()
    assert (dict(turn.cuts), stage.root.state, stage.root.closed, turn.finished) == (
        {1: "stopped"},
        "stopped",
        False,
        True,
    )
    stage.run.deliver(stage.outcome(job))
    stage.turn()
    assert stage.data == {}, "what it returned is void"


def test_a_stopped_task_stops_its_subtasks() -> None:
    async def spawn(task: Any) -> None:
        task.subtask("child", {"leaf": True}, into="answer")

    stage = Stage([step("spawn", {"root": True}, spawn), step("leaf", {"leaf": True}, looks)], {"root": True})
    stage.end("spawn")
    stage.run.carry_out({"kind": "stop", "task": "1", "reason": "by hand"})
    turn = stage.turn()
    assert {task.state for task in stage.tree.tasks.values()} == {"stopped"}
    assert turn.finished


def test_a_stop_ends_the_wait_for_a_retry() -> None:
    stage = Stage([step("a", {}, raises(ValueError("x")), retry=Retry(3, wait=5))], {})
    stage.end("a")
    stage.run.carry_out({"kind": "stop", "task": "1", "reason": "by hand"})
    assert stage.turn().wake_at is None


def test_stopping_a_stopped_task_does_nothing() -> None:
    stage = Stage([step("a", {}, looks)], {})
    stage.run.carry_out({"kind": "stop", "task": "1", "reason": "first"})
    stage.run.carry_out({"kind": "stop", "task": "1", "reason": "second"})
    stage.turn()
    assert [event.reason for event in of_kind(stage.events, ev.TaskRested)] == ["first"]


def test_a_request_to_stop_is_carried_out_and_dropped() -> None:
    stage = Stage([step("a", {}, looks)], {})
    stage.store.post("1", {"kind": "stop", "task": "1", "reason": "asked"})
    assert stage.run.take_requests()
    stage.turn()
    assert (stage.root.state, stage.claim.requests()) == ("stopped", [])


def test_a_request_that_makes_no_sense_is_dropped_and_harms_nothing() -> None:
    stage = Stage([step("a", {}, looks)], {})
    for body in ({"kind": "stop", "task": "9.9"}, {"kind": "dance"}, {}):
        stage.store.post("1", body)
    stage.run.take_requests()
    stage.turn()
    assert (stage.names, stage.claim.requests()) == (["a"], [])


def test_a_question_whose_place_is_gone_when_its_time_is_up_ends_in_errors_and_not_the_run() -> None:
    async def ask(task: Any) -> None:
        task.ask("well?", into="a.b", default=1, timeout=5)

    steps = [step("ask", {"go": 1}, ask), step("rob", {"go": 1, "a": {}}, puts(a=5))]
    stage = Stage(steps, {"go": 1, "a": {}})
    stage.end("ask")
    stage.end("rob")
    stage.clock.moment = 5
    stage.turn()
    assert (stage.root.state, list(stage.data["$errors"])) == ("error", ["question a.b"])


def test_a_task_that_ended_in_time_is_not_timed_out_when_it_is_opened_later() -> None:
    async def content(data: dict[str, Any], task: Any) -> None:
        data["x"] = 1
        task.timeout(5)

    steps = [step("a", {"x": None}, content), step("b", {"y": 1}, puts(z=1))]
    stage = Stage(steps, {})
    stage.end("a")
    assert (stage.root.state, stage.last.finished) == ("done", True)
    stage.close()
    stage.clock.moment = 100
    again = Stage(steps, store=stage.store, clock=stage.clock)
    again.run.carry_out({"kind": "set", "set": [[["y"], 1]]})
    again.turn()
    again.end("b")
    assert (again.root.state, again.data["z"]) == ("done", 1)


def test_a_completed_task_that_is_killed_while_a_subtask_runs_is_due_for_a_worker(tmp_path: Path) -> None:
    async def spawns(task: Any) -> None:
        task.subtask("child", {"leaf": 1})
        task.complete()

    store = FileStore(tmp_path, fsync=False)
    stage = Stage([step("a", {"go": 1}, spawns), step("leaf", {"leaf": 1}, puts(leaf=2))], {"go": 1}, store=store)
    stage.end("a")
    stage.run.publish()
    record = store.record(ROOT)
    assert record is not None
    assert (record["state"], due(record)) == ("done", stage.clock.now())
    stage.end("leaf")
    stage.run.publish()
    assert due(store.record(ROOT)) is None
