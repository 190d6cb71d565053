"""Secrets in what steps, connectors and people bring in: the engine sees their names, and works as without them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from aloma_cli.content.step import Step
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import dumps
from aloma_cli.record import events as ev
from aloma_cli.record.codec import to_wire
from aloma_cli.redact import Redactor
from aloma_cli.store.memory import MemoryStore
from tests.support.record import fired, looked, of_kind, voided
from tests.support.stage import Stage
from tests.support.steps import Content, connector, connectors, does, puts, raises, step

CANARY = 'tök/"en" zq7Xw'
SHOWN = "«secret:TOKEN»"
SCRUBBER = Redactor([("TOKEN", CANARY)])
START = {"go": True}


def stage(*steps: Step, data: dict[str, Any] | None = None, **options: Any) -> Stage:
    return Stage(steps, {**START, **(data or {})}, scrubber=SCRUBBER, **options)


def after(content: Content, data: dict[str, Any] | None = None) -> Any:
    """The document after one firing of a step with this content, without the field it started by."""
    run = stage(step("only", START, content), data=data)
    run.end("only")
    assert "zq7Xw" not in dumps([to_wire(event) for event in run.journal()])
    return {key: value for key, value in run.data.items() if key != "go"}


# -- the document ------------------------------------------------------------------------------------------------------


def test_what_a_step_writes_is_in_the_document_by_name() -> None:
    written = {"raw": CANARY, "list": [1, f"Bearer {CANARY}"], "url": {"in": quote(CANARY)}, "json": dumps(CANARY)}
    assert after(does(lambda data: data.update(written))) == {
        "raw": SHOWN,
        "list": [1, f"Bearer {SHOWN}"],
        "url": {"in": SHOWN},
        "json": f'"{SHOWN}"',
    }


def test_to_write_a_secret_where_it_stands_already_is_no_change() -> None:
    """Else a step that follows data would never come to rest."""
    writes = does(lambda data: data.update(key=CANARY, by={CANARY: [CANARY]}))
    run = stage(step("writes", {**START, "n": {"$exists": True}}, writes, rearm="change"), data={"n": 0})
    run.end("writes")
    run.run.carry_out({"kind": "set", "set": [[["n"], 1]]})
    run.turn()
    run.end("writes")
    assert (fired(run.events), looked(run.events)) == (["writes"], ["writes"])
    assert run.data == {"go": True, "n": 1, "key": SHOWN, "by": {SHOWN: [SHOWN]}}


def test_a_secret_as_a_key_overwrites_its_own_field() -> None:
    assert after(does(lambda data: data["seen"].update({CANARY: 2})), {"seen": {SHOWN: 1}}) == {"seen": {SHOWN: 2}}


def test_two_forms_of_a_secret_as_keys_keep_both_values() -> None:
    twice = does(lambda data: data.update({CANARY: 1, quote(CANARY): 2}))
    assert after(twice) == {SHOWN: 1, f"{SHOWN} 2": 2}


def test_a_field_that_the_same_firing_changed_is_not_overwritten_by_a_key() -> None:
    both = does(lambda data: data.update({SHOWN: "changed", CANARY: "new"}))
    assert after(both, {SHOWN: "old"}) == {SHOWN: "changed", f"{SHOWN} 2": "new"}


def test_a_field_that_the_same_firing_removed_is_there_anew() -> None:
    def moves(data: dict[str, Any]) -> None:
        del data[SHOWN]
        data[CANARY] = "new"

    assert after(does(moves), {SHOWN: "old"}) == {SHOWN: "new"}


def test_positions_in_lists_still_fit_when_a_change_before_them_was_none() -> None:
    def rewrites(data: dict[str, Any]) -> None:
        data["list"] = [CANARY, "b", CANARY, "c", {CANARY: 1}]

    assert after(does(rewrites), {"list": [SHOWN, "a", "c"]}) == {"list": [SHOWN, "b", SHOWN, "c", {SHOWN: 1}]}


def test_two_firings_that_write_the_same_secret_conflict_as_with_any_value() -> None:
    run = stage(*(step(name, START, does(lambda data: data.update(key=CANARY))) for name in ("one", "two")))
    run.end("one")
    run.end("two")
    run.end("two")
    assert (voided(run.events), run.data["key"]) == ([("two", "conflict")], SHOWN)


def test_a_secret_and_another_value_at_one_place_conflict() -> None:
    run = stage(step("one", START, puts(key=CANARY)), step("two", START, puts(key="another")))
    run.end("one")
    run.end("two")
    assert voided(run.events) == [("two", "conflict")]


# -- everything else a firing leaves -----------------------------------------------------------------------------------


async def asks_for_everything(data: Any, task: Any, log: Any) -> None:
    log.warning(f"the key is {CANARY}")
    task.name = f"for {CANARY}"
    task.tags = ["a tag", CANARY]
    task.ask(
        f"Is it {CANARY}?",
        into=("answers", CANARY),
        schema={"$in": [CANARY, None]},
        default={CANARY: CANARY},
        timeout=9,
    )
    child = task.subtask(f"with {CANARY}", {"child": {CANARY: CANARY}}, into=("results", CANARY), group=CANARY)
    task.stop(task.subtask("other", {}), f"no more {CANARY}")
    task.adapt(models={"gpt-4": CANARY})
    task.complete({"result of": [child, CANARY]})
    data["done"] = True


def test_what_a_firing_asks_for_is_recorded_by_name() -> None:
    run = stage(step("asks", START, asks_for_everything))
    run.end("asks")
    record = dumps([to_wire(event) for event in run.journal()])
    assert ("zq7Xw" in record, SHOWN in record) == (False, True)
    assert (run.root.name, run.root.tags) == (f"for {SHOWN}", ("a tag", SHOWN))
    assert run.root.completed == {"result": {"result of": ["1.1.1", SHOWN]}}
    child = run.tree.tasks["1.1.1"]
    assert (child.name, child.into, child.document) == (f"with {SHOWN}", ("results", SHOWN), {"child": {SHOWN: SHOWN}})


def test_an_error_names_the_secret_in_it() -> None:
    run = stage(step("fails", START, raises(ValueError(f"bad {CANARY}"))))
    run.end("fails")
    (failed,) = of_kind(run.events, ev.FiringFailed)
    assert (failed.error["message"], run.data["$errors"]["fails"]["message"]) == (f"bad {SHOWN}", f"bad {SHOWN}")
    assert "zq7Xw" not in dumps(to_wire(failed))


async def asks(task: Any) -> None:
    task.ask("Which?", into="answer")


def test_a_request_is_carried_out_by_name() -> None:
    run = stage(step("asks", START, asks))
    run.end("asks")
    run.run.carry_out({"kind": "set", "set": [(("a", CANARY), [CANARY])]})
    run.run.carry_out({"kind": "answer", "value": CANARY})
    run.turn()
    assert run.data == {"go": True, "a": {SHOWN: [SHOWN]}, "answer": SHOWN}
    run.run.carry_out({"kind": "set", "unset": [f"a.{SHOWN}"]})
    run.run.carry_out({"kind": "stop", "reason": f"{CANARY} is old"})
    run.turn()
    assert "zq7Xw" not in dumps([to_wire(event) for event in run.journal()])


# -- calls -------------------------------------------------------------------------------------------------------------


class Echo:
    """A connector that answers with what it was sent, or fails with it; `sent` is what reached it."""

    def __init__(self) -> None:
        self.sent: list[str] = []

        async def say(what: str) -> dict[str, str]:
            self.sent.append(what)
            return {"said": what}

        async def fail(what: str) -> None:
            self.sent.append(what)
            raise ConnectorError(f"no {what}", retryable=True)

        self.table = connectors(connector("echo", say=say, fail=fail))


async def speaks(data: dict[str, Any], connectors: Any) -> None:
    """Says again what it was answered, and told by an error."""
    answer = await connectors.echo.say(f"Bearer {CANARY}")
    with pytest.raises(ConnectorError) as caught:
        await connectors.echo.fail(CANARY)
    await connectors.echo.say(str(caught.value))
    data["answer"] = answer


def test_a_secret_is_sent_as_it_is_and_recorded_by_name() -> None:
    echo = Echo()
    run = stage(step("speaks", START, speaks), connectors=echo.table)
    run.end("speaks")
    first, *_ = of_kind(run.journal(), ev.CallAnswered)
    assert (echo.sent[0], first.arguments, first.answer) == (
        f"Bearer {CANARY}",
        {"what": f"Bearer {SHOWN}"},
        {"said": f"Bearer {SHOWN}"},
    )
    assert "zq7Xw" not in dumps([to_wire(event) for event in run.journal()])


def test_a_repeated_firing_is_answered_from_the_record_word_for_word() -> None:
    """A step gets what is on record, also the first time: otherwise its next call would be a different one."""
    echo, store = Echo(), MemoryStore()
    steps = [step("speaks", START, speaks), step("rival", START, puts(answer="first"))]
    run = stage(*steps, connectors=echo.table, store=store)
    outcome = run.outcome(run.running[1 if run.running[1].step == "speaks" else 2])
    assert len(echo.sent) == 3
    run.close()
    del outcome  # the process died before it landed
    again = Stage(steps, store=store, scrubber=SCRUBBER, connectors=echo.table)
    again.end("speaks")
    assert (len(echo.sent), again.data["answer"]) == (3, {"said": f"Bearer {SHOWN}"})
    assert echo.sent[1:] == [CANARY, f"no {SHOWN}"]
