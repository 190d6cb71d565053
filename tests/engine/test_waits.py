"""Waiting is a state of the document: parking, limits of time, questions, and what a person writes."""

from __future__ import annotations

from typing import Any

import pytest

from aloma_cli.content.job import Limited
from aloma_cli.content.retry import Retry
from aloma_cli.engine.working import WorkingTree
from aloma_cli.errors import InputError, RetryableError
from aloma_cli.record import events as ev
from tests.support.manual import HeldClock
from tests.support.record import ROOT, fired, of_kind
from tests.support.stage import Stage
from tests.support.steps import does, puts, raises, step

# -- parking -----------------------------------------------------------------------------------------------------------


async def park_and_redo(data: Any, task: Any, step: Any) -> None:
    data["n"] = data.get("n", 0) + 1
    if data["n"] < 3:
        step.redo()
        task.park(10)


def test_a_parked_task_starts_nothing_until_its_time_has_come() -> None:
    clock = HeldClock()
    stage = Stage([step("a", {"go": True}, park_and_redo)], {"go": True}, clock=clock)
    turn = stage.end("a")
    assert (stage.names, turn.wake_at is not None, turn.finished, stage.root.state) == ([], True, False, "waiting")
    clock.moment += 9.9
    assert stage.turn().jobs == ()
    clock.moment += 0.2
    stage.turn()
    assert stage.names == ["a"]


def test_whoever_changes_the_data_wakes_a_parked_task() -> None:
    stage = Stage([step("a", {"go": True}, park_and_redo)], {"go": True})
    stage.end("a")
    stage.run.carry_out({"kind": "set", "set": [[["other"], 1]]})
    stage.turn()
    assert stage.names == ["a"]


def test_a_commit_that_changes_no_data_ends_no_park() -> None:
    clock = HeldClock()

    async def names(task: Any) -> None:
        task.name = "new"

    async def also(task: Any) -> None:
        task.park(4)

    steps = [step("a", {"go": True}, park_and_redo), step("b", {"go": True}, names), step("c", {"go": True}, also)]
    stage = Stage(steps, {"go": True}, clock=clock)
    stage.end("a")
    stage.end("b")
    stage.end("c")
    clock.moment += 9
    stage.turn()
    assert (stage.names, stage.root.name) == ([], "new"), "the longer park counts"
    clock.moment += 2
    stage.turn()
    assert stage.names == ["a"]


def test_a_neighbour_that_changes_data_ends_a_park() -> None:
    stage = Stage([step("a", {"go": True}, park_and_redo), step("b", {"go": True}, puts(b=1))], {"go": True})
    stage.end("a")
    assert stage.names == ["b"]
    stage.end("b")
    assert stage.names == ["a"]


def test_a_park_outlives_the_process_and_ends_late_rather_than_never() -> None:
    clock = HeldClock()
    stage = Stage([step("a", {"go": True}, park_and_redo)], {"go": True}, clock=clock)
    stage.end("a")
    stage.close()
    early = Stage([step("a", {"go": True}, park_and_redo)], store=stage.store, clock=clock)
    assert early.names == []
    early.close()
    clock.moment += 1000
    assert Stage([step("a", {"go": True}, park_and_redo)], store=stage.store, clock=clock).names == ["a"]


# -- a limit of time ---------------------------------------------------------------------------------------------------


def test_a_subtask_that_runs_out_of_time_lands_as_incomplete_and_counts_as_such() -> None:
    async def spawn(task: Any) -> None:
        task.subtask("slow", {"slow": True}, into="answer", timeout=5)

    clock = HeldClock()
    steps = [step("spawn", {"root": True}, spawn), step("slow", {"slow": True}, puts(done=True))]
    stage = Stage(steps, {"root": True}, clock=clock)
    stage.end("spawn")
    clock.moment += 5.1
    turn = stage.turn()
    assert list(turn.cuts.values()) == ["stopped"]
    assert (stage.data["answer"]["status"], stage.data["answer"]["error"]["message"]) == (
        "incomplete",
        "it ran out of time",
    )
    assert {key: n for key, n in stage.data["$children"]["spawn"].items() if n} == {"total": 1, "incomplete": 1}
    assert turn.finished


def test_a_subtask_that_ends_in_time_is_not_touched_later() -> None:
    async def spawn(task: Any) -> None:
        task.subtask("quick", {"quick": True}, into="answer", timeout=5)

    clock = HeldClock()
    steps = [step("spawn", {"root": True}, spawn), step("quick", {"quick": True}, puts(done=True))]
    stage = Stage(steps, {"root": True}, clock=clock)
    stage.end("spawn")
    stage.end("quick")
    clock.moment += 60
    assert (stage.turn().wake_at, stage.data["answer"]["status"]) == (None, "done")


