"""Connector calls: what was answered once is not asked again, after a void, an error or a crash."""

from __future__ import annotations

import asyncio
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # noqa: F401  (a Stage has no event loop on which a thread could import it)
import pytest

from aloma_cli.budget import LimitRequest
from aloma_cli.connectors.base import Answer, Call, Connectors
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.engine import failure
from aloma_cli.engine.limits import set_limits
from aloma_cli.engine.turn import Scheduler
from aloma_cli.errors import ConnectorError, StoreError
from aloma_cli.record import events as ev
from aloma_cli.record.summary import summary
from aloma_cli.store.files.disk import FileStore
from aloma_cli.store.protocol import Store
from tests.connectors.support import completion
from tests.support.play import play
from tests.support.record import ROOT, fired, looked, of_kind
from tests.support.stage import Stage
from tests.support.steps import connector, connectors, puts, step


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt, also where the tests themselves run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Bank:
    """A connector `bank` with one function `pay(what)`; `sent` is what reached it, with the idempotency keys.

    `trouble` are errors to raise, by what is paid, one a time.
    """

    def __init__(self, trouble: dict[str, list[Exception]] | None = None) -> None:
        self.sent: list[str] = []
        self.keys: list[str] = []
        trouble = trouble or {}

        async def pay(what: str, idempotency_key: str) -> str:
            self.sent.append(what)
            self.keys.append(idempotency_key)
            if trouble.get(what):
                raise trouble[what].pop(0)
            return f"{what} paid"

        self.table = connectors(connector("bank", pay=pay))


def pays(*what: str, then: Any = lambda data, answers: data.update(paid=answers)) -> Any:
    """Content that makes calls, one after the other, and then changes the document."""

    async def content(data: dict[str, Any], connectors: Any) -> None:
        then(data, [await connectors.bank.pay(one) for one in what])

    return content


def answered(events: list[ev.Event], *, replayed: bool = False) -> list[str]:
    """What was paid, by the record (or what was answered from it)."""
    calls = [e for e in of_kind(events, ev.CallAnswered) if e.replayed is replayed and e.error is None]
    return [call.arguments["what"] for call in calls]


def journaled(store: Store) -> list[ev.Event]:
    return [event for batch in store.read(ROOT) for event in batch.events]


# -- recorded ----------------------------------------------------------------------------------------------------------


def test_a_call_is_recorded_with_its_answer_before_the_step_goes_on() -> None:
    bank, seen = Bank(), []

    async def content(data: dict[str, Any], connectors: Any) -> None:
        data["x"] = await connectors.bank.pay("rent")
        seen.extend(answered(journaled(stage.store)))

    stage = Stage([step("a", {}, content)], {}, connectors=bank.table)
    stage.end("a")
    assert seen == ["rent"]
    (call,) = of_kind(stage.journal(), ev.CallAnswered)
    assert (call.call, call.arguments, call.answer, call.step) == ("bank.pay", {"what": "rent"}, "rent paid", "a")


def test_a_call_is_a_trace() -> None:
    stage = Stage([step("a", {}, pays("rent", then=lambda *_: None))], {}, connectors=Bank().table)
    stage.end("a")
    assert (looked(stage.events), fired(stage.events)) == ([], ["a"])


def test_equal_calls_of_one_firing_are_calls_of_their_own() -> None:
    bank = Bank()
    stage = Stage([step("a", {}, pays("rent", "rent"))], {}, connectors=bank.table)
    stage.end("a")
    assert bank.sent == ["rent", "rent"]
    assert len(set(bank.keys)) == 2


def test_an_answer_belongs_to_the_step_alone() -> None:
    async def fetch() -> dict[str, Any]:
        return {"list": []}

    async def content(data: dict[str, Any], connectors: Any) -> None:
        answer = await connectors.shop.fetch()
        answer["list"].append("mine")
        data["got"] = answer

    stage = Stage([step("a", {}, content)], {}, connectors=connectors(connector("shop", fetch=fetch)))
    stage.end("a")
    (call,) = of_kind(stage.journal(), ev.CallAnswered)
    assert (call.answer, stage.data["got"]) == ({"list": []}, {"list": ["mine"]})


def test_what_was_spent_is_counted_whatever_becomes_of_the_firing() -> None:
    def fail(*_: Any) -> None:
        raise ValueError("no")

    stage = Stage([step("a", {}, pays("rent", then=fail))], {}, connectors=Bank().table)
    stage.end("a")
    assert summary(stage.tree, ROOT, stage.data)["usage"]["calls"] == 1


