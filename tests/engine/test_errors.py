"""A step that raises: tries, `$errors`, and how it is armed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aloma_cli.clock import to_iso
from aloma_cli.content.retry import Retry
from aloma_cli.engine import failure
from aloma_cli.engine.turn import Turn
from aloma_cli.errors import ConnectorError, PermanentError, RetryableError
from aloma_cli.record import events as ev
from tests.support.manual import EPOCH
from tests.support.play import play
from tests.support.record import fired, of_kind, started
from tests.support.stage import Stage
from tests.support.steps import Content, does, looks, puts, raises, step


def flaky(failures: int, error: type[Exception] = ValueError) -> Content:
    """Content that raises so many times and then sets `ok` to the number of the try."""
    left = [failures]

    async def content(data: dict[str, Any], step: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise error(f"{left[0]} left")
        data["ok"] = step.attempt

    return content


def busy(seconds: float) -> ConnectorError:
    error = ConnectorError("slow down", retryable=True)
    error.retry_after = seconds
    return error


@pytest.mark.parametrize(("asked", "wait"), [(0.0, 2), (1.5, 2), (30.0, 30), (1e9, 86_400)])
def test_a_step_is_not_tried_again_before_the_time_that_the_other_system_named(asked: float, wait: float) -> None:
    stage = Stage([step("a", {}, raises(busy(asked)), retry=Retry(2, wait=2))], {})
    stage.end("a")
    (failed,) = of_kind(stage.events, ev.FiringFailed)
    assert failed.retry_at == to_iso(EPOCH + wait)


# -- used up -----------------------------------------------------------------------------------------------------------


def test_an_error_is_committed_under_the_name_of_its_step() -> None:
    stage = Stage([step("a/b c", {}, raises(ValueError("no luck")))], {})
    stage.end("a/b c")
    entry = {"type": "ValueError", "message": "no luck", "at": to_iso(EPOCH), "attempts": 1}
    assert stage.data == {"$errors": {"a/b c": entry}}
    assert stage.root.state == "error"


def test_an_error_without_a_message_is_named_by_its_type() -> None:
    stage = Stage([step("a", {}, raises(KeyError()))], {})
    stage.end("a")
    assert stage.data["$errors"]["a"]["message"] == "KeyError"


def test_the_failure_names_the_line_of_the_step() -> None:
    stage = Stage([step("a", {}, raises(ValueError("x")))], {})
    stage.end("a")
    (failed,) = of_kind(stage.events, ev.FiringFailed)
    assert failed.error["place"].partition(":")[0].endswith("steps.py")
    assert not any("/aloma_cli/" in line for line in failed.error["trace"])


def test_a_deep_failure_names_its_innermost_line() -> None:
    def dig(depth: int) -> None:
        if not depth:
            raise ValueError("deep")
        dig(depth - 1)

    stage = Stage([step("a", {}, does(lambda _: dig(40)))], {})
    stage.end("a")
    (failed,) = of_kind(stage.events, ev.FiringFailed)
    assert 'raise ValueError("deep")' in failed.error["trace"][-1]


def test_others_are_not_cancelled_by_an_error() -> None:
    stage = Stage([step("a", {}, raises(ValueError("x"))), step("b", {}, puts(b=1))], {})
    stage.end("a")
    assert stage.names == ["b"]
    stage.end("b")
    assert (stage.data["b"], stage.root.state) == (1, "error")


def test_an_error_is_data_that_wakes_conditions() -> None:
    steps = [
        step("a", {"x": 1}, raises(ValueError("x"))),
        step("mend", {"$errors": {"a": {"type": "ValueError"}}}, puts(mended=True)),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    assert stage.data["mended"] is True


def test_a_failed_step_is_not_tried_again_by_itself() -> None:
    steps = [step("a", {"x": int}, raises(ValueError("x"))), step("b", {"x": 1}, puts(x=2))]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    assert started(stage.events) == ["a", "b"]


def test_a_handled_error_ends_the_task_as_done() -> None:
    def handle(data: dict[str, Any]) -> None:
        data["$errors"]["a"]["handled"] = True

    steps = [step("a", {"x": 1}, raises(ValueError("x"))), step("mend", {"$errors": {"a": dict}}, does(handle))]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    assert (stage.root.state, started(stage.events)) == ("done", ["a", "mend"])


def test_an_unhandled_error_ends_the_task_as_error_after_complete_too_with_the_result_kept() -> None:
    async def finish(task: Any) -> None:
        task.complete({"n": 1})

    steps = [step("a", {}, raises(ValueError("x"))), step("b", {"$errors": {"a": dict}}, finish)]
    stage = Stage(steps, {})
    stage.end_all()
    assert (stage.root.state, stage.root.closed, stage.root.completed) == ("error", True, {"result": {"n": 1}})


# -- armed again by removal --------------------------------------------------------------------------------------------


def test_removing_an_error_arms_its_step() -> None:
    steps = [
        step("a", {"x": 1}, flaky(1)),
        step("mend", {"$errors": {"a": dict}}, does(lambda data: data["$errors"].pop("a"))),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    assert (stage.data, stage.root.state) == ({"x": 1, "ok": 1}, "done")
    assert fired(stage.events) == ["mend", "a"]


def test_an_emptied_errors_goes_in_the_same_commit() -> None:
    steps = [
        step("a", {"x": 1}, flaky(1)),
        step("mend", {"$errors": {"a": dict}}, does(lambda data: data["$errors"].clear())),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end("a")
    stage.end("mend")
    assert "$errors" not in stage.data


def test_removing_all_errors_at_once_arms_all_their_steps() -> None:
    steps = [
        step("a", {"x": 1}, flaky(1)),
        step("b", {"x": 1}, flaky(1)),
        step("mend", {"$errors": {"a": dict, "b": dict}}, does(lambda data: data.pop("$errors"))),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end("a", "b")
    stage.end("mend")
    assert stage.names == ["a", "b"]


def test_removing_one_of_two_errors_arms_only_its_step() -> None:
    steps = [
        step("a", {"x": 1}, flaky(1)),
        step("b", {"x": 1}, flaky(1)),
        step("mend", {"$errors": {"a": dict, "b": dict}}, does(lambda data: data["$errors"].pop("a"))),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end("a", "b")
    stage.end("mend")
    assert (stage.names, list(stage.data["$errors"])) == (["a"], ["b"])


def test_an_error_removed_while_another_was_added_does_not_take_that_with_it() -> None:
    steps = [
        step("a", {"x": 1}, flaky(9)),
        step("mend", {"$errors": {"a": dict}}, does(lambda data: data.pop("$errors"))),
        step("b", {"x": 1}, raises(ValueError("b"))),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end("a")
    stage.end("b", "mend")
    assert stage.names == ["mend"], "void: it would have removed an error that it has not seen"
    assert set(stage.data["$errors"]) == {"a", "b"}


def test_retry_failed_tries_the_failed_steps_again() -> None:
    steps = [step("a", {"x": 1}, flaky(1)), step("b", {"x": 1}, puts(b=1))]
    stage = Stage(steps, {"x": 1})
    stage.end_all()
    stage.close()
    again = Stage(steps, store=stage.store)
    assert again.names == []
    again.run.do(failure.retry_failed)
    again.turn()
    again.end("a")
    assert (again.data, again.root.state) == ({"x": 1, "b": 1, "ok": 1}, "done")


# -- tries -------------------------------------------------------------------------------------------------------------


def test_a_step_that_raises_is_tried_as_often_as_its_retry_says() -> None:
    stage = Stage([step("a", {}, flaky(9), retry=Retry(3, wait=0))], {})
    stage.end_all()
    assert [event.attempt for event in of_kind(stage.events, ev.FiringFailed)] == [1, 2, 3]
    assert stage.data["$errors"]["a"]["attempts"] == 3


def test_a_try_that_succeeds_leaves_no_error() -> None:
    stage = Stage([step("a", {}, flaky(2), retry=Retry(3, wait=0))], {})
    stage.end_all()
    assert (stage.data, stage.root.state) == ({"ok": 3}, "done")


def test_without_retry_there_is_one_try() -> None:
    stage = Stage([step("a", {}, raises(RetryableError("soon")))], {})
    stage.end_all()
    assert started(stage.events) == ["a"]


def test_a_permanent_error_is_not_tried_again() -> None:
    stage = Stage([step("a", {}, raises(PermanentError("never")), retry=Retry(3, wait=0))], {})
    stage.end_all()
    assert started(stage.events) == ["a"]


@pytest.mark.parametrize(
    ("errors", "tries"),
    [
        ([RetryableError("soon"), RetryableError("soon")], 2),
        ([PermanentError("never"), PermanentError("never")], 1),
        ([ValueError("x"), PermanentError("never")], 1),
        ([ValueError("x"), ExceptionGroup("inner", [RetryableError("soon")])], 2),
    ],
)
def test_a_group_of_errors_is_tried_again_when_each_of_them_is(errors: list[Exception], tries: int) -> None:
    stage = Stage([step("a", {}, raises(ExceptionGroup("both", errors)), retry=Retry(2, wait=0))], {})
    stage.end_all()
    assert started(stage.events) == ["a"] * tries


def test_the_waits_double_and_the_state_is_waiting_meanwhile() -> None:
    stage = Stage([step("a", {}, flaky(2), retry=Retry(3, wait=2))], {})
    stage.end("a")
    assert (stage.root.state, stage.last.wake_at) == ("waiting", EPOCH + 2)
    stage.clock.moment = 1.999
    assert stage.turn().jobs == ()
    stage.clock.moment = 2.0
    stage.turn()
    stage.end("a")
    assert stage.last.wake_at == EPOCH + 6
    stage.clock.moment = 6.0
    stage.turn()
    stage.end("a")
    assert stage.data == {"ok": 3}


def test_a_wait_holds_no_place() -> None:
    steps = [step("a", {}, flaky(1), retry=Retry(2, wait=5)), step("b", {}, looks)]
    stage = Stage(steps, {}, concurrency=1)
    stage.end("a")
    assert stage.names == ["b"]


def test_each_try_works_on_the_newest_document() -> None:
    seen: list[Any] = []

    async def content(data: dict[str, Any]) -> None:
        seen.append(data.get("x"))
        if len(seen) == 1:
            raise ValueError("no")
        data["y"] = 1

    stage = Stage([step("a", {"y": None}, content, retry=Retry(2, wait=5)), step("b", {"x": None}, puts(x=1))], {})
    stage.end("a")
    stage.end("b")
    stage.clock.moment = 5.0
    stage.turn()
    stage.end("a")
    assert seen == [None, 1]


def test_a_try_that_is_due_when_its_condition_no_longer_holds_is_off_and_the_step_armed() -> None:
    steps = [
        step("a", {"x": 1}, flaky(1), retry=Retry(2, wait=5)),
        step("off", {"x": 1, "n": None}, puts(x=0, n=1)),
        step("on", {"x": 0, "later": 1}, puts(x=1)),
        step("tick", {"x": 0}, puts(later=1)),
    ]
    stage = Stage(steps, {"x": 1})
    stage.end("a")
    stage.end("off")
    stage.clock.moment = 5.0
    stage.turn()
    assert stage.names == ["tick"]
    stage.end("tick")
    stage.end("on")
    stage.end("a")
    assert stage.data["ok"] == 1, "a new firing, its tries counted from 1"


def test_a_wait_survives_the_process() -> None:
    steps = [step("a", {}, flaky(1), retry=Retry(2, wait=5))]
    stage = Stage(steps, {})
    stage.end("a")
    stage.close()
    again = Stage(steps, store=stage.store)
    assert (again.names, again.last.wake_at) == ([], EPOCH + 5)
    again.clock.moment = 7.0
    again.turn()
    again.end("a")
    assert again.data == {"ok": 2}, "late rather than never, and still the second try"


def test_a_wait_costs_only_its_time() -> None:
    result = play([step("a", {}, flaky(2), retry=Retry(3, wait=2))], {})
    assert result.data == {"ok": 3}
    assert result.seconds == pytest.approx(6, abs=0.01)


def test_a_try_that_is_due_and_has_no_place_yet_does_not_spin() -> None:
    """The loop must wait for the place: on a loop whose time stands still while anything is ready it would hang."""
    turns: list[float] = []
    steps = [
        step("a", {"slow": None}, flaky(1), retry=Retry(2, wait=1), priority=1),
        step("slow", {}, puts(60.0, slow=1)),
    ]

    def during(run: Any) -> None:
        turn: Callable[..., Turn] = run.turn

        def counted(**options: Any) -> Turn:
            turns.append(0)
            return turn(**options)

        run.turn = counted

    result = play(steps, {}, concurrency=1, during=during)
    assert result.data["slow"] == 1
    assert len(turns) < 20