def test_a_task_can_limit_its_own_time() -> None:
    async def limit(data: Any, task: Any) -> None:
        task.timeout(5)
        data["next"] = True

    clock = HeldClock()
    stage = Stage([step("limit", {"go": True}, limit), step("slow", {"next": True}, puts())], {"go": True}, clock=clock)
    stage.end("limit")
    clock.moment += 5.1
    turn = stage.turn()
    assert (stage.root.state, stage.root.closed, turn.finished) == ("incomplete", True, True)


# -- questions ---------------------------------------------------------------------------------------------------------


def asks(**options: Any) -> Any:
    async def content(data: Any, task: Any) -> None:
        task.ask("Approve?", into="approval.granted", **options)
        data["asked"] = True

    return content


APPROVED = step("ship", {"approval": {"granted": True}}, puts(shipped=True))


def test_a_task_that_asks_rests_as_a_question_and_goes_on_with_the_answer() -> None:
    stage = Stage([step("ask", {"asked": None}, asks(schema=bool)), APPROVED], {})
    turn = stage.end("ask")
    assert (stage.root.state, stage.root.closed, turn.finished) == ("question", False, True)
    stage.run.carry_out({"kind": "answer", "value": True})
    stage.turn()
    stage.end("ship")
    assert (stage.data["shipped"], stage.root.state, stage.root.questions) == (True, "done", {})


def test_what_does_not_need_the_answer_goes_on() -> None:
    stage = Stage([step("ask", {"asked": None}, asks()), step("b", {"asked": True}, puts(b=1))], {})
    stage.end("ask")
    stage.end("b")
    assert (stage.data["b"], stage.root.state) == (1, "question")


def test_an_answer_that_does_not_fit_is_refused_and_changes_nothing() -> None:
    stage = Stage([step("ask", {"asked": None}, asks(schema=bool))], {})
    stage.end("ask")
    with pytest.raises(InputError, match=r"^not a valid answer to 'Approve\?': the answer: 'no' is not of type 'bool"):
        stage.run.carry_out({"kind": "answer", "value": "no"})
    assert stage.data["approval"] == {}


def test_without_an_answer_in_time_the_default_is_written() -> None:
    clock = HeldClock()
    steps = [step("ask", {"asked": None}, asks(default=True, timeout=60)), APPROVED]
    stage = Stage(steps, {}, clock=clock)
    turn = stage.end("ask")
    assert (turn.finished, turn.wake_at is not None) == (True, True)
    stage.close()
    clock.moment += 3600
    late = Stage(steps, store=stage.store, clock=clock)
    assert (late.data["approval"], late.names) == ({"granted": True}, ["ship"])


def test_a_subtask_that_asks_has_not_ended_and_its_root_shows_the_question() -> None:
    async def spawn(task: Any) -> None:
        task.subtask("child", {"child": True}, into="answer")

    steps = [step("spawn", {"root": True}, spawn), step("ask", {"child": True, "asked": None}, asks())]
    stage = Stage(steps, {"root": True})
    stage.end("spawn")
    turn = stage.end("ask")
    assert ("answer" in stage.data, stage.root.state, turn.finished) == (False, "question", True)
    stage.run.carry_out({"kind": "answer", "task": "1.1.1", "value": False})
    stage.turn()
    assert (stage.data["answer"]["status"], stage.root.state) == ("done", "done")


def test_while_a_subtask_goes_on_with_its_answer_the_root_shows_no_question() -> None:
    async def spawn(task: Any) -> None:
        task.subtask("child", {"child": True}, into="answer")

    ask = step("ask", {"child": True, "asked": None}, asks())
    stage = Stage([step("spawn", {"root": True}, spawn), ask, APPROVED], {"root": True})
    stage.end("spawn")
    stage.end("ask")
    stage.run.carry_out({"kind": "answer", "task": "1.1.1", "value": True})
    turn = stage.turn()
    assert (stage.names, stage.root.state, turn.finished) == (["ship"], "waiting", False)
    stage.run.deliver(Limited(next(iter(stage.running)), "no more calls", 0.0))
    turn = stage.turn()
    assert (stage.tree.tasks["1.1.1"].state, stage.root.state, turn.finished) == ("limited", "limited", True)