class FakeSystem:
    """A model server that answers each request with `reply`, an answer or an error; `asked` counts."""

    def __init__(self, reply: Answer | BaseException) -> None:
        self.reply = reply
        self.asked = 0

    async def send(self, _call: Call) -> Answer:
        self.asked += 1
        if isinstance(self.reply, BaseException):
            raise self.reply
        return self.reply

    @property
    def table(self) -> Connectors:
        return Connectors({"openai": {"chat": Chat(self.send, concurrency=9)}})


async def asks(data: dict[str, Any], connectors: Any) -> None:
    data["out"] = (await connectors.openai.chat(messages=[], shape={"a": str})).data


@pytest.mark.parametrize("odd", [RecursionError("too deep"), ValueError("no"), AttributeError("x"), UnicodeError("y")])
def test_whatever_goes_wrong_behind_a_call_it_is_on_record_as_a_connectors_error(odd: Exception) -> None:
    stage = Stage([step("a", {}, asks)], {}, connectors=FakeSystem(odd).table)
    stage.end("a")

    (call,) = of_kind(stage.journal(), ev.CallAnswered)
    assert call.error is not None
    assert call.error["message"] == f"connectors.openai.chat failed: {type(odd).__name__}: {odd}"
    assert stage.tree.spent.calls == 1
    (failed,) = of_kind(stage.journal(), ev.FiringFailed)
    assert (failed.error["type"], failed.error["connector"]) == ("ConnectorError", True)


def test_what_came_and_cannot_be_read_is_on_record_with_what_it_took() -> None:
    error = ConnectorError("not a completion")
    error.answer, error.usage = {"choices": 3}, {"input_tokens": "7", "output_tokens": -2, "cost": [1]}
    stage = Stage([step("a", {}, asks)], {}, connectors=FakeSystem(error).table)
    stage.end("a")

    (call,) = of_kind(stage.journal(), ev.CallAnswered)
    assert (call.answer, call.usage) == ({"choices": 3}, {"input_tokens": 7})
    assert (stage.tree.spent.calls, stage.tree.spent.tokens) == (1, 7)


@pytest.mark.parametrize("content", ["{" * 3000, '{"a":' * 2000, '{"a": "x"', "I would rather not."])
def test_an_answer_that_cannot_be_read_is_asked_for_as_often_as_is_allowed(content: str) -> None:
    """Tries are left, and calls are not."""
    system = FakeSystem(Answer(completion(content), {"input_tokens": 1, "output_tokens": 1}))
    steps = [step("a", {"out": None}, asks, retry=Retry(6, wait=0))]

    def limited(run: Scheduler) -> None:
        run.do(set_limits, {"calls": LimitRequest(1)})

    result = play(steps, {}, connectors=system.table, during=limited)

    assert system.asked == 1
    assert len(of_kind(result.events, ev.CallAnswered)) == 1
    assert result.root.state == "limited"


def test_two_requests_for_one_answer_are_both_on_record_and_counted() -> None:
    system = FakeSystem(Answer(completion('{"b": 1}'), {"input_tokens": 3, "output_tokens": 2}))
    result = play([step("a", {"out": None}, asks)], {}, connectors=system.table)

    calls = of_kind(result.events, ev.CallAnswered)
    assert system.asked == len(calls) == result.tree.spent.calls == 2
    assert len({call.key for call in calls}) == 2
    assert result.tree.spent.tokens == 10
    (failed,) = of_kind(result.events, ev.FiringFailed)
    assert set(failed.error["misfits"]) == {call.key for call in calls}


@pytest.mark.usefixtures("ctrl_c")
def test_an_answer_is_on_record_before_it_is_read_and_is_read_again_after_a_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    system = FakeSystem(Answer(completion('{"a": "x"}'), {"input_tokens": 1, "output_tokens": 1}))
    seen: list[int] = []

    def killed(*_: Any) -> Any:
        seen.append(len(of_kind(journaled(stage.store), ev.CallAnswered)))
        raise KeyboardInterrupt

    steps = [step("a", {"out": None}, asks)]
    stage = Stage(steps, {}, connectors=system.table)
    monkeypatch.setattr("aloma_cli.connectors.chat.chat.read_object", killed)
    with pytest.raises(KeyboardInterrupt):
        stage.end("a")
    monkeypatch.undo()
    stage.close()
    result = play(steps, None, store=stage.store, connectors=system.table)

    assert (seen, system.asked, result.data) == ([1], 1, {"out": {"a": "x"}})
    assert result.tree.spent.calls == 1


