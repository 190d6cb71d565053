"""Where a value comes from, and who woke whom."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from aloma_cli import Workspace, run
from aloma_cli.api.explaining import question
from aloma_cli.errors import InputError, NotFoundError
from aloma_cli.explain.blame import Cause
from aloma_cli.explain.graph import graph
from aloma_cli.explain.writers import words
from aloma_cli.jsontext import show_path
from tests.support.steps import connector, puts, step


async def summed(data: Any) -> None:
    data["total"] = sum(item["price"] for item in data["items"])


async def asked(data: Any, connectors: Any) -> None:
    data["offer"] = await connectors.shop.offer(data["total"])


async def cleared(data: Any) -> None:
    del data["total"]


async def offer(total: int) -> dict[str, int]:
    return {"price": total - 20}


SUM = step("sum", {"items": list, "total": None}, summed)
ASK = step("ask", {"total": int, "offer": None}, asked)


def tree(task: Any, causes: list[Cause], ledger: Any) -> Any:
    return {f"{show_path(one.path)} by {words(ledger, one.wrote)}": tree(task, one.inputs, ledger) for one in causes}


def test_a_value_leads_back_to_the_payload_through_firings_and_calls() -> None:
    workspace = Workspace([SUM, ASK], connectors={"shop": connector("shop", offer=offer)})
    task = run(workspace, "t", {"items": [{"price": 70}, {"price": 50}]})
    told = task.blame("offer.price")
    assert told.value == 100
    assert tree(task, told.causes, told.ledger) == {
        "offer.price by ask (entry 2)": {"total by sum (entry 1)": {"items by the payload": {}}}
    }
    [cause] = told.causes
    assert [(call.call, call.answer) for _, call in cause.calls] == [("shop.offer", {"price": 100})]
    assert told.to_json()["causes"][0]["calls"][0]["arguments"] == {"total": 120}


def test_the_tree_crosses_subtasks_and_landings() -> None:
    async def fan(data: Any, task: Any) -> None:
        data["sent"] = True
        for name in data["names"]:
            task.subtask(name, {"work": len(name)}, into=f"found.{name}")

    async def square(data: Any, task: Any) -> None:
        task.complete({"square": data["work"] ** 2})

    async def join(data: Any) -> None:
        data["sum"] = sum(one["result"]["square"] for one in data["found"].values())

    steps = [
        step("fan", {"names": list, "sent": None}, fan),
        step("square", {"work": int}, square),
        step("join", {"$children": {"fan": {"running": 0}}, "sum": None}, join),
    ]
    workspace = Workspace(steps)
    task = run(workspace, "t", {"names": ["ab", "abc"]})
    told = task.blame("sum")
    [(root, below)] = tree(task, told.causes, told.ledger).items()
    assert root == "sum by join (entry 4)"
    [landed] = [name for name in below if name.startswith("found.abc by subtask abc")]
    [(made, payload)] = below[landed].items()
    assert made == "(document) by square (entry 1)"
    assert [*payload] == ["work by the payload, from fan"]

    drawn = graph(question(workspace, task.id))
    assert [(edge.source, edge.step, edge.count, [*edge.via]) for edge in drawn.edges] == [
        ("payload", "fan", 1, []),
        ("fan", "square", 2, ["subtask"]),
        ("square", "join", 1, ["landing"]),
    ]
    assert drawn.edges[1].label == "subtask: work ×2"


def test_parts_that_others_wrote_have_causes_of_their_own() -> None:
    async def first(data: Any) -> None:
        data["report"] = {"title": "T"}

    async def second(data: Any) -> None:
        data["report"]["text"] = "…"

    workspace = Workspace(
        [
            step("first", {"go": True, "report": None}, first),
            step("second", {"report": {"title": str, "text": None}}, second),
        ]
    )
    task = run(workspace, "t", {"go": True})
    told = task.blame("report")
    assert [f"{show_path(one.path)} by {words(told.ledger, one.wrote)}" for one in told.causes] == [
        "report by first (entry 1)",
        "report.text by second (entry 2)",
    ]
    at_first = task.blame("report", entry=1)
    assert at_first.value == {"title": "T"}
    assert len(at_first.causes) == 1


def test_an_error_leads_to_the_firing_that_failed() -> None:
    async def fail(data: Any) -> None:
        raise ValueError(data["total"])

    task = run(Workspace([SUM, step("fail", {"total": int}, fail)]), "t", {"items": [{"price": 1}]})
    told = task.blame("$errors.fail")
    assert tree(task, told.causes, told.ledger) == {
        "$errors.fail by the engine (entry 3)": {"total by sum (entry 1)": {"items by the payload": {}}}
    }


def test_what_was_never_written_and_what_is_no_entry_is_refused() -> None:
    task = run(Workspace([SUM]), "t", {"items": []})
    with pytest.raises(NotFoundError, match=r"nothing was ever written at order\.total") as error:
        task.blame("order.total")
    assert error.value.hint == "there is items, total"
    del_total = step("clear", {"total": int}, cleared)
    gone = run(Workspace([step("put", {"go": True}, puts(total=1)), del_total]), "t", {"go": True}).blame("total")
    assert words(gone.ledger, gone.causes[0].wrote) == "clear (entry 2)"
    with pytest.raises(InputError, match="has no entry 7"):
        task.blame("total", entry=7)
    with pytest.raises(InputError, match="empty or broken key"):
        task.blame("a..b")


def test_a_long_chain_is_cut_and_can_be_continued() -> None:
    steps = [step(f"s{at}", {"at": at}, puts(at=at + 1)) for at in range(30)]
    task = run(Workspace(steps), "t", {"at": 0})
    causes, depth = task.blame("at").causes, 0
    while causes[0].inputs:
        causes, depth = causes[0].inputs, depth + 1
    assert depth == 12
    assert causes[0].cut
    assert causes[0].wrote is not None
    further = task.blame("at", entry=causes[0].wrote.entry)
    assert words(further.ledger, further.causes[0].wrote) == "s17 (entry 18)"


def test_in_the_graph_a_step_is_woken_by_the_last_that_wrote_what_it_names() -> None:
    workspace = Workspace(
        [
            step("a", {"go": True, "x": None}, puts(x=1)),
            step("b", {"x": 1, "y": None}, puts(y=1)),
            step("c", {"x": 1, "y": 1, "z": None}, puts(z=1)),
        ]
    )
    drawn = graph(question(workspace, run(workspace, "t", {"go": True}).id))
    assert [(edge.source, edge.step, edge.label) for edge in drawn.edges] == [
        ("payload", "a", "go"),
        ("a", "b", "x"),
        ("b", "c", "y"),
    ]
    assert drawn.nodes == ["payload", "a", "b", "c"]


def test_a_place_that_a_condition_names_and_that_was_never_written_wakes_no_step() -> None:
    workspace = Workspace([step("find", {"request": {"text": str}, "facts": None}, puts(facts=[1]))])
    told = graph(question(workspace, run(workspace, "t", {"request": {"text": "x"}}).id))
    assert [edge.label for edge in told.edges] == ["request.text"]


def test_a_place_from_which_a_value_was_removed_can_wake_a_step() -> None:
    async def clear(data: Any) -> None:
        del data["lock"]

    steps = [step("clear", {"go": True, "lock": True}, clear), step("work", {"go": True, "lock": None}, puts(x=1))]
    workspace = Workspace(steps)
    told = graph(question(workspace, run(workspace, "t", {"go": True, "lock": True}).id))
    assert [edge.label for edge in told.edges if edge.step == "work"] == ["lock"]


def test_what_a_person_was_asked_is_not_shown_as_a_value() -> None:
    async def ask(data: Any, task: Any) -> None:
        data["sent"] = True
        task.ask("Send it?", into="mail.verdict")

    workspace = Workspace([step("ask", {"mail": dict, "sent": None}, ask)])
    task = run(workspace, "t", {"mail": {}})
    told = asyncio.run(workspace.answer(task.id, "yes")).blame("mail.verdict").to_json()
    [answered] = told["causes"]
    [asked] = answered["inputs"]
    assert (answered["value"], answered["question"]) == ("yes", None)
    assert (asked["value"], asked["question"], asked["step"]) == (None, "Send it?", "ask")


def test_a_value_that_was_written_after_the_entry_names_who_wrote_it_first() -> None:
    workspace = Workspace([SUM, step("after", {"total": int, "x": None}, puts(x={"y": 1}))])
    task = run(workspace, "t", {"items": [{"price": 70}]})
    with pytest.raises(NotFoundError) as error:
        task.blame("total", 0)
    assert str(error.value) == "nothing was written at total up to entry 0; it was first written by sum (entry 1)"
    assert error.value.hint == f"run `aloma task blame {task.id} total --entry 1`"
    with pytest.raises(NotFoundError, match=r"nothing was written at x.y up to entry 1; .* by after \(entry 2\)"):
        task.blame("x.y", 1)
    with pytest.raises(NotFoundError, match="nothing was ever written at z"):
        task.blame("z", 0)