def test_a_try_that_cannot_come_before_a_person_has_answered_is_not_waited_for() -> None:
    async def spawn(task: Any) -> None:
        task.subtask("child", {"child": True}, wait_for=True)

    fails = step("fail", {"root": True}, raises(RetryableError("no")), retry=Retry(2, wait=1))
    ask = step("ask", {"child": True, "asked": None}, asks())
    stage = Stage([step("spawn", {"root": True}, spawn), fails, ask], {"root": True})
    stage.end("spawn", "fail")
    turn = stage.end("ask")
    assert (stage.root.state, turn.finished) == ("question", True)
    stage.clock.moment += 2
    stage.run.carry_out({"kind": "answer", "task": stage.root.children[0], "value": True})
    stage.turn()
    assert stage.names == ["fail"]


CHECKED = [{"name": name, "city": city} for name, city in zip("ABC", "XYZ", strict=True)]


def asked_about(into: Any, change: Any, data: dict[str, Any], **options: Any) -> Stage:
    """A stage on which a question was asked whose answer goes to `into`, and then `change` was made to the document."""

    async def content(data: Any, task: Any) -> None:
        task.ask("Good?", into=into, **options)
        data["asked"] = True

    steps = [step("ask", {"asked": None}, content), step("change", {"asked": True, "end": None}, does(change))]
    stage = Stage(steps, data)
    stage.end("ask")
    stage.end("change")
    return stage


def test_an_answer_about_an_item_that_may_have_moved_is_kept_in_errors() -> None:
    stage = asked_about(("l", 1, "good"), lambda data: data["l"].pop(0), {"l": CHECKED})
    stage.run.carry_out({"kind": "answer", "value": True})
    stage.turn()
    entry = stage.data["$errors"]["question l.1.good"]
    assert (entry["type"], entry["place"], entry["answer"]) == ("PlaceMovedError", "l.1.good", True)
    assert stage.data["l"] == CHECKED[1:]
    assert (stage.root.questions, stage.root.state) == ({}, "error")


def test_a_default_about_an_item_that_may_have_moved_is_kept_in_errors() -> None:
    options = {"default": False, "timeout": 5}
    stage = asked_about(("l", 0, "good"), lambda data: data["l"].reverse(), {"l": CHECKED}, **options)
    stage.clock.moment += 6
    stage.turn()
    assert stage.data["$errors"]["question l.0.good"]["answer"] is False
    assert stage.data["l"] == CHECKED[::-1]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["f"].update(good=True),
        lambda data: data.update(f={"good": True}),
        lambda data: data["f"].update(good={"by": "the step"}),
    ],
    ids=["at the place", "from above", "an object"],
)
def test_a_step_that_writes_where_an_answer_was_to_go_has_answered(change: Any) -> None:
    stage = asked_about("f.good", change, {"f": {}})
    written = stage.data["f"]
    with pytest.raises(InputError, match="has no open question"):
        stage.run.carry_out({"kind": "answer", "value": "late"})
    assert (stage.data["f"], stage.root.questions, stage.root.state) == (written, {}, "done")
    assert WorkingTree.of(stage.journal()).root.questions == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["f"].update(other=1),
        lambda data: data["f"].update(good=None),
        lambda data: data.pop("f"),
        lambda data: data.update(f={"other": 1}),
    ],
    ids=["beside it", "null", "removed", "from above"],
)
def test_what_puts_no_value_there_is_no_answer(change: Any) -> None:
    stage = asked_about("f.good", change, {"f": {}})
    assert stage.root.state == "question"
    stage.run.carry_out({"kind": "answer", "value": True})
    stage.turn()
    assert (stage.data["f"]["good"], stage.root.state) == (True, "done")


def test_a_question_at_the_same_place_replaces_the_one_before() -> None:
    async def again(data: Any, task: Any) -> None:
        task.ask("Really?", into="one")
        data["again"] = True

    stage = Stage([step("both", {"asked": None}, both), step("again", {"asked": True, "again": None}, again)], {})
    stage.end("both")
    stage.end("again")
    assert [asked["question"] for asked in stage.root.questions.values()] == ["Really?", "Two?"]


def test_two_questions_of_which_one_place_contains_the_other_are_refused() -> None:
    async def content(task: Any) -> None:
        task.ask("One?", into="a")
        task.ask("Two?", into="a.b")

    stage = Stage([step("a", {}, content)], {})
    stage.end("a")
    assert stage.data["$errors"]["a"]["message"] == (
        "the answer to 'Two?' would land at a.b, and the answer to 'One?' at a"
    )