# -- voids -------------------------------------------------------------------------------------------------------------


def test_a_repeated_firing_is_answered_from_the_record() -> None:
    bank = Bank()
    steps = [step("a", {"go": 1}, puts(paid="other")), step("b", {"go": 1}, pays("rent", "food"))]
    stage = Stage(steps, {"go": 1}, connectors=bank.table)
    stage.end("a", "b")
    stage.end("b")
    assert stage.data["paid"] == ["rent paid", "food paid"]
    assert bank.sent == ["rent", "food"]
    assert answered(stage.events, replayed=True) == ["rent", "food"], "the view is told"
    assert answered(stage.journal()) == ["rent", "food"], "the journal has them once"


def test_a_repeated_firing_asks_only_for_what_is_different_now() -> None:
    bank = Bank()

    async def content(data: dict[str, Any], connectors: Any) -> None:
        data["paid"] = [await connectors.bank.pay("rent"), await connectors.bank.pay(data.get("paid", "first"))]

    steps = [step("a", {"go": 1}, puts(paid="second")), step("b", {"go": 1}, content)]
    stage = Stage(steps, {"go": 1}, connectors=bank.table)
    stage.end("a", "b")
    stage.end("b")
    assert bank.sent == ["rent", "first", "second"]


def test_a_step_that_fires_anew_asks_anew() -> None:
    bank = Bank()

    async def content(data: dict[str, Any], connectors: Any, step: Any) -> None:
        data["n"] = [*data["n"], await connectors.bank.pay("rent")]
        if len(data["n"]) < 2:
            step.redo()

    stage = Stage([step("a", {"n": list}, content)], {"n": []}, connectors=bank.table)
    stage.end_all()
    assert bank.sent == ["rent", "rent"]
    assert len(set(bank.keys)) == 2


# -- errors ------------------------------------------------------------------------------------------------------------

SOON = ConnectorError("busy", retryable=True, status=503)


def test_after_a_connectors_error_only_the_failed_call_is_repeated() -> None:
    bank = Bank({"food": [SOON]})
    stage = Stage([step("a", {}, pays("rent", "food", "fun"), retry=Retry(2, wait=0))], {}, connectors=bank.table)
    stage.end_all()
    assert stage.data["paid"] == ["rent paid", "food paid", "fun paid"]
    assert bank.sent == ["rent", "food", "food", "fun"]


def test_earlier_answers_stand_through_several_failed_tries() -> None:
    bank = Bank({"food": [SOON], "fun": [SOON, SOON]})
    stage = Stage([step("a", {}, pays("rent", "food", "fun"), retry=Retry(5, wait=0))], {}, connectors=bank.table)
    stage.end_all()
    assert bank.sent == ["rent", "food", "food", "fun", "fun", "fun"]


def test_earlier_answers_stand_when_the_tries_were_used_up_and_the_error_is_removed() -> None:
    bank = Bank({"food": [SOON]})
    steps = [step("a", {}, pays("rent", "food"))]
    stage = Stage(steps, {}, connectors=bank.table)
    stage.end_all()
    assert (stage.root.state, bank.sent) == ("error", ["rent", "food"])
    stage.close()
    again = Stage(steps, store=stage.store, connectors=bank.table)
    again.run.do(failure.retry_failed)
    again.turn()
    again.end_all()
    assert (again.data["paid"], bank.sent) == (["rent paid", "food paid"], ["rent", "food", "food"])


def test_after_the_steps_own_exception_all_are_asked_afresh() -> None:
    bank, left = Bank(), [1]

    def fail_once(data: dict[str, Any], answers: list[str]) -> None:
        if left:
            left.pop()
            raise ValueError("the answers were bad")
        data["paid"] = answers

    steps = [step("a", {}, pays("rent", "food", then=fail_once), retry=Retry(2, wait=0))]
    stage = Stage(steps, {}, connectors=bank.table)
    stage.end_all()
    assert bank.sent == ["rent", "food", "rent", "food"]


