"""Drafts and commits: what merges, what conflicts, and what becomes of the loser."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest

from aloma_cli.content.job import Limited
from aloma_cli.content.retry import Retry
from aloma_cli.engine.limits import set_limits
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.record import events as ev
from tests.support.manual import HeldClock
from tests.support.record import ROOT, fired, looked, of_kind, started, voided
from tests.support.stage import Stage
from tests.support.steps import connector, connectors, does, looks, puts, raises, step


def changes(stage: Stage) -> list[list[tuple[str, str]]]:
    """The operations of each commit."""
    return [[(change["op"], change["path"]) for change in e.changes] for e in of_kind(stage.events, ev.Committed)]


# -- all or nothing ----------------------------------------------------------------------------------------------------


def test_a_commit_holds_only_the_difference() -> None:
    stage = Stage([step("a", {}, puts(x=1, y=[1, 2], z=None))], {"x": 1, "y": [1], "big": {"k": "v" * 100}})
    stage.end("a")
    assert changes(stage) == [[("add", "/y/-"), ("add", "/z")]]


def test_a_step_that_raises_changes_nothing() -> None:
    async def content(data: dict[str, Any], task: Any) -> None:
        data["x"] = 1
        task.name = "other"
        task.subtask("child", {})
        raise ValueError("no")

    stage = Stage([step("a", {}, content)], {})
    stage.end("a")
    assert list(stage.data) == ["$errors"]
    assert (list(stage.tree.tasks), stage.root.name) == (["1"], "a task")


def test_data_subtasks_name_and_tags_are_committed_as_one() -> None:
    async def content(data: dict[str, Any], task: Any) -> None:
        data["x"] = 1
        task.subtask("child", {"leaf": 1})
        task.name, task.tags = "new", ["a", "b"]

    stage = Stage([step("a", {"x": None}, content)], {})
    before = len(list(stage.store.read("1")))
    stage.end("a")
    batches = list(stage.store.read("1"))
    assert len(batches) == before + 1
    assert {type(event) for event in batches[-1].events} >= {ev.Committed, ev.TaskCreated}
    assert (stage.root.name, stage.root.tags) == ("new", ("a", "b"))


def test_a_draft_is_private() -> None:
    kept: list[list[Any]] = []

    def content(data: dict[str, Any]) -> None:
        kept.append(data["list"])
        data["list"].append(1)

    stage = Stage([step("a", {}, does(content))], {"list": []})
    stage.end("a")
    kept[0].append("later")
    assert stage.data == {"list": [1]}


@pytest.mark.parametrize("value", [{1, 2}, object(), float("nan"), {1: "a"}, b"bytes"])
def test_what_is_not_json_fails_the_step_and_names_the_place(value: object) -> None:
    stage = Stage([step("a", {}, does(lambda data: data.update(deep={"er": [value]})))], {})
    stage.end("a")
    error = stage.data["$errors"]["a"]
    assert error["type"] == "DocumentError"
    assert "deep.er.0" in error["message"]


class Color(str, Enum):  # noqa: UP042  (the kind whose `str` is not its text)
    RED = "red"


def test_a_text_that_is_also_an_enum_is_kept_as_its_text() -> None:
    stage = Stage([step("a", {}, does(lambda data: data.update(color=Color.RED, by={Color.RED: 1})))], {})
    stage.end("a")
    assert stage.data == {"color": "red", "by": {"red": 1}}


def test_a_step_cannot_write_what_the_engine_keeps() -> None:
    stage = Stage([step("a", {}, does(lambda data: data.update({"$children": {"a": {"running": 0}}})))], {})
    stage.end("a")
    assert "$children" not in stage.data
    assert "$children" in stage.data["$errors"]["a"]["message"]


# -- merging -----------------------------------------------------------------------------------------------------------


def test_two_steps_that_write_different_fields_at_once_both_land() -> None:
    for order in (("a", "b"), ("b", "a")):
        stage = Stage([step("a", {"a": None}, puts(a=1)), step("b", {"b": None}, puts(b=2))], {})
        stage.end(order[0])
        stage.end(order[1])
        assert (stage.data, fired(stage.events)) == ({"a": 1, "b": 2}, list(order))
        assert voided(stage.events) == []


def test_fields_of_one_new_object_merge() -> None:
    def under(key: str) -> Any:
        return does(lambda data: data.setdefault("found", {}).update({key: 1}))

    stage = Stage([step("a", {}, under("a")), step("b", {}, under("b"))], {})
    stage.end("a")
    stage.end("b")
    assert (stage.data, voided(stage.events)) == ({"found": {"a": 1, "b": 1}}, [])


def test_two_steps_that_append_to_one_list_both_land() -> None:
    def append(item: str) -> Any:
        return does(lambda data: data["log"].append(item))

    stage = Stage([step("a", {}, append("a")), step("b", {}, append("b"))], {"log": [0]})
    stage.end("a", "b")
    assert (stage.data, voided(stage.events)) == ({"log": [0, "a", "b"]}, [])


def test_an_append_stands_beside_any_other_edit_of_the_list() -> None:
    steps = [
        step("append", {}, does(lambda data: data["l"].append(9))),
        step("edit", {}, does(lambda data: (data["l"].pop(0), data["l"].insert(1, 5)))),
    ]
    for order in (("append", "edit"), ("edit", "append")):
        stage = Stage(steps, {"l": [1, 2, 3]})
        stage.end(*order)
        assert (stage.data, voided(stage.events)) == ({"l": [2, 5, 3, 9]}, [])


def test_equal_items_that_two_append_to_one_list_both_stand() -> None:
    append = does(lambda data: data["l"].append("t"))
    stage = Stage([step("a", {}, append), step("b", {}, append)], {"l": []})
    stage.end("a", "b")
    assert (stage.data, voided(stage.events)) == ({"l": ["t", "t"]}, [])


def test_reads_do_not_conflict() -> None:
    steps = [step("write", {}, puts(x=2)), step("read", {}, does(lambda data: data.update(y=data["x"])))]
    stage = Stage(steps, {"x": 1})
    stage.end("write", "read")
    assert (stage.data, voided(stage.events)) == ({"x": 2, "y": 1}, [])


def test_a_firing_whose_condition_went_false_meanwhile_still_commits() -> None:
    """Its work was asked for."""
    stage = Stage([step("off", {"x": 1}, puts(x=0)), step("work", {"x": 1}, puts(y=1))], {"x": 1})
    stage.end("off", "work")
    assert (stage.data, fired(stage.events)) == ({"x": 0, "y": 1}, ["off", "work"])


# -- conflicts ---------------------------------------------------------------------------------------------------------


def test_of_two_values_at_one_place_one_stands_and_the_other_firing_is_void_and_logged() -> None:
    steps = [step("a", {"go": 1}, puts(x="a")), step("b", {"go": 1}, puts(x="b"))]
    stage = Stage(steps, {"go": 1})
    stage.end("a", "b")
    (void,) = of_kind(stage.events, ev.FiringVoided)
    assert (void.step, void.reason, void.paths, void.others, void.again) == ("b", "conflict", ("x",), (1,), True)
    assert stage.data["x"] == "a"
    assert stage.names == ["b"], "its condition holds: it goes again"
    stage.end("b")
    assert stage.data["x"] == "b"
    assert (started(stage.events), fired(stage.events)) == (["a", "b", "b"], ["a", "b"])
    assert "$errors" not in stage.data


def test_an_equal_value_at_one_place_is_a_conflict_too() -> None:
    """Both were worked out from the same old value."""
    stage = Stage([step("a", {}, puts(x=[1])), step("b", {}, puts(x=[1], y=1))], {})
    stage.end("a", "b")
    assert voided(stage.events) == [("b", "conflict")]
    stage.end("b")
    assert (stage.data, fired(stage.events)) == ({"x": [1], "y": 1}, ["a", "b"])


def _pop(data: dict[str, Any]) -> Any:
    return data["jobs"].pop(min(data["jobs"])) if isinstance(data["jobs"], dict) else data["jobs"].pop(0)


def _draw(data: dict[str, Any]) -> int:
    data["next"] = data.get("next", 0) + 1
    return int(data["next"])


def _rotate(data: dict[str, Any]) -> str:
    data["ring"].append(data["ring"].pop(0))
    return str(data["ring"][-1])


TAKES: list[tuple[str, dict[str, Any], Any]] = [
    ("a job of an object", {"jobs": {f"j{n}": n for n in range(4)}}, _pop),
    ("a job of a list", {"jobs": [{"id": n} for n in range(4)]}, _pop),
    ("the same job twice", {"jobs": ["j", "j", "j", "j"]}, _pop),
    ("a ticket", {"next": 7}, _draw),
    ("the first ticket", {}, _draw),
    ("a place in a ring", {"ring": ["a", "b", "c"]}, _rotate),
    ("a place in a ring of objects", {"ring": [{"id": n, "uses": 0} for n in range(3)]}, _rotate),
    ("a token", {}, lambda data: data.setdefault("tokens", []).append("t")),
]


@pytest.mark.parametrize(("document", "take"), [one[1:] for one in TAKES], ids=[one[0] for one in TAKES])
def test_what_four_steps_take_at_once_they_take_as_one_after_the_other(document: Any, take: Any) -> None:
    def taker(who: str) -> Any:
        return does(lambda data: data.update({who: take(data)}))

    stage = Stage([step(who, {who: {"$exists": False}}, taker(who)) for who in "abcd"], document)
    stage.end("a", "b", "c", "d")
    stage.end_all()
    alone = Stage([step(who, {who: {"$exists": False}}, taker(who)) for who in "abcd"], document, concurrency=1)
    alone.end_all()
    assert sorted(stage.data.items(), key=repr) == sorted(alone.data.items(), key=repr)
    assert stage.root.state == "done"


def test_steps_that_count_at_once_lose_no_count_and_pay_no_call_twice() -> None:
    paid: list[str] = []

    async def pay(what: str) -> str:
        paid.append(what)
        return what

    async def count(data: dict[str, Any], step: Any, connectors: Any) -> None:
        data[step.name] = await connectors.bank.pay(step.name)
        data["n"] += 1

    bank = connectors(connector("bank", pay=pay))
    stage = Stage([step(who, {who: None}, count) for who in "abcd"], {"n": 0}, connectors=bank)
    stage.end("a", "b", "c", "d")
    stage.end_all()
    assert (stage.data["n"], sorted(paid)) == (4, ["a", "b", "c", "d"])


LEADS = [{"name": "Ada", "rank": 2}, {"name": "Bob", "rank": 1}, {"name": "Cid", "rank": 3}]


def _called(data: dict[str, Any]) -> list[str]:
    return [lead["name"] for lead in data["leads"] if lead.get("called")]


def _score(data: dict[str, Any]) -> None:
    data["leads"].sort(key=lambda lead: lead["rank"])
    for place, lead in enumerate(data["leads"]):
        lead["place"] = place


def _rebuild(data: dict[str, Any]) -> None:
    data["leads"] = sorted(({**lead, "seen": True} for lead in data["leads"]), key=lambda lead: lead["rank"])


def _in_and_edit(data: dict[str, Any]) -> None:
    data["leads"].insert(0, {"name": "Eve", "rank": 0})
    data["leads"][-1]["last"] = True


def _out_and_append(data: dict[str, Any], more: int = 1) -> None:
    first = data["leads"].pop(0)
    data["leads"] += [first, {"name": "Eve", "rank": 9}, {"name": "Fay", "rank": 9}][:more]


ORDERS: list[tuple[str, Any]] = [
    ("sorted", lambda data: data["leads"].sort(key=lambda lead: lead["rank"])),
    ("sorted and numbered", _score),
    ("sorted and made again", _rebuild),
    ("rotated", _out_and_append),
    ("rotated and grown", lambda data: _out_and_append(data, 3)),
    ("reversed", lambda data: data["leads"].reverse()),
    ("swapped", lambda data: data["leads"].insert(0, data["leads"].pop(1))),
    ("shifted", lambda data: data["leads"].__setitem__(slice(None), [{"name": "Eve", "rank": 9}, *data["leads"][:2]])),
    ("grown at its head, and edited at its end", _in_and_edit),
    ("shortened", lambda data: data["leads"].pop(0)),
    ("replaced in one place", lambda data: data["leads"].__setitem__(0, {"name": "Eve", "rank": 9})),
]


@pytest.mark.parametrize("late", ["order", "call"])
@pytest.mark.parametrize("order", [one[1] for one in ORDERS], ids=[one[0] for one in ORDERS])
def test_an_edit_of_an_item_finds_it_though_another_step_orders_the_list_anew(order: Any, late: str) -> None:
    def call(data: dict[str, Any]) -> None:
        for lead in data["leads"]:
            if lead["name"] == "Ada":
                lead["called"] = True

    stage = Stage([step("order", {}, does(order)), step("call", {}, does(call))], {"leads": LEADS})
    stage.end(*sorted(("order", "call"), key=lambda name: name == late))
    assert voided(stage.events) == [(late, "conflict")]
    stage.end_all()
    assert set(_called(stage.data)) <= {"Ada"}
    assert "Ada" in _called(stage.data) or "Ada" not in [lead["name"] for lead in stage.data["leads"]]


def test_edits_of_different_items_of_a_list_both_stand() -> None:
    def edits(name: str) -> Any:
        return does(lambda data: [lead.update(by=name) for lead in data["leads"] if lead["name"] == name])

    both = does(lambda data: [data["leads"][0].update(x=1), data["leads"][1].update(x=1)])
    stage = Stage([step("a", {}, both), step("b", {}, edits("Cid")), step("c", {}, edits("Ada"))], {"leads": LEADS})
    stage.end("a", "b", "c")
    assert voided(stage.events) == []
    assert [lead.keys() & {"x", "by"} for lead in stage.data["leads"]] == [{"x", "by"}, {"x"}, {"by"}]


def test_a_void_firing_that_goes_again_is_the_same_firing_on_the_newest_document() -> None:
    steps = [
        step("a", {"go": 1}, puts(n=10)),
        step("b", {"go": 1}, does(lambda data: data.update(n=data.get("n", 0) + 1))),
    ]
    stage = Stage(steps, {"go": 1})
    stage.end("a", "b")
    stage.end("b")
    assert stage.data["n"] == 11
    runs = [(e.firing, e.run, e.version, e.attempt) for e in of_kind(stage.events, ev.FiringStarted) if e.step == "b"]
    assert runs == [(2, 1, 0, 1), (2, 2, 1, 1)]


def test_a_void_firing_whose_condition_no_longer_holds_is_superseded() -> None:
    steps = [step("a", {"x": None}, puts(x="a")), step("b", {"x": None}, puts(x="b"))]
    stage = Stage(steps, {})
    stage.end("a", "b")
    assert (stage.data, stage.names, stage.root.state) == ({"x": "a"}, [], "done")
    (void,) = of_kind(stage.events, ev.FiringVoided)
    assert (void.step, void.again) == ("b", False)


def test_a_void_firing_is_armed_for_the_next_time() -> None:
    steps = [
        step("a", {"x": None, "a": None}, puts(x="a", a=1)),
        step("b", {"x": None}, puts(x="b")),
        step("clear", {"x": "a"}, does(lambda data: data.pop("x"))),
    ]
    stage = Stage(steps, {})
    stage.end("a", "b")
    stage.end("clear")
    stage.end("b")
    assert (stage.data, fired(stage.events)) == ({"a": 1, "x": "b"}, ["a", "clear", "b"])


LOCKS: list[tuple[str, dict[str, Any], dict[str, Any], Any]] = [
    ("a field", {"lock": None}, {}, lambda data, who: data.update(lock=True)),
    ("with a name", {"lock": None}, {}, lambda data, who: data.update(lock=who)),
    ("an object", {"lock": {"by": None}}, {}, lambda data, who: data.update(lock={"by": "me"})),
    ("a new object", {"lock": {"taken": None}}, {}, lambda data, who: data.setdefault("lock", {}).update(taken=True)),
    ("a token", {"token": {"free": True}}, {"token": {"free": True}}, lambda data, who: data.pop("token")),
    ("a deep token", {"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 1}}}, lambda data, who: data["a"].pop("b")),
    ("an emptied object", {"t": {"free": 1}}, {"t": {"free": 1}}, lambda data, who: data.update(t={})),
    ("a whole", {"t": {"free": 1}}, {"t": {"free": 1}}, lambda data, who: data.update(t="gone")),
    ("a last item", {"q": {"$size": 1}}, {"q": ["it"]}, lambda data, who: data["q"].pop()),
]


@pytest.mark.parametrize(
    ("condition", "document", "take"), [lock[1:] for lock in LOCKS], ids=[lock[0] for lock in LOCKS]
)
def test_of_two_steps_that_take_one_lock_exactly_one_has_it(condition: Any, document: Any, take: Any) -> None:
    """Test-and-set, also where both write the same value or take something away."""

    def taker(who: str) -> Any:
        return does(lambda data: (take(data, who), data.setdefault("won", []).append(who)))

    stage = Stage([step("a", condition, taker("a")), step("b", condition, taker("b"))], {**document, "won": []})
    assert stage.names == ["a", "b"]
    stage.end("a", "b")
    assert (stage.data["won"], stage.names) == (["a"], [])
    assert [name for name, _ in voided(stage.events)] == ["b"]


def test_a_firing_lost_by_test_and_set_names_the_other() -> None:
    steps = [step("a", {"lock": None}, puts(lock={"a": 1})), step("b", {"lock": None}, puts(lock={"b": 1}))]
    stage = Stage(steps, {})
    stage.end("a", "b")
    (void,) = of_kind(stage.events, ev.FiringVoided)
    assert (void.step, void.reason, void.paths, void.others) == ("b", "lost", ("lock",), (1,))


def spoiler(rounds: int) -> list[Any]:
    """Step `a` writes x for so many rounds; so does `b`, which is always later."""

    async def spoil(data: dict[str, Any], step: Any) -> None:
        data["x"] = data.get("n", 0)
        data["n"] = data.get("n", 0) + 1
        if data["n"] < rounds:
            step.redo()

    return [step("a", {"go": 1}, spoil), step("b", {"go": 1}, puts(x="b"))]


def test_after_three_voids_in_a_row_a_firing_runs_alone() -> None:
    stage = Stage([*spoiler(9), step("c", {"n": 3}, looks), step("d", {"x": "b"}, puts(d=1))], {"go": 1})
    for _ in range(3):
        assert stage.names[:2] in (["a", "b"], ["b", "a"])
        stage.end("a", "b")
    assert voided(stage.events) == [("b", "conflict")] * 3
    assert stage.names == ["b"], "nothing else starts, though a and c are armed and match"
    stage.end("b")
    assert stage.data["x"] == "b"
    assert set(stage.names) == {"a", "c", "d"}


def test_while_a_firing_runs_alone_other_commits_queue() -> None:
    stage = Stage([*spoiler(3), step("slow", {"go": 1}, puts(slow=1))], {"go": 1})
    for _ in range(3):
        stage.end("a", "b")
    assert stage.names == ["slow", "b"]
    stage.end("slow")
    assert "slow" not in stage.data
    assert stage.run.pending
    stage.end("b")
    assert (stage.data["slow"], stage.data["x"]) == (1, "b")
    assert fired(stage.events)[-2:] == ["b", "slow"]


def test_while_a_firing_runs_alone_errors_and_looks_of_others_queue_too() -> None:
    steps = [step("bad", {"go": 1}, raises(ValueError("x"))), step("look", {"go": 1}, looks)]
    stage = Stage([*spoiler(3), *steps], {"go": 1})
    for _ in range(3):
        stage.end("a", "b")
    stage.end("bad", "look")
    assert ("$errors" in stage.data, looked(stage.events)) == (False, [])
    stage.end("b")
    assert ("$errors" in stage.data, looked(stage.events)) == (True, ["look"])


def test_while_a_firing_runs_alone_landings_queue_too() -> None:
    async def fan_out(task: Any) -> None:
        task.subtask("child", {"leaf": 1}, into="child")

    steps = [step("fan out", {"go": 1}, fan_out), step("leaf", {"leaf": 1}, puts(leaf=2))]
    stage = Stage([*spoiler(3), *steps], {"go": 1})
    stage.end("fan out")
    for _ in range(3):
        stage.end("a", "b")
    stage.end("leaf")
    assert "child" not in stage.data
    stage.end("b")
    assert stage.data["child"]["status"] == "done"
    assert stage.root.state == "done"


def test_nothing_queues_behind_a_firing_that_ran_alone_and_met_a_limit() -> None:
    stage = Stage([*spoiler(3), step("slow", {"go": 1}, puts(slow=1))], {"go": 1})
    for _ in range(3):
        stage.end("a", "b")
    assert stage.names == ["slow", "b"]
    stage.run.deliver(Limited(stage.running.popitem()[0], "no more calls", 0.0))
    stage.turn()
    turn = stage.end("slow")
    assert (stage.data["slow"], turn.finished, stage.root.state) == (1, True, "limited")
    stage.run.do(set_limits, {})
    stage.turn()
    stage.end("b")
    assert (stage.data["x"], stage.root.state) == ("b", "done")


def test_while_a_firing_runs_alone_what_a_person_writes_queues_too() -> None:
    stage = Stage(spoiler(3), {"go": 1})
    for _ in range(3):
        stage.end("a", "b")
    for body in ({"kind": "set", "set": [[["x"], "p"]]}, {"kind": "redo", "step": "a"}, {"kind": "set", "set": 5}):
        stage.store.post(ROOT, {"task": ROOT, **body})
    assert stage.run.take_requests()
    assert (stage.data["x"], len(stage.claim.requests())) == (2, 3)
    assert not stage.run.take_requests()
    stage.end("b")
    assert (stage.data["x"], stage.names, voided(stage.events)) == ("b", ["a"], [("b", "conflict")] * 3)
    assert stage.run.take_requests()
    stage.turn()
    assert (stage.data["x"], stage.claim.requests()) == ("p", [])


@pytest.mark.parametrize("place", ["x", "other"])
def test_a_write_to_a_left_task_does_not_queue_and_the_firing_that_ran_alone_lands_all_the_same(place: str) -> None:
    stage = Stage(spoiler(3), {"go": 1})
    for _ in range(3):
        stage.end("a", "b")
    stage.close()
    claim = stage.store.claim(ROOT)
    run = Scheduler(claim, Plan(spoiler(3)), clock=stage.clock, emit=lambda _: None)
    run.carry_out({"kind": "set", "set": [[[place], "p"]]})
    run.write()
    claim.close()
    back = Stage(spoiler(3), store=stage.store)
    assert (back.names, back.data[place]) == (["b"], "p")
    while back.data["x"] != "b":
        assert back.names == ["b"], "it still runs alone"
        back.end("b")
    assert len(voided(back.events)) == (place == "x")


def test_while_a_firing_runs_alone_the_default_of_a_question_queues_too() -> None:
    clock = HeldClock()

    async def ask(task: Any) -> None:
        task.ask("Which?", into="y", default="default", timeout=5)

    stage = Stage([*spoiler(4), step("ask", {"n": 2}, ask)], {"go": 1}, clock=clock)
    for _ in range(2):
        stage.end("a", "b")
    stage.end("ask")
    stage.end("a", "b")
    clock.moment += 6
    stage.turn()
    assert (stage.names, "y" in stage.data) == (["b"], False)
    stage.end("b")
    assert (stage.data["x"], stage.data["y"]) == ("b", "default")
    assert voided(stage.events) == [("b", "conflict")] * 3


def test_two_firings_that_both_lost_thrice_run_one_after_the_other() -> None:
    stage = Stage([*spoiler(3), step("c", {"go": 1}, puts(x="c"))], {"go": 1})
    for _ in range(3):
        stage.end("a", "b", "c")
    assert stage.names == ["b"]
    stage.end("b")
    assert stage.names == ["c"]
    stage.end("c")
    assert (stage.data["x"], stage.root.state) == ("c", "done")


def test_voids_use_up_no_tries() -> None:
    tries: list[int] = []

    async def content(data: dict[str, Any], step: Any) -> None:
        tries.append(step.attempt)
        data["x"] = "b"

    steps = [step("a", {"go": 1}, puts(x="a")), step("b", {"go": 1}, content, retry=Retry(2, wait=0))]
    stage = Stage(steps, {"go": 1})
    stage.end("a", "b")
    stage.end("b")
    assert tries == [1, 1]


# -- what a task has besides its data ----------------------------------------------------------------------------------


def tells(**wishes: Any) -> Any:
    """Content that sets the name of its task, adds a tag, sets all tags, adapts it, or asks a question."""

    async def content(task: Any) -> None:
        if "name" in wishes:
            task.name = wishes["name"].format(task.name)
        if "tag" in wishes:
            task.tags = (*task.tags, wishes["tag"])
        if "tags" in wishes:
            task.tags = wishes["tags"]
        if "adapt" in wishes:
            task.adapt(**wishes["adapt"])
        if "ask" in wishes:
            task.ask(wishes["ask"], into="answers.one")

    return content


def test_tags_that_two_add_at_once_both_stand() -> None:
    stage = Stage([step(name, {}, tells(tag=name)) for name in "ab"], {})
    stage.end("a", "b")
    assert (stage.root.tags, voided(stage.events)) == (("a", "b"), [])


def test_a_tag_added_stands_beside_a_new_name() -> None:
    stage = Stage([step("a", {}, tells(tag="a")), step("b", {}, tells(name="new"))], {})
    stage.end("a", "b")
    assert (stage.root.tags, stage.root.name, voided(stage.events)) == (("a",), "new", [])


CLASHES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("two names", {"name": "a"}, {"name": "b"}, "task.name"),
    ("equal names", {"name": "{}!"}, {"name": "{}!"}, "task.name"),
    ("tags replaced", {"tags": ["x"]}, {"tags": ["y"]}, "task.tags.0"),
    ("a setting", {"adapt": {"concurrency": 2}}, {"adapt": {"concurrency": 3}}, "task.settings.concurrency"),
    ("a model", {"adapt": {"models": {"m": "x"}}}, {"adapt": {"models": {"m": "y"}}}, "task.settings.models"),
    ("questions at one place", {"ask": "A?"}, {"ask": "B?"}, 'task.questions."answers.one"'),
]


@pytest.mark.parametrize(("one", "other", "place"), [clash[1:] for clash in CLASHES], ids=[c[0] for c in CLASHES])
def test_two_that_write_the_same_thing_about_their_task_conflict(one: Any, other: Any, place: str) -> None:
    steps = [step("tag", {"go": None}, tells(tags=["t"])), step("a", {"go": 1}, tells(**one))]
    stage = Stage([*steps, step("b", {"go": 1}, tells(**other))], {})
    stage.end("tag")
    stage.run.carry_out({"kind": "set", "set": [[["go"], 1]]})
    stage.turn()
    stage.end("a", "b")
    (void,) = of_kind(stage.events, ev.FiringVoided)
    assert (void.step, void.reason, void.paths, void.again) == ("b", "conflict", (place,), True)
    assert stage.names == ["b"]
    stage.end("b")
    assert fired(stage.events) == ["tag", "a", "b"]


def test_a_step_that_names_its_task_sees_the_name_that_another_gave_it() -> None:
    stage = Stage([step(name, {}, tells(name=f"{{}} {name}")) for name in "ab"], {})
    stage.end("a", "b")
    stage.end("b")
    assert stage.root.name == "a task a b"


def test_settings_for_different_names_both_stand() -> None:
    models = [step(name, {}, tells(adapt={"models": {name: "m"}, "retries": {name: 2}})) for name in "ab"]
    stage = Stage([step("first", {"go": None}, tells(adapt={"models": {"c": "m"}, "retries": {"c": 2}})), *models], {})
    stage.end("first")
    stage.end("a")
    stage.end("b")
    assert stage.root.settings == {"models": dict.fromkeys("cab", "m"), "retries": dict.fromkeys("cab", 2)}


def test_a_firing_repeated_after_a_crash_sees_the_name_it_started_with() -> None:
    stage = Stage([step(name, {}, tells(name=f"{{}} {name}")) for name in "ab"], {})
    stage.end("a")
    stage.close()
    again = Stage([step(name, {}, tells(name=f"{{}} {name}")) for name in "ab"], store=stage.store)
    assert [job.task_name for job in again.running.values()] == ["a task"]
    again.end("b")
    assert voided(again.events) == [("b", "conflict")]
    again.end("b")
    assert again.root.name == "a task a b"


# -- withdraw ----------------------------------------------------------------------------------------------------------


def test_a_withdrawn_firing_leaves_nothing() -> None:
    steps = [
        step("answer", {"answer": None, "q": 1}, puts(answer="a", x=1), withdraw=True),
        step("other", {"answer": None, "q": 1}, puts(answer="b")),
    ]
    stage = Stage(steps, {"q": 1})
    turn = stage.end("other")
    assert (dict(turn.cuts), stage.names, stage.data) == ({1: "withdrawn"}, [], {"q": 1, "answer": "b"})
    assert voided(stage.events) == [("answer", "withdrawn")]
    assert stage.root.state == "done"


def test_a_firing_that_ended_in_the_turn_it_is_withdrawn_in_is_void_all_the_same() -> None:
    steps = [
        step("answer", {"answer": None}, puts(extra=1), withdraw=True),
        step("other", {"answer": None}, puts(answer="b")),
    ]
    stage = Stage(steps, {})
    stage.end("other", "answer")
    assert stage.data == {"answer": "b"}


def test_a_withdrawn_step_fires_again_at_the_next_match() -> None:
    steps = [
        step("work", {"open": True}, puts(done=1), withdraw=True),
        step("close", {"open": True, "n": None}, puts(open=False, n=1)),
        step("reopen", {"open": False, "n": 1}, puts(open=True, n=2)),
    ]
    stage = Stage(steps, {"open": True})
    stage.end("close")
    stage.end("reopen")
    stage.end("work")
    assert (stage.data["done"], fired(stage.events)) == (1, ["close", "reopen", "work"])


def test_a_step_without_withdraw_is_left_to_end() -> None:
    steps = [step("work", {"open": True}, puts(done=1)), step("close", {"open": True}, puts(open=False))]
    stage = Stage(steps, {"open": True})
    stage.end("close")
    assert stage.names == ["work"]