@pytest.mark.parametrize("seconds", [100 * 365 * 86_400, 1e-9], ids=["a century", "very short"])
def test_the_longest_and_the_shortest_times_are_taken(seconds: float) -> None:
    async def content(task: Any) -> None:
        task.timeout(seconds)
        task.park(seconds)
        task.ask("?", into="q", timeout=seconds)
        task.subtask("x", {"child": True}, timeout=seconds)

    stage = Stage([step("a", {"root": True}, content, timeout=seconds, retry=Retry(2, wait=seconds))], {"root": True})
    stage.end("a")
    assert "$errors" not in stage.data


def test_a_closed_task_asks_nothing_any_more() -> None:
    async def ask_and_end(task: Any) -> None:
        task.ask("Approve?", into="approval")
        task.complete()

    stage = Stage([step("a", {}, ask_and_end)], {})
    stage.end("a")
    assert (stage.root.state, stage.root.questions) == ("done", {})


async def both(data: Any, task: Any) -> None:
    task.ask("One?", into="one")
    task.ask("Two?", into="two")
    data["asked"] = True


def test_of_several_questions_the_answer_names_its_own() -> None:
    stage = Stage([step("both", {"asked": None}, both)], {})
    stage.end("both")
    with pytest.raises(InputError, match=r"^task 1 has 2 open questions$"):
        stage.run.carry_out({"kind": "answer", "value": 1})
    stage.run.carry_out({"kind": "answer", "value": 2, "into": "two"})
    assert (stage.data["two"], list(stage.root.questions)) == (2, ["one"])


def test_a_question_that_was_not_asked_cannot_be_answered() -> None:
    stage = Stage([], {})
    with pytest.raises(InputError, match=r"^task 1 has no open question$"):
        stage.run.carry_out({"kind": "answer", "value": 1})


# -- what a person writes ----------------------------------------------------------------------------------------------


def test_a_value_set_from_outside_wakes_conditions() -> None:
    stage = Stage([step("a", {"x": {"y": 1}}, puts(a=1))], {})
    assert stage.root.state == "ignored"
    stage.run.carry_out({"kind": "set", "set": [[["x", "y"], 1]]})
    stage.turn()
    stage.end("a")
    assert (stage.data, stage.root.state) == ({"x": {"y": 1}, "a": 1}, "done")
    assert of_kind(stage.events, ev.Committed)[0].by == "person"


def test_a_value_can_be_removed_from_outside() -> None:
    stage = Stage([step("a", {"hold": None}, puts(a=1))], {"hold": 1})
    stage.run.carry_out({"kind": "set", "unset": ["hold"]})
    stage.turn()
    assert stage.names == ["a"]
    with pytest.raises(InputError, match=r"^there is nothing at hold to remove$"):
        stage.run.carry_out({"kind": "set", "unset": ["hold"]})


def test_whoever_writes_where_an_answer_was_to_go_has_answered() -> None:
    stage = Stage([step("ask", {"asked": None}, asks())], {})
    stage.end("ask")
    stage.run.carry_out({"kind": "set", "set": [[["approval", "granted"], False]]})
    stage.turn()
    assert (stage.root.questions, stage.root.state) == ({}, "done")


def test_a_person_conflicts_with_a_firing_like_any_other_writer() -> None:
    stage = Stage([step("a", {"x": int}, does(lambda data: data.update(x=data["x"] + 1)))], {"x": 1})
    stage.run.carry_out({"kind": "set", "set": [[["x"], 10]]})
    stage.end("a")
    stage.end("a")
    assert stage.data == {"x": 11}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "set", "set": [["a"]]},
        {"kind": "set", "set": [[[], 5]]},
        {"kind": "set", "set": [[["items", -1], 5]]},
        {"kind": "set", "set": [[["items", "2"], 5]]},
        {"kind": "set", "set": [[["items", 10**8], 5]]},
        {"kind": "set", "set": [[["fresh", 1], 5]]},
        {"kind": "set", "set": [[["items", 1.5], 5]]},
        {"kind": "set", "unset": [5]},
        {"kind": "set", "unset": ['"\\x"']},
        {"kind": "redo", "step": "nobody"},
        {"kind": []},
        {"task": []},
    ],
)
def test_a_request_that_makes_no_sense_is_dropped_and_the_run_goes_on(body: Any) -> None:
    stage = Stage([step("a", {"items": list}, puts(a=1))], {"items": [1]})
    stage.store.post(ROOT, body)
    assert stage.run.take_requests()
    stage.end("a")
    assert (stage.data, stage.root.state) == ({"items": [1], "a": 1}, "done")
    assert not stage.run.take_requests()


def test_a_closed_task_is_not_written_to() -> None:
    async def finish(task: Any) -> None:
        task.complete()

    stage = Stage([step("finish", {}, finish)], {})
    stage.end("finish")
    with pytest.raises(InputError, match=r"^task 1 is closed \(done\) and can no longer change$"):
        stage.run.carry_out({"kind": "set", "set": [[["x"], 1]]})


