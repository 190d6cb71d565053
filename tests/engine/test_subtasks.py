"""Subtasks: where they land, what is counted, and who waits for whom."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.engine.subtasks import MOST_GENERATIONS
from aloma_cli.engine.working import WorkingTree
from aloma_cli.jsontext import MAX_DEPTH
from aloma_cli.record import events as ev
from aloma_cli.record.summary import summary
from tests.support.record import fired, of_kind
from tests.support.stage import Stage
from tests.support.steps import Content, does, looks, puts, raises, step


def spawns(*orders: dict[str, Any]) -> Content:
    """Content that makes subtasks; each order is the keyword arguments, `data` being {"leaf": True} by default."""

    async def content(task: Any) -> None:
        for number, order in enumerate(orders, 1):
            task.subtask(**{"name": f"child {number}", "data": {"leaf": True}, **order})

    return content


LEAF = puts(out=1)


def stage(*orders: dict[str, Any], data: dict[str, Any] | None = None, leaf: Content = LEAF, more: Any = ()) -> Stage:
    """A root whose step `spawn`, the first to start, has ended, so that its children run their step `leaf`."""
    steps = [step("spawn", {"root": True}, spawns(*orders), priority=1), step("leaf", {"leaf": True}, leaf), *more]
    made = Stage(steps, {"root": True, **(data or {})})
    made.end("spawn")
    return made


NONE = {"total": 0, "running": 0, "done": 0, "error": 0, "ignored": 0, "incomplete": 0, "stopped": 0}


# -- making ------------------------------------------------------------------------------------------------------------


def test_a_subtask_is_a_task_of_its_own_on_the_same_steps() -> None:
    made = stage({"name": "first", "data": {"leaf": True, "n": 1}})
    child = made.tree.tasks["1.1.1"]
    assert (child.name, child.document, child.parent) == ("first", {"leaf": True, "n": 1}, "1")
    assert made.names == ["leaf"]
    made.end("leaf")
    assert (child.document, child.state, child.closed) == ({"leaf": True, "n": 1, "out": 1}, "done", True)


def test_subtasks_run_side_by_side() -> None:
    assert stage({}, {}, {}).names == ["leaf", "leaf", "leaf"]


def test_the_id_of_a_subtask_follows_from_firing_and_order() -> None:
    assert list(stage({}, {}).tree.tasks) == ["1", "1.1.1", "1.1.2"]


def test_the_data_of_a_subtask_is_a_copy() -> None:
    shared: dict[str, Any] = {"leaf": True, "list": []}

    async def spawn(data: dict[str, Any], task: Any) -> None:
        task.subtask("child", shared)
        shared["list"].append(1)

    made = Stage([step("spawn", {"root": True}, spawn)], {"root": True})
    made.end("spawn")
    assert made.tree.tasks["1.1.1"].document == {"leaf": True, "list": []}


def test_a_subtask_made_from_its_parents_document_has_no_errors_or_children_of_its_own_yet() -> None:
    async def spawn(data: dict[str, Any], task: Any) -> None:
        task.subtask("child", {**data, "root": False})

    steps = [
        step("bad", {"root": True}, raises(ValueError("x"))),
        step("more", {"root": True, "$errors": {"bad": dict}}, spawns({})),
        step("spawn", {"root": True, "$children": {"more": dict}}, spawn),
    ]
    made = Stage(steps, {"root": True})
    made.end_all()
    assert made.tree.tasks["1.3.1"].document == {"root": False}
    assert made.tree.tasks["1.3.1"].state == "ignored"


@pytest.mark.parametrize(
    "order",
    [
        {"data": [1]},
        {"data": {"x": {1}}},
        {"name": ""},
        {"name": 3},
        {"group": 3},
        {"into": "a..b"},
        {"into": "root.x"},
        {"into": ("l", 1)},
        {"into": ("l", 10**9)},
        {"group": "node.js"},
        {"group": "$all"},
    ],
    ids=repr,
)
def test_an_order_that_makes_no_sense_fails_the_step_and_makes_nothing(order: dict[str, Any]) -> None:
    made = stage(order)
    assert (list(made.tree.tasks), list(made.data["$errors"])) == (["1"], ["spawn"])


# -- landing -----------------------------------------------------------------------------------------------------------


def test_the_result_lands_at_into() -> None:
    made = stage({"into": "answer"})
    assert "answer" not in made.data
    made.end("leaf")
    assert made.data["answer"] == {"status": "done", "result": {"leaf": True, "out": 1}, "task": "1.1.1"}


def test_the_result_is_the_value_of_complete_where_there_is_one() -> None:
    async def leaf(task: Any) -> None:
        task.complete(42)

    made = stage({"into": "answer"}, leaf=leaf)
    made.end("leaf")
    assert made.data["answer"] == {"status": "done", "result": 42, "task": "1.1.1"}


@pytest.mark.parametrize(
    ("complete", "wanted"),
    [
        (lambda task: task.complete(), {"leaf": True, "out": 1}),
        (lambda task: task.complete(None), None),
        (lambda task: task.complete(result=None), None),
        (lambda task: task.complete({}), {}),
        (lambda task: None, {"leaf": True, "out": 1}),
    ],
    ids=["plain", "null", "null by name", "empty", "left out"],
)
def test_without_a_value_the_result_is_the_document_without_the_engines_fields(complete: Any, wanted: Any) -> None:
    async def leaf(data: dict[str, Any], task: Any) -> None:
        data.update(out=1, **{"$via": {"x": 1}, "$stash": {"key": "x"}, "$errors": {"old": {"handled": True}}})
        task.group("nothing")
        complete(task)

    made = stage({"into": "answer"}, leaf=leaf)
    made.end("leaf")
    assert made.data["answer"] == {"status": "done", "result": wanted, "task": "1.1.1"}
    folded = WorkingTree.of(made.journal())
    assert folded.tasks["1.1.1"].completed == made.tree.tasks["1.1.1"].completed


def test_the_document_counts_as_it_is_in_the_end() -> None:
    async def leaf(task: Any) -> None:
        task.complete()

    made = stage({"into": "answer"}, leaf=leaf, more=[step("late", {"leaf": True}, puts(late=1))])
    made.end("leaf")
    made.end("late")
    assert made.data["answer"]["result"] == {"leaf": True, "late": 1}


@pytest.mark.parametrize(("arguments", "wanted"), [((), {"x": 1}), ((None,), None), ((7,), 7)], ids=str)
def test_a_root_task_has_the_same_result_on_record(arguments: Any, wanted: Any) -> None:
    async def complete(task: Any) -> None:
        task.complete(*arguments)

    made = Stage([step("complete", {"x": 1}, complete)], {"x": 1, "$stash": {"key": "x"}})
    made.end("complete")
    assert summary(made.tree, "1", made.data)["result"] == wanted
    assert summary(WorkingTree.of(made.journal()), "1", made.data)["result"] == wanted


def test_a_journal_in_which_a_plain_completion_was_null_opens_as_it_was() -> None:
    made = Stage([step("leaf", {"leaf": True}, looks)], {"leaf": True})
    event = ev.Committed(at=made.root.created_at, task="1", version=1, by="firing", firing=1, step="leaf")
    made.close()
    claim = made.store.claim("1")
    claim.commit([dataclasses.replace(event, completed={"result": None})])
    claim.close()
    again = Stage([step("leaf", {"leaf": True}, looks)], store=made.store)
    assert (again.root.state, summary(again.tree, "1", again.data)["result"]) == ("done", None)


def test_a_failed_subtask_lands_with_its_error() -> None:
    made = stage({"into": "answer"}, leaf=raises(ValueError("no")))
    made.end("leaf")
    landed = made.data["answer"]
    assert (landed["status"], landed["error"]["step"], landed["error"]["message"]) == ("error", "leaf", "no")
    assert made.root.state == "done", "it is for the parent to judge"


def test_a_subtask_that_no_step_matched_lands_as_ignored() -> None:
    made = stage({"into": "answer", "data": {"x": 1}})
    assert made.data["answer"] == {"status": "ignored", "result": {"x": 1}, "task": "1.1.1"}


def test_without_into_nothing_lands_but_the_count() -> None:
    made = stage({})
    made.end("leaf")
    assert made.data == {"root": True, "$children": {"spawn": {**NONE, "total": 1, "done": 1}}}


@pytest.mark.parametrize(
    ("into", "document", "wanted"),
    [
        ("a.b.c", {}, {"a": {"b": {"c": "it"}}}),
        ("a.b", {"a": None}, {"a": {"b": "it"}}),
        ("a.b", {"a": {"x": 1}}, {"a": {"x": 1, "b": "it"}}),
        ("a", {"a": "old"}, {"a": "it"}),
        ("l.0", {}, {"l": {"0": "it"}}),
        (("l", 0), {}, {"l": ["it"]}),
        ("l.1", {"l": ["x", "y"]}, {"l": ["x", "it"]}),
        ("l.1", {"l": ["x"]}, {"l": ["x", "it"]}),
        (("l", 0, "r"), {}, {"l": [{"r": "it"}]}),
        ("orders.2024", {}, {"orders": {"2024": "it"}}),
        ("l.1.r", {"l": [1, {"k": 2}]}, {"l": [1, {"k": 2, "r": "it"}]}),
        (("a.b", "c"), {}, {"a.b": {"c": "it"}}),
        (("l", 0), {"l": [None]}, {"l": ["it"]}),
        ('"a.b".c', {}, {"a.b": {"c": "it"}}),
    ],
    ids=str,
)
def test_into_leads_through_objects_and_lists_and_makes_missing_parents(into: Any, document: Any, wanted: Any) -> None:
    made = stage({"into": into, "data": {"leaf": True}}, data=document)
    assert "$errors" not in made.data, made.data
    made.end("leaf")
    found = {key: _short(value) for key, value in made.data.items() if key not in ("root", "$children")}
    assert found == wanted


def _short(value: Any) -> Any:
    """A landed result as "it"."""
    if isinstance(value, dict):
        return "it" if "status" in value else {key: _short(item) for key, item in value.items()}
    return [_short(item) for item in value] if isinstance(value, list) else value


def test_the_places_of_a_list_are_made_when_the_children_are() -> None:
    made = stage({"into": ("l", 0)}, {"into": ("l", 1)}, {"into": ("l", 2)})
    assert made.data["l"] == [None, None, None]


def test_two_live_children_with_one_place_are_an_error() -> None:
    made = stage({"into": "a.b"}, {"into": ("a", "b")})
    assert made.data["$errors"]["spawn"]["message"] == (
        "subtask 'child 2' would land at a.b, and subtask 'child 1' at a.b"
    )
    assert list(made.tree.tasks) == ["1"]


@pytest.mark.parametrize("places", [("r", "r.x"), ("r.x.y", "r"), ("r.x", "r.x.y")], ids=str)
def test_two_live_places_of_which_one_contains_the_other_are_an_error(places: tuple[str, str]) -> None:
    one, other = places
    refused = stage({"into": one}, {"into": other}, data={"r": {"x": {}}})
    assert refused.data["$errors"]["spawn"]["message"] == (
        f"subtask 'child 2' would land at {other}, and subtask 'child 1' at {one}"
    )
    later = stage({"into": one}, data={"r": {"x": {}}}, more=[step("more", {"root": True}, spawns({"into": other}))])
    later.end("more")
    assert list(later.data["$errors"]) == ["more"]


def test_neighbours_are_no_such_places() -> None:
    made = stage({"into": "r.x"}, {"into": "r.y"}, {"into": "rx"}, data={"r": {}})
    made.end_all()
    assert made.root.state == "done"


def test_the_place_of_an_answer_and_that_of_a_result_do_not_contain_each_other() -> None:
    async def ask(task: Any) -> None:
        task.ask("Which?", into="r")

    made = stage({"into": "r.x"}, more=[step("ask", {"root": True}, ask)])
    made.end("ask")
    assert made.data["$errors"]["ask"]["message"] == (
        "the answer to 'Which?' would land at r, and subtask 'child 1' at r.x"
    )


def test_a_place_may_be_used_again_when_the_child_has_ended() -> None:
    more = [step("again", {"root": True, "answer": dict, "n": None}, spawns({"into": "answer"}))]
    made = stage({"into": "answer"}, more=more)
    made.end("leaf")
    made.end("again")
    made.end("leaf")
    assert made.data["answer"]["task"] == "1.3.1"


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("a"),
        lambda data: data.update(a=3),
        lambda data: data.update(a=None),
        lambda data: data.update(a=["x"]),
    ],
    ids=["removed", "scalar", "null", "list"],
)
def test_where_the_place_is_gone_the_result_goes_to_the_record_and_to_errors(change: Callable[..., object]) -> None:
    made = stage({"into": "a.b"}, data={"a": {}}, more=[step("rob", {"root": True, "a": {}}, does(change))])
    made.end("rob")
    made.end("leaf")
    (entry,) = made.data["$errors"].values()
    assert (entry["result"]["task"], entry["result"]["status"]) == ("1.1.1", "done")
    assert made.root.state == "error"
    (landed,) = [event for event in of_kind(made.events, ev.Committed) if event.child == "1.1.1"]
    assert landed.by == "landing"


def test_a_shortened_list_is_a_gone_place() -> None:
    more = [step("rob", {"root": True, "l": {"$size": 1}}, does(lambda data: data["l"].clear()))]
    made = stage({"into": "l.0"}, data={"l": []}, more=more)
    made.end("rob")
    made.end("leaf")
    assert made.data["$errors"]["subtask 1.1.1"]["type"] == "PlaceMovedError"


PEOPLE = [{"name": name, "city": city, "rank": rank} for name, city, rank in zip("ABC", "XYZ", (1, 2, 3), strict=True)]


def list_edit(change: Callable[[list[Any]], object]) -> Content:
    return does(lambda data: change(data["l"]))


def landed(change: Callable[[list[Any]], object], position: int = 1) -> tuple[Stage, str]:
    """A stage on which a result for the item at `position` came after the list was changed, and whose item has it."""
    more = [step("change", {"root": True}, list_edit(change))]
    made = stage({"into": f"l.{position}.score"}, data={"l": PEOPLE}, more=more)
    made.end("change")
    made.end("leaf")
    return made, "".join(item["name"] for item in made.data["l"] if "score" in item)


def mark_by_rank(people: list[Any]) -> None:
    people.sort(key=lambda item: -item["rank"])
    for number, item in enumerate(people, 1):
        item["rank"] = number


@pytest.mark.parametrize(
    "change",
    [
        lambda people: people.pop(0),
        lambda people: people.pop(1),
        lambda people: people.insert(0, {"name": "Eve"}),
        lambda people: people.append(people.pop(1)),
        lambda people: people.reverse() or people.insert(0, {"name": "Eve"}),
        lambda people: people.sort(key=lambda item: item["name"] != "C"),
        lambda people: people.append(people.pop(0)),
        mark_by_rank,
        lambda people: people.clear(),
    ],
    ids=["shift", "remove it", "insert", "move it", "turn and insert", "sort", "rotate", "sort and number", "clear"],
)
def test_a_result_for_an_item_that_may_have_moved_goes_to_errors(change: Callable[[list[Any]], object]) -> None:
    made, whose = landed(change, 0 if change is mark_by_rank else 1)
    entry = made.data["$errors"]["subtask 1.1.1"]
    assert (entry["type"], entry["result"]["status"], whose) == ("PlaceMovedError", "done", "")
    assert entry["message"] == (
        f"{entry['place']}, where the result of subtask 1.1.1 was to land, may be another item now: "
        "items of its list were inserted, removed or moved; use keys instead of positions"
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda people: people.append({"name": "Eve"}),
        lambda people: people.pop(2),
        lambda people: people[1].update(called=True),
        lambda people: people[0].update(name="Eva", rank=7),
        lambda people: [person.update(status="seen", rank=person["rank"] + 1) for person in people],
        lambda people: people.insert(2, {"name": "Eve"}),
    ],
    ids=["append", "remove behind", "edit it", "edit another", "edit all", "insert behind"],
)
def test_a_result_for_an_item_that_stayed_where_it_was_lands(change: Callable[[list[Any]], object]) -> None:
    made, whose = landed(change)
    assert (whose, made.root.state) == ("B", "done")


EDITS = st.one_of(
    st.tuples(st.sampled_from(["pop", "insert", "edit", "drop"]), st.integers(0, 5)),
    st.tuples(st.sampled_from(["rotate", "reverse", "sort", "append", "mark all", "replace"]), st.just(0)),
)


def edit(people: list[Any], what: str, at: int, number: int) -> None:
    at = min(at, max(0, len(people) - 1))
    match what:
        case "insert":
            people.insert(at, {"name": f"new {number}"})
        case "append":
            people.append({"name": f"new {number}"})
        case "rotate" if people:
            people.append(people.pop(0))
        case "reverse":
            people.reverse()
        case "sort":
            people.sort(key=lambda item: str(item.get("mark", "")) + item["name"])
        case "mark all":
            for one in people:
                one["mark"] = number
        case "replace":
            people[:] = [dict(one) for one in people]
        case "pop" if people:
            people.pop(at)
        case "drop" if people:
            people[at].pop("mark", None)
        case "edit" if people:
            people[at]["mark"] = number


@given(
    st.integers(0, 4),
    st.integers(0, 4),
    st.lists(st.lists(EDITS, min_size=1, max_size=3), min_size=1, max_size=4),
    st.booleans(),
)
def test_however_a_list_is_edited_a_result_is_at_its_item_or_in_errors(
    size: int, position: int, commits: list[Any], nested: bool
) -> None:
    position = min(position, size)
    people = [{"name": f"person {number}"} for number in range(size + 1)]
    plan, numbers = iter(commits), itertools.count()

    async def change(data: dict[str, Any], step: Any) -> None:
        for what, at in next(plan):
            edit(data["o"]["l"] if nested else data["l"], what, at, next(numbers))
        step.redo()

    into = ("o", "l", position, "score") if nested else ("l", position, "score")
    data: dict[str, Any] = {"o": {"l": people}} if nested else {"l": people}
    made = stage({"into": into}, data=data, more=[step("c", {"root": True}, change)])
    for _ in commits:
        made.end("c")
    made.end("leaf")
    having = [item["name"] for item in (made.data["o"]["l"] if nested else made.data["l"]) if "score" in item]
    stranded = "subtask 1.1.1" in made.data.get("$errors", {})
    assert having == ([] if stranded else [f"person {position}"])
    assert WorkingTree.of(made.journal()).root.held == made.root.held, "the journal alone tells it"


@pytest.mark.parametrize(
    ("into", "data", "write"),
    [
        ("answer", {}, lambda data: data.update(answer="mine")),
        ("answer", {"answer": "old"}, lambda data: data.update(answer="mine")),
        ("a.b", {"a": {}}, lambda data: data["a"].update(b={"x": 1})),
        ("a.b", {"a": {}}, lambda data: data.update(a={"b": "mine"})),
        ("a.b", {"a": {"b": {"x": 1}}}, lambda data: data["a"]["b"].update(x=2)),
        ("a.b", {"a": {"b": [1]}}, lambda data: data["a"]["b"].append(2)),
        ("a.b", {"a": {"b": 1}}, lambda data: data["a"].pop("b")),
    ],
    ids=["new", "over", "below", "from above", "inside", "appended", "removed"],
)
def test_what_others_wrote_at_the_place_meanwhile_stays(into: str, data: dict[str, Any], write: Any) -> None:
    made = stage({"into": into}, data=data, more=[step("write", {"root": True}, does(write))])
    made.end("write")
    written = {key: made.data.get(key) for key in data | {into.split(".", maxsplit=1)[0]: 0}}
    made.end("leaf")
    entry = made.data["$errors"]["subtask 1.1.1"]
    assert (entry["type"], entry["place"], entry["result"]["task"]) == ("PlaceWrittenError", into, "1.1.1")
    assert entry["message"].endswith("was changed meanwhile, and the new value is kept")
    assert {key: made.data.get(key) for key in written} == written
    assert made.root.state == "error"


def test_what_a_person_wrote_at_the_place_meanwhile_stays_also_after_a_crash() -> None:
    made = stage({"into": "answer"})
    made.run.carry_out({"kind": "set", "set": [[["answer"], "mine"]]})
    made.turn()
    made.close()
    again = Stage([step("leaf", {"leaf": True}, LEAF)], store=made.store)
    again.end("leaf")
    assert (again.data["answer"], list(again.data["$errors"])) == ("mine", ["subtask 1.1.1"])


@pytest.mark.parametrize("write", [lambda data: data.update(other=1), lambda data: data["a"].update(c=1)])
def test_what_others_wrote_beside_the_place_does_not_matter(write: Any) -> None:
    made = stage({"into": "a.b"}, data={"a": {"b": "old"}}, more=[step("write", {"root": True}, does(write))])
    made.end("write")
    made.end("leaf")
    assert (made.data["a"]["b"]["status"], made.root.state) == ("done", "done")


def test_a_deep_result_that_cannot_land_is_kept_without_what_would_be_too_deep() -> None:
    deep: Any = {}
    for _ in range(MAX_DEPTH - 1):
        deep = {"a": deep}

    async def leaf(task: Any) -> None:
        task.complete(deep)

    made = stage({"into": "answer"}, leaf=leaf, more=[step("write", {"root": True}, puts(answer="mine"))])
    made.end("write")
    made.end("leaf")
    entry = made.data["$errors"]["subtask 1.1.1"]
    assert (entry["result"]["result"], entry["result"]["error"]["type"]) == (None, "DocumentError")


# -- counts ------------------------------------------------------------------------------------------------------------


def test_children_are_counted_by_the_commit_that_makes_them() -> None:
    made = stage({}, {})
    assert made.data["$children"] == {"spawn": {**NONE, "total": 2, "running": 2}}
    assert len([e for e in of_kind(made.events, ev.Committed) if e.task == "1"]) == 1


def test_a_landing_and_its_count_are_one_commit_and_one_line_of_the_journal() -> None:
    made = stage({"into": "answer"})
    made.end("leaf")
    landing = of_kind(made.events, ev.Committed, "1")[-1]
    paths = {change["path"] for change in landing.changes}
    assert paths == {"/answer", "/$children/spawn/running", "/$children/spawn/done"}
    last = list(made.store.read("1"))[-1].events
    assert [type(event).__name__ for event in last if event.task == "1.1.1"] == ["Committed", "TaskRested"]
    assert landing in last


def test_every_ending_has_its_own_count() -> None:
    async def leaf(data: dict[str, Any]) -> None:
        if data["leaf"] == "bad":
            raise ValueError("no")
        data["out"] = 1

    steps = [
        step("spawn", {"root": True}, spawns({"data": {"leaf": "good"}}, {"data": {"leaf": "bad"}}, {"data": {}})),
        step("leaf", {"leaf": str}, leaf),
    ]
    made = Stage(steps, {"root": True})
    made.end_all()
    assert made.data["$children"]["spawn"] == {**NONE, "total": 3, "done": 1, "error": 1, "ignored": 1}


def test_a_group_has_its_own_name_where_one_is_given() -> None:
    made = stage({"group": "a"}, {"group": "b"}, {"group": "a"})
    assert {group: numbers["total"] for group, numbers in made.data["$children"].items()} == {"a": 2, "b": 1}


def test_a_join_is_a_condition_on_the_counts() -> None:
    more = [
        step("join", {"root": True, "$children": {"spawn": {"running": 0, "done": {"$gte": 2}}}}, puts(joined=True))
    ]
    made = stage({}, {}, more=more)
    made.end("leaf", task="1.1.2")
    assert made.names == ["leaf"]
    made.end("leaf")
    assert made.names == ["join"]


def test_a_fan_out_over_nothing_joins() -> None:
    async def fan(data: dict[str, Any], task: Any) -> None:
        task.group("fan")
        for item in data["items"]:
            task.subtask("one", {"leaf": item}, group="fan")

    join = step("join", {"$children": {"fan": {"running": 0}}}, puts(joined=True))
    made = Stage([step("fan", {"items": list}, fan), join], {"items": []})
    made.end("fan")
    assert made.data["$children"] == {"fan": NONE}
    made.end("join")
    assert made.root.state == "done"
    full = Stage([step("fan", {"items": list}, fan), join], {"items": [1, 2]})
    full.end("fan")
    assert full.data["$children"]["fan"]["total"] == 2


def test_a_group_that_is_there_stays_as_it_is() -> None:
    async def again(task: Any) -> None:
        task.group("spawn")
        task.group("spawn")

    made = stage({}, {}, more=[step("again", {"root": True, "$children": dict}, again)])
    before = made.data
    made.end("again")
    assert made.data is before
    assert [event.step for event in of_kind(made.events, ev.FiringLooked)] == ["again"]


def test_two_that_declare_a_group_at_a_time_and_one_that_fills_it_agree() -> None:
    async def declare(task: Any) -> None:
        task.group("g")

    async def fill(task: Any) -> None:
        task.subtask("one", {"leaf": True}, group="g")

    steps = [step("a", {"root": True}, declare), step("b", {"root": True}, declare), step("c", {"root": True}, fill)]
    made = Stage(steps, {"root": True})
    made.end("c", "a", "b")
    assert made.data["$children"]["g"]["total"] == 1
    assert fired(made.events) == ["c", "a", "b"]


@pytest.mark.parametrize("name", ["node.js", "", "$or", 3], ids=repr)
def test_a_group_that_no_condition_can_name_is_refused(name: Any) -> None:
    async def declare(task: Any) -> None:
        task.group(name)

    made = Stage([step("a", {"root": True}, declare)], {"root": True})
    made.end("a")
    assert (list(made.data["$errors"]), "$children" in made.data) == (["a"], False)


# -- waiting -----------------------------------------------------------------------------------------------------------


def test_a_parent_that_waits_starts_nothing_new_until_the_child_is_in() -> None:
    more = [step("next", {"root": True, "go": 1}, puts(next=1)), step("slow", {"root": True}, puts(go=1))]
    made = stage({"wait_for": True}, more=more)
    assert set(made.names) == {"slow", "leaf"}
    made.end("slow")
    assert (made.data["go"], made.names) == (1, ["leaf"]), "what was in flight has committed"
    made.end("leaf")
    assert made.names == ["next"]


def test_a_parent_that_waits_for_two_waits_for_both() -> None:
    more = [step("next", {"root": True, "a": dict}, puts(next=1))]
    made = stage({"wait_for": True, "into": "a"}, {"wait_for": True}, {}, more=more)
    made.end("leaf", task="1.1.1")
    assert "next" not in made.names
    made.end("leaf", task="1.1.2")
    assert "next" in made.names


def test_without_wait_for_the_parent_goes_on() -> None:
    more = [step("next", {"root": True, "$children": {"spawn": {"running": 1}}}, puts(next=1))]
    assert set(stage({}, more=more).names) == {"leaf", "next"}


def test_a_stopped_child_releases_the_wait_and_lands_nothing() -> None:
    more = [step("next", {"root": True, "$children": {"spawn": {"stopped": 1}}}, puts(next=1))]
    made = stage({"wait_for": True, "into": "answer"}, more=more)
    made.run.carry_out({"kind": "stop", "task": "1.1.1", "reason": "enough"})
    turn = made.turn()
    assert (list(turn.cuts), made.names) == ([2], ["next"])
    assert "answer" not in made.data


def test_a_root_is_not_at_rest_while_a_child_runs() -> None:
    made = stage({})
    assert (made.root.rest, made.root.state, made.last.finished) == (None, "waiting", False)
    made.end("leaf")
    assert (made.root.state, made.last.finished) == ("done", True)


# -- trees -------------------------------------------------------------------------------------------------------------


def test_subtasks_have_subtasks_and_results_travel_up() -> None:
    async def split(data: dict[str, Any], task: Any) -> None:
        for half in ("left", "right"):
            task.subtask(half, {"depth": data["depth"] - 1}, into=half)

    steps = [step("split", {"depth": {"$gt": 0}}, split), step("leaf", {"depth": 0}, puts(leaf=True))]
    made = Stage(steps, {"depth": 3})
    made.end_all()
    assert len(made.tree.tasks) == 15
    here = made.data
    for half in ("left", "right", "left"):
        here = here[half]["result"]
    assert here == {"depth": 0, "leaf": True}
    assert {task.state for task in made.tree.tasks.values()} == {"done"}
    assert all(task.partition(".")[0] == "1" for task in made.tree.tasks)


def test_a_child_is_not_at_rest_while_its_own_child_runs() -> None:
    async def nest(data: dict[str, Any], task: Any) -> None:
        task.subtask("grandchild", {"leaf": True})

    made = stage({"data": {"mid": True}}, more=[step("mid", {"mid": True}, nest)])
    made.end("mid")
    assert made.tree.tasks["1.1.1"].rest is None
    made.end("leaf")
    assert made.root.state == "done"


# -- stop from a step --------------------------------------------------------------------------------------------------


def test_stopping_a_child_is_part_of_the_commit() -> None:
    async def halt(data: dict[str, Any], task: Any) -> None:
        task.stop("1.1.1", "enough")
        data["halted"] = True

    made = stage({"into": "answer"}, {}, more=[step("halt", {"root": True}, halt)])
    turn = made.end("halt")
    child = made.tree.tasks["1.1.1"]
    assert (child.state, child.closed, list(turn.cuts.values())) == ("stopped", True, ["stopped"])
    assert child.rest is not None
    assert child.rest.reason == "enough"
    assert (made.data["halted"], made.data["$children"]["spawn"]["stopped"]) == (True, 1)
    made.end("leaf")
    assert "answer" not in made.data


def test_a_stopped_child_takes_its_own_children_with_it() -> None:
    async def nest(task: Any) -> None:
        task.subtask("grandchild", {"leaf": True}, into="x")

    made = stage({"data": {"mid": True}}, more=[step("mid", {"mid": True}, nest)])
    made.end("mid")
    made.run.carry_out({"kind": "stop", "task": "1.1.1", "reason": "enough"})
    made.turn()
    assert {task.id: task.state for task in made.tree.tasks.values()} == {
        "1": "done",
        "1.1.1": "stopped",
        "1.2.1": "stopped",
    }


def test_only_a_tasks_own_subtasks_can_be_stopped_from_it() -> None:
    async def leaf(task: Any) -> None:
        task.stop("1")

    made = stage({"into": "answer"}, leaf=leaf)
    made.end("leaf")
    assert "is not a subtask" in made.data["answer"]["error"]["message"]


def test_a_subtask_made_and_stopped_in_one_firing_never_runs() -> None:
    async def spawn(task: Any) -> None:
        task.stop(task.subtask("child", {"leaf": True}))

    made = Stage([step("spawn", {"root": True}, spawn), step("leaf", {"leaf": True}, looks)], {"root": True})
    made.end("spawn")
    assert (made.names, made.tree.tasks["1.1.1"].state) == ([], "stopped")
    assert made.data["$children"]["spawn"]["stopped"] == 1


@pytest.mark.parametrize("reason", ["", 3, {1}], ids=repr)
def test_the_reason_for_a_stop_is_a_text(reason: Any) -> None:
    async def halt(task: Any) -> None:
        task.stop("1.1.1", reason)

    made = stage({}, more=[step("halt", {"root": True}, halt)])
    made.end("halt")
    assert "halt" in made.data["$errors"]


def test_what_a_child_does_wakes_its_parent_only_through_the_landing() -> None:
    more = [step("echo", {"out": 1}, puts(echo=1))]
    made = stage({"into": "answer"}, more=more)
    made.end("leaf")
    made.end("echo", task="1.1.1")
    assert (fired(made.events), fired(made.events, "1.1.1")) == (["spawn"], ["leaf", "echo"])


def dig(depth: int) -> Stage:
    """A step that fires in the subtask it makes, until `depth` is used up."""

    async def content(data: dict[str, Any], task: Any) -> None:
        if data["depth"]:
            task.subtask("deeper", {"depth": data["depth"] - 1})

    made = Stage([step("dig", {"depth": int}, content)], {"depth": depth})
    made.end_all()
    return made


def test_subtasks_may_be_as_deep_as_the_limit() -> None:
    made = dig(MOST_GENERATIONS)
    assert (len(made.tree.tasks), made.root.state) == (1 + MOST_GENERATIONS, "done")
    assert not any("$errors" in task.document for task in made.tree.tasks.values())


def test_a_subtask_below_the_limit_is_refused_in_the_step_that_asked_for_it() -> None:
    made = dig(MOST_GENERATIONS + 1)
    *_, deepest = made.tree.tasks.values()
    assert len(made.tree.tasks) == 1 + MOST_GENERATIONS
    assert deepest.document["$errors"]["dig"]["message"] == (
        "subtask 'deeper' would be 65 levels below task 1; at most 64 are possible "
        "(does a step fire in the subtasks it makes?)"
    )


def test_a_result_too_deep_for_its_place_lands_as_an_error() -> None:
    deep: Any = {}
    for _ in range(MAX_DEPTH - 1):
        deep = {"a": deep}

    async def spawn(task: Any) -> None:
        task.subtask("deep", {"leaf": True}, into="place")

    async def leaf(task: Any) -> None:
        task.complete(deep)

    made = Stage([step("spawn", {"root": True}, spawn), step("leaf", {"leaf": True}, leaf)], {"root": True})
    made.end_all()
    landed = made.data["place"]
    assert (landed["status"], landed["result"]) == ("done", None)
    assert landed["error"]["message"] == (
        f"the result of subtask {landed['task']} would be nested deeper than 128 levels here"
    )
    assert made.tree.tasks[landed["task"]].completed == {"result": deep}
