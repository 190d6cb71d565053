"""What `why` says about steps that fired, and about those that did not."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given

from aloma_cli import Step, Workspace, run
from aloma_cli.api.explaining import question
from aloma_cli.api.task import Task
from aloma_cli.content.retry import Retry
from aloma_cli.errors import InputError, NotFoundError
from aloma_cli.explain.blame import blame
from aloma_cli.explain.graph import graph
from aloma_cli.explain.obstacles import Moment
from aloma_cli.explain.waiting import waiting
from aloma_cli.explain.why import Explanation, Fired, Inquiry, why, why_all
from aloma_cli.explain.writers import words
from aloma_cli.record import events as ev
from tests.condition.test_laws import CONDITIONS, DOCUMENTS
from tests.support.steps import looks, puts, raises, step


def ran(*steps: Step, data: Any = None) -> tuple[Workspace, Task]:
    workspace = Workspace(steps)
    return workspace, run(workspace, "A task", {"go": True} if data is None else data)


def told(answer: Explanation | Fired, by: Explanation | None = None) -> list[tuple[str, bool, str]]:
    """The clauses: the sentence, whether it holds, and who wrote."""
    ledger = (by or answer).ledger  # type: ignore[union-attr]
    return [(str(met.clause), met.clause.holds, words(ledger, met.wrote)) for met in answer.clauses]


def kinds(answer: Explanation) -> list[str]:
    return [obstacle.kind for obstacle in answer.obstacles]


PRICE = step("price", {"go": True, "total": None}, puts(total=120))
SHIP = step("ship", {"total": {"$gte": 100}, "address": str, "shipped": None}, puts(shipped=True))


def test_a_firing_is_explained_by_each_clause_what_it_met_and_who_wrote_that() -> None:
    _, task = ran(PRICE, SHIP, data={"go": True, "address": "Rome"})
    answer = task.why("ship", entry=2)
    assert answer.fired is not None
    assert answer.fired.firing.entry == 2
    assert told(answer.fired, answer) == [
        ("total is 120, wanted >= 100", True, "price (entry 1)"),
        ('address is "Rome", wanted a string', True, "the payload"),
        ("shipped is missing, wanted missing or null", True, "nobody"),
    ]


def test_a_silent_step_is_explained_by_what_failed_and_by_the_smallest_change() -> None:
    _, task = ran(PRICE, SHIP)
    answer = task.why("ship")
    assert answer.fired is None
    assert told(answer)[1] == ("address is missing, wanted a string", False, "nobody")
    assert answer.sentence == "address is missing, wanted a string"
    assert answer.remedy is not None
    assert answer.remedy.command(task.id) == f"aloma task set {task.id} address=text"


def test_the_proposed_change_makes_the_step_fire() -> None:
    workspace, task = ran(PRICE, SHIP)
    change = task.why("ship").to_json()["change"]
    after = asyncio.run(workspace.set(task.id, dict(change["set"]), unset=change["unset"]))
    assert after.data["shipped"] is True


def test_each_entry_of_the_log_has_its_own_answer() -> None:
    _, task = ran(PRICE, SHIP, data={"go": True, "address": "Rome"})
    before = task.why("ship", entry=0)
    assert before.sentence == "total is missing, wanted >= 100"
    assert before.next is not None
    assert before.next.entry == 2
    assert task.why("price", entry=0).sentence == "its condition holds: it starts when the task runs"
    with pytest.raises(InputError, match="has no entry 9: its entries are 0 to 2"):
        task.why("ship", entry=9)


def test_a_value_that_was_removed_names_who_removed_it() -> None:
    async def clear(data: Any) -> None:
        del data["total"]
        data["cleared"] = True

    _, task = ran(PRICE, step("clear", {"total": int, "cleared": None}, clear), SHIP, data={"go": True})
    assert told(task.why("ship", entry=2))[0] == ("total is missing, wanted >= 100", False, "clear (entry 2)")


def test_a_step_that_fired_and_whose_condition_holds_is_disarmed() -> None:
    _, task = ran(step("again", {"go": True}, puts(done=1)))
    answer = task.why("again")
    assert kinds(answer) == ["disarmed"]
    assert answer.sentence.startswith("it fired at entry 1, and its condition has held ever since")
    assert answer.obstacles[0].cure == f"aloma task redo {task.id} again"
    assert answer.remedy is None


def test_a_step_that_follows_changes_says_what_arms_it() -> None:
    _, task = ran(step("follow", {"go": True}, puts(done=1), rearm="change"))
    assert "or when another step changes what it names" in task.why("follow").sentence


def test_a_step_that_looked_says_what_wakes_it() -> None:
    _, task = ran(step("look", {"go": True}, looks))
    answer = task.why("look")
    assert kinds(answer) == ["looked"]
    assert answer.sentence == "it looked at entry 1 and changed nothing; it looks again when go changes"


def test_a_step_that_failed_names_the_error_and_what_removes_it() -> None:
    workspace, task = ran(step("fail", {"go": True}, raises(ValueError("no")), retry=Retry(times=2, wait=0)))
    answer = task.why("fail")
    assert kinds(answer) == ["failed"]
    assert answer.sentence == "it failed after 2 tries: ValueError: no"
    assert answer.obstacles[0].cure == f"aloma task resume {task.id}"
    asyncio.run(workspace.set(task.id, {"$errors.fail.handled": True}))
    assert workspace.task(task.id).why("fail").sentence.endswith("the error is marked as handled")


def test_a_disabled_step_a_removed_one_and_an_unknown_one_are_told_apart() -> None:
    workspace, task = ran(PRICE, step("off", {"go": True}, puts(x=1), enabled=False))
    assert kinds(task.why("off")) == ["disabled"]
    with pytest.raises(NotFoundError, match="there is no step 'prise'") as error:
        task.why("prise")
    assert error.value.hint == "did you mean `price`?"
    del workspace.steps["price"]
    gone = workspace.task(task.id).why("price")
    assert (gone.changed, gone.sentence) == ("gone", "it is no longer in the workspace")
    assert gone.fired is not None
    assert gone.fired.firing.entry == 1


def test_a_step_that_has_changed_since_it_fired_is_said_to_have() -> None:
    workspace, task = ran(PRICE)
    workspace.steps["price"] = step("price", {"go": True, "total": {"$exists": False}}, puts(total=120))
    assert workspace.task(task.id).why("price").changed == "condition"
    workspace.steps["price"] = step("price", {"go": True, "total": None}, looks)
    assert workspace.task(task.id).why("price").changed == "content"


def test_a_closed_task_says_who_completed_it() -> None:
    async def complete(task: Any) -> None:
        task.complete("ready")

    _, task = ran(step("end", {"go": True}, complete), step("late", {"go": True, "x": 1}, puts(y=1)))
    answer = task.why("late")
    assert kinds(answer) == ["closed"]
    assert answer.obstacles[0].text == "the task was completed by end (entry 1)"


def test_a_stopped_task_and_a_reached_limit_are_obstacles() -> None:
    async def ask(data: Any, task: Any) -> None:
        data["asked"] = True
        task.ask("Ok?", into="ok")

    workspace, task = ran(step("ask", {"go": True, "asked": None}, ask), step("after", {"ok": True}, puts(x=1)))
    asked = task.why("after")
    assert kinds(asked) == ["question"]
    assert asked.obstacles[0].cure == f"aloma task answer {task.id} VALUE"
    workspace.stop(task.id)
    assert kinds(workspace.task(task.id).why("after"))[0] == "stopped"

    async def loop(data: Any, step: Any) -> None:
        data["n"] = data.get("n", 0) + 1
        step.redo()

    _, task = ran(step("loop", {"go": True}, loop))
    assert task.state == "limited"
    answer = task.why("loop")
    assert kinds(answer)[0] == "limited"
    assert "fired 1,000 times" in answer.sentence


def test_a_parked_task_a_retry_and_a_taken_place_are_obstacles_at_their_entry() -> None:
    async def park(data: Any, task: Any) -> None:
        data["parked"] = True
        task.park(0.05)

    _, task = ran(step("park", {"go": True, "parked": None}, park), step("next", {"parked": True}, puts(x=1)))
    assert task.state == "done"
    attempts: list[int] = []

    async def flaky(data: Any) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("not yet")
        data["x"] = 1

    workspace, task = ran(step("flaky", {"go": True}, flaky, retry=Retry(times=2, wait=0.01)))
    answer = task.why("flaky", entry=1)
    assert kinds(answer)[0] == "retry"
    assert "ValueError" not in answer.sentence
    assert "it failed (not yet) and is tried again at" in answer.sentence
    assert answer.next is not None

    steps = [step(name, {"go": True}, puts(0.01 * at, **{name: 1})) for at, name in enumerate("abc", 1)]
    workspace = Workspace(steps)
    asked = question(workspace, run(workspace, "t", {"go": True}).id)
    narrow = type(asked)(asked.events, asked.task, asked.steps, asked.now, concurrency=1)
    assert kinds(why(asked, "c", 0)) == []
    assert kinds(why(narrow, "c", 1))[:1] in (["running"], ["concurrency"])


def test_a_subtask_that_has_not_landed_is_what_a_step_waits_for() -> None:
    async def fan(data: Any, task: Any) -> None:
        data["sent"] = True
        task.subtask("Child", {"work": 1}, into="answer", wait_for=True)

    async def ask(task: Any) -> None:
        task.ask("Ok?", into="ok")

    workspace, task = ran(
        step("fan", {"go": True, "sent": None}, fan),
        step("ask", {"work": 1}, ask),
        step("join", {"answer": {"status": str}}, puts(x=1)),
    )
    answer = task.why("join")
    assert kinds(answer) == ["awaited", "subtask"]
    assert "subtask Child" in answer.obstacles[1].text
    asked = question(workspace, task.id)
    lines = [one.text for one in waiting(Moment(answer.ledger, task.id, asked.now, asked.concurrency))]
    assert lines[0].startswith("a person is asked: Ok?")
    assert lines[1].startswith("1 of 1 subtasks have not ended: Child")


def test_every_step_gets_one_line() -> None:
    workspace, task = ran(PRICE, SHIP)
    answers = why_all(question(workspace, task.id))
    assert [(one.step, one.sentence) for one in answers] == [
        ("price", "total is 120, wanted missing or null"),
        ("ship", "address is missing, wanted a string"),
    ]


def test_a_firing_that_runs_alone_keeps_the_others_waiting() -> None:
    at, task = "2026-01-01T00:00:00.000Z", "01jd3k0000000000"
    events: list[ev.Event] = [ev.TaskCreated(at=at, task=task, name="t", data={"go": True})]
    for run_number in (1, 2, 3):
        events += [
            ev.FiringStarted(at=at, task=task, firing=1, step="one", version=0, run=run_number),
            ev.FiringVoided(at=at, task=task, firing=1, step="one", reason="conflict", again=True),
        ]
    events.append(ev.FiringStarted(at=at, task=task, firing=1, step="one", version=0, run=4))
    steps = {name: step(name, {"go": True}, looks) for name in ("one", "two")}
    answer = why(Inquiry(events, task, steps, now=0.0), "two")
    assert (kinds(answer), answer.sentence) == (["alone"], "one was voided 3 times in a row, so it runs alone first")
    assert kinds(why(Inquiry(events, task, steps, now=0.0), "one")) == ["running"]


@pytest.mark.slow
def test_a_question_about_ten_thousand_firings_takes_less_than_a_second() -> None:
    at, task, steps = "2026-01-01T00:00:00.000Z", "01jd3k0000000000", 50
    events: list[ev.Event] = [ev.TaskCreated(at=at, task=task, name="t", data={"at": 0, "list": []})]
    for number in range(10_000):
        name, version = f"s{number % steps}", number + 1
        events += [
            ev.FiringStarted(at=at, task=task, firing=version, step=name, version=number),
            ev.Committed(
                at=at,
                task=task,
                firing=version,
                step=name,
                version=version,
                by="firing",
                armed=(name,),
                changes=(
                    {"op": "replace", "path": "/at", "value": version % steps},
                    {"op": "add", "path": "/list/-", "value": number},
                    {"op": "add", "path": f"/by/{number}" if number else "/by", "value": number or {}},
                ),
            ),
        ]
    known = {f"s{at}": step(f"s{at}", {"at": at, "by": dict}, looks) for at in range(steps)}
    asked = Inquiry(events, task, known, now=0.0)
    for what in (
        lambda: why(asked, "s7"),
        lambda: why(asked, "s7", 5000),
        lambda: why_all(asked),
        lambda: blame(asked, "list"),
        lambda: blame(asked, "by.77"),
        lambda: graph(asked),
    ):
        began = time.process_time()
        what()
        assert time.process_time() - began < 1


def test_a_misspelt_field_is_pointed_out() -> None:
    _, task = ran(step("ship", {"order": {"address": str}}, puts(x=1)), data={"order": {"adress": "Rome"}})
    answer = task.why("ship")
    assert answer.sentence == (
        "order.address is missing, wanted a string (the document has order.adress: did you mean that?)"
    )


@given(CONDITIONS, DOCUMENTS)
def test_the_proposed_change_lets_the_step_fire(pattern: Any, document: Any) -> None:
    workspace, task = ran(step("one", pattern, puts(fired=True)), data=document)
    change = task.why("one").to_json()["change"]
    if change is not None and (change["set"] or change["unset"]):
        after = asyncio.run(workspace.set(task.id, dict(change["set"]), unset=change["unset"]))
        assert after.data.get("fired") is True


def test_a_step_that_fired_in_subtasks_alone_is_said_to_have() -> None:
    async def fan(data: Any, task: Any) -> None:
        data["found"] = {}
        for name in ("a", "b"):
            task.subtask(name, {"question": name}, into=f"found.{name}")

    fan_out = step("fan", {"questions": list, "found": None}, fan)
    _, task = ran(fan_out, step("reply", {"question": str, "x": None}, puts(x=1)), data={"questions": []})
    answer = task.why("reply")
    assert answer.sentence == "question is missing, wanted a string (in subtasks it fired 2 times)"
    assert answer.times == 0
    assert [met.remark for met in answer.clauses] == ["", ""]