def test_a_step_fires_once_more_when_a_person_asks_for_it() -> None:
    stage = Stage([step("a", {"x": 1}, does(lambda data: data.update(n=data.get("n", 0) + 1)))], {"x": 1})
    stage.end("a")
    stage.run.carry_out({"kind": "redo", "step": "a"})
    stage.turn()
    stage.end("a")
    assert (stage.data["n"], fired(stage.events)) == (2, ["a", "a"])
    with pytest.raises(InputError, match=r"^there is no step 'b'$"):
        stage.run.carry_out({"kind": "redo", "step": "b"})


# -- settings ----------------------------------------------------------------------------------------------------------


def test_a_task_can_change_how_many_of_its_firings_run_at_once() -> None:
    async def adapt(data: Any, task: Any) -> None:
        task.adapt(concurrency=1)
        data["go"] = True

    stage = Stage([step("adapt", {}, adapt), *(step(name, {"go": True}, puts(**{name: 1})) for name in "abc")], {})
    stage.end("adapt")
    assert stage.names == ["a"]


def test_a_task_can_change_how_often_a_step_is_tried_also_in_its_subtasks() -> None:
    async def adapt(data: Any, task: Any) -> None:
        task.adapt(retries={"flaky": 3})
        task.subtask("child", {"child": True})

    async def flaky() -> None:
        raise ValueError("no")

    clock = HeldClock()
    stage = Stage(
        [step("adapt", {"root": True}, adapt), step("flaky", {"child": True}, flaky)], {"root": True}, clock=clock
    )
    stage.end("adapt")
    for _ in range(3):
        stage.end("flaky")
        clock.moment += 10
        stage.turn()
    assert stage.tree.tasks["1.1.1"].document["$errors"]["flaky"]["attempts"] == 3


def test_figures_are_those_of_the_task_and_its_subtasks() -> None:
    seen: dict[str, Any] = {}

    async def spawn(task: Any) -> None:
        task.subtask("child", {"child": True})

    async def look(data: Any, task: Any) -> None:
        seen.update(task.figures())
        data["seen"] = True

    steps = [
        step("spawn", {"root": True}, spawn),
        step("leaf", {"child": True}, puts(x=1)),
        step("look", {"$children": {"spawn": {"running": 0}}, "seen": None}, look),
    ]
    stage = Stage(steps, {"root": True})
    stage.end("spawn")
    stage.end("leaf")
    stage.end("look")
    assert {name: one["fired"] for name, one in seen["steps"].items()} == {"leaf": 1, "spawn": 1}
    assert (seen["calls"], seen["failures"]) == (0, 0)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda task: task.park(0),
        lambda task: task.park("5"),
        *(
            lambda task, ask=ask, seconds=seconds: ask(task, seconds)
            for seconds in (1e15, 1e300, 10**400, float("inf"), float("nan"), -1, 0, True, "5")
            for ask in (
                lambda task, seconds: task.park(seconds),
                lambda task, seconds: task.timeout(seconds),
                lambda task, seconds: task.ask("?", into="q", timeout=seconds),
                lambda task, seconds: task.subtask("x", {}, timeout=seconds),
            )
        ),
        lambda task: task.adapt(concurrency=0),
        lambda task: task.adapt(retries={"a": 0}),
        lambda task: task.subtask("x", {}, timeout=-1),
        lambda task: task.ask("", into="x"),
        lambda task: task.ask("?", into=""),
        lambda task: task.ask("?", into=()),
        lambda task: task.ask("?", into=("a", -1)),
        lambda task: task.ask("?", into=("a", 1.5)),
        lambda task: task.ask("?", into="$children.x"),
        lambda task: task.subtask("x", {}, into=()),
        lambda task: task.subtask("x", {}, into=(None,)),
    ],
)
def test_what_makes_no_sense_fails_the_step_and_nothing_else(misuse: Any) -> None:
    async def content(data: Any, task: Any) -> None:
        data["x"] = 1
        misuse(task)

    stage = Stage([step("a", {}, content)], {})
    stage.end("a")
    assert (stage.root.state, list(stage.data)) == ("error", ["$errors"])


def test_one_write_can_answer_several_questions() -> None:
    stage = Stage([step("both", {"asked": None}, both)], {})
    stage.end("both")
    stage.run.carry_out({"kind": "set", "set": [[["one"], 1], [["two"], 2]]})
    stage.turn()
    assert (stage.root.questions, stage.root.state) == ({}, "done")