def test_a_connectors_error_that_the_step_caught_is_answered_from_the_record_too() -> None:
    """What a repeated firing meets must be what it met."""
    bank = Bank({"food": [ConnectorError("no such account", status=404)]})

    async def content(data: dict[str, Any], connectors: Any) -> None:
        try:
            data["paid"] = await connectors.bank.pay("food")
        except ConnectorError as error:
            data["paid"] = f"{error} ({error.status})"

    steps = [step("a", {"go": 1}, puts(paid="other")), step("b", {"go": 1}, content)]
    stage = Stage(steps, {"go": 1}, connectors=bank.table)
    stage.end("a", "b")
    stage.end("b")
    assert (stage.data["paid"], bank.sent) == ("no such account (404)", ["food"])


def test_the_failed_call_of_a_step_names_its_connector_in_the_record() -> None:
    bank = Bank({"rent": [SOON]})
    stage = Stage([step("a", {}, pays("rent"))], {}, connectors=bank.table)
    stage.end_all()
    (call,) = of_kind(stage.journal(), ev.CallAnswered)
    assert call.error == {"type": "ConnectorError", "message": "busy", "retryable": True, "status": 503}


def test_an_answer_that_could_not_be_written_ends_the_run_and_is_not_forgotten() -> None:
    """A disk that is full for a moment must not lose what was paid, nor be taken for a failure of the step."""
    bank, left = Bank(), [1]
    steps = [step("a", {}, pays("rent"), retry=Retry(2, wait=0))]
    stage = Stage(steps, {}, connectors=bank.table)
    commit = stage.claim.commit

    def full_once(events: Any, *, durable: bool = True) -> None:
        if left and any(isinstance(event, ev.CallAnswered) for event in events):
            left.pop()
            raise StoreError("no space left")
        commit(events, durable=durable)

    stage.claim.commit = full_once  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        stage.end("a")
    stage.close()
    again = Stage(steps, store=stage.store, connectors=bank.table)
    again.end("a")
    assert (again.data, bank.sent) == ({"paid": ["rent paid"]}, ["rent"])


# -- crashes -----------------------------------------------------------------------------------------------------------


def household(bank: Bank) -> list[Step]:
    """A small tree with calls, subtasks, a conflict, a retry and a wait; its outcome is the same in any order."""

    async def plan(data: dict[str, Any], task: Any, connectors: Any) -> None:
        data["plan"] = await connectors.bank.pay("plan")
        for item in ("rent", "food"):
            task.subtask(item, {"item": item}, into=f"paid.{item}", wait_for=item == "rent")

    async def item(data: dict[str, Any], connectors: Any) -> None:
        data["receipt"] = [
            await connectors.bank.pay(data["item"]),
            await connectors.bank.pay(f"tip for {data['item']}"),
        ]

    async def note(data: dict[str, Any], connectors: Any, step: Any) -> None:
        answer = await connectors.bank.pay(step.name)
        data.setdefault("notes", {})[step.name] = answer
        data["last"] = max(data.get("last", ""), step.name)

    async def close(data: dict[str, Any], task: Any, connectors: Any) -> None:
        data["closed"] = await connectors.bank.pay("close")
        task.complete(sorted(data["notes"]))

    return [
        step("plan", {"month": str, "plan": None}, plan),
        step("item", {"item": str}, item, retry=Retry(3, wait=0)),
        step("note 1", {"month": str}, note),
        step("note 2", {"month": str}, note),
        step("close", {"$children": {"plan": {"running": 0}}, "notes": {"note 1": str, "note 2": str}}, close),
    ]


def trouble() -> dict[str, list[Exception]]:
    return {"tip for food": [SOON]}


def test_after_a_crash_at_any_line_of_the_journal_the_end_is_the_same_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    """The journal is cut after each batch, and with half of the next; what was answered by then is not sent again."""
    store, bank = FileStore(tmp_path / "whole", fsync=False), Bank(trouble())
    whole = Stage(household(bank), {"month": "May"}, store=store, connectors=bank.table)
    whole.end_all()
    whole.close()
    assert whole.root.state == "done"
    journal = (tmp_path / "whole/tasks/1/journal.jsonl").read_bytes()
    lines = journal.splitlines(keepends=True)
    assert len(lines) > 15
    wanted = Counter(answered(journaled(store)))
    for count in range(1, len(lines) + 1):
        for rest in (b"", lines[count][: len(lines[count]) // 2] if count < len(lines) else b"{"):
            folder = tmp_path / "cut"
            shutil.copytree(tmp_path / "whole", folder)
            (folder / "tasks/1/journal.jsonl").write_bytes(b"".join(lines[:count]) + rest)
            _go_on(FileStore(folder, fsync=False), whole, wanted)
            shutil.rmtree(folder)


def _go_on(store: FileStore, whole: Stage, wanted: Counter[str]) -> None:
    before = journaled(store)
    failed = [e for e in of_kind(before, ev.CallAnswered) if e.error is not None]
    bank = Bank({} if failed else trouble())
    again = Stage(household(bank), store=store, connectors=bank.table)
    again.end_all()
    again.close()
    assert {task: state.document for task, state in again.tree.tasks.items()} == {
        task: state.document for task, state in whole.tree.tasks.items()
    }
    assert again.root.completed == whole.root.completed
    assert Counter(answered(journaled(store))) == wanted
    sent = Counter(bank.sent) + Counter(answered(before)) + Counter(e.arguments["what"] for e in failed)
    assert sent == wanted + Counter(["tip for food"]), "the one that failed was sent twice, all others once"


@pytest.mark.usefixtures("ctrl_c")
def test_a_call_that_was_sent_and_not_answered_is_sent_again_with_the_same_key() -> None:
    keys: list[str] = []

    async def pay(idempotency_key: str) -> str:
        keys.append(idempotency_key)
        if len(keys) == 1:
            raise KeyboardInterrupt
        return "paid"

    table = connectors(connector("bank", pay=pay))

    async def content(data: dict[str, Any], connectors: Any) -> None:
        data["x"] = await connectors.bank.pay()

    steps = [step("a", {}, content)]
    stage = Stage(steps, {}, connectors=table)
    with pytest.raises(KeyboardInterrupt):
        stage.end("a")
    stage.close()
    again = Stage(steps, store=stage.store, connectors=table)
    again.end("a")
    assert again.data == {"x": "paid"}
    assert keys[0] == keys[1]


def test_a_crash_keeps_what_armed_a_step_while_it_ran() -> None:
    """The firing that is repeated works on what it started from: the commits made since must wake its step again."""

    def steps() -> list[Step]:
        return [
            step("slow", {"on": True}, puts(slow=1)),
            step("off", {"on": True, "n": None}, puts(on=False, n=1)),
            step("on", {"on": False}, puts(on=True)),
        ]

    stage = Stage(steps(), {"on": True})
    stage.end("off")
    stage.end("on")
    stage.close()
    undisturbed, crashed = Stage(steps(), {"on": True}), Stage(steps(), store=stage.store)
    undisturbed.end("off")
    undisturbed.end("on")
    for one in (undisturbed, crashed):
        one.end("slow")
        assert one.names == ["slow"]


def test_a_firing_repeated_after_a_crash_starts_from_what_it_started_from() -> None:
    seen: list[Any] = []

    async def content(data: dict[str, Any], now: Any) -> None:
        seen.append((data.get("x"), now))
        data["y"] = 1

    steps = [step("a", {"go": 1}, content), step("b", {"go": 1}, puts(x=1))]
    stage = Stage(steps, {"go": 1})
    stage.end("b")
    stage.close()
    again = Stage(steps, store=stage.store)
    again.clock.moment = 100
    again.end("a")
    assert seen == [(None, seen[0][1])]
    assert seen[0][1].timestamp() == 1_700_000_000
    assert again.data == {"go": 1, "x": 1, "y": 1}


def test_voids_are_counted_across_a_crash() -> None:
    """A firing that lost thrice runs alone, whenever that was."""

    async def spoil(data: dict[str, Any], step: Any) -> None:
        data["x"] = data["n"] = data.get("n", 0) + 1
        step.redo()

    steps = [step("a", {"go": 1}, spoil), step("b", {"go": 1}, puts(x="b"))]
    stage = Stage(steps, {"go": 1})
    for _ in range(3):
        stage.end("a", "b")
        stage.close()
        stage = Stage(steps, store=stage.store)
    assert stage.names == ["b"]


def test_calls_side_by_side_in_one_step_are_each_recorded_once() -> None:
    bank = Bank()

    async def content(data: dict[str, Any], connectors: Any) -> None:
        data["paid"] = await asyncio.gather(*(connectors.bank.pay(f"bill {n}") for n in range(5)))

    result = play([step("a", {}, content)], {}, connectors=bank.table)
    assert result.data["paid"] == [f"bill {n} paid" for n in range(5)]
    assert sorted(answered(result.events)) == [f"bill {n}" for n in range(5)]
