"""What a task may spend: held before each call, over the whole tree; a limit pauses the task and loses nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.budget import Amount, Budget, LimitRequest, Limits
from aloma_cli.connectors.base import Answer, Call, Connectors
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.content.job import Limited
from aloma_cli.engine.limits import set_limits
from aloma_cli.engine.working import WorkingTree
from aloma_cli.record import events as ev
from aloma_cli.store.memory import MemoryStore
from tests.support.play import Played, play
from tests.support.record import ROOT, of_kind
from tests.support.stage import Stage
from tests.support.steps import does, puts, step


class Server:
    """A model server that counts. Answers take `tokens` and cost a tenth of a cent each; the price is known before."""

    def __init__(self, tokens: int = 10, *, seconds: float = 1.0, priced: bool = True) -> None:
        self.requests = 0
        self.tokens = tokens
        self.seconds = seconds
        self.priced = priced

    async def send(self, _call: Call) -> Answer:
        self.requests += 1
        await asyncio.sleep(self.seconds)
        completion = {"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}], "usage": {}}
        return Answer(completion, {"input_tokens": 0, "output_tokens": self.tokens, "cost": 0.001}, {"model": "m"})

    def connectors(self) -> Connectors:
        async def price(*_: object) -> float | None:
            return 0.001 if self.priced else None

        return Connectors({"openai": {"chat": Chat(self.send, concurrency=100, price=price)}})


async def asks(data: Any, connectors: Any) -> None:
    await connectors.openai.chat(model="m", messages=[{"role": "user", "content": "?"}], max_tokens=10)
    data["answered"] = True


async def spawns(data: Any, task: Any) -> None:
    for number in range(data["children"]):
        task.subtask(f"child {number}", {"child": number})
    data["spawned"] = True


FAMILY = [
    step("spawn", {"children": int, "spawned": None}, spawns),
    step("ask", {"child": int, "answered": None}, asks),
]


def limited(server: Server, children: int, store: MemoryStore, data: Any = None, **limits: Any) -> Played:
    """A root with subtasks that ask the model once each, side by side, under these limits."""
    wishes = {name: value if isinstance(value, LimitRequest) else LimitRequest(value) for name, value in limits.items()}
    data = {"children": children} if data is None else data
    return play(
        FAMILY, data or None, connectors=server.connectors(), store=store, during=lambda run: run.do(set_limits, wishes)
    )


@pytest.mark.parametrize("most", [0, 1, 7, 49])
def test_no_more_calls_are_sent_than_the_limit_allows(most: int) -> None:
    server, store = Server(), MemoryStore()
    played = limited(server, 50, store, calls=most)
    assert (server.requests, played.tree.root.state) == (most, "limited")
    assert sum(task.state == "done" for task in played.tree.tasks.values()) == most


def test_a_limit_that_is_enough_is_not_felt() -> None:
    server = Server()
    played = limited(server, 50, MemoryStore(), calls=50, cost=0.051, seconds=1.5)
    assert (server.requests, played.tree.root.state) == (50, "done")


def test_tokens_are_overshot_by_no_more_than_the_answers_under_way_exceed_what_was_held_for_them() -> None:
    server = Server(tokens=50)
    played = limited(server, 50, MemoryStore(), tokens=400)
    (held,) = {10 + size for size in _asked(played)}
    exceeded = server.requests * (50 - held)
    assert played.tree.root.state == "limited"
    assert 400 < played.tree.spent.tokens <= 400 + exceeded
    assert server.requests == 400 // held, "all that fitted were let in side by side"


def _asked(played: Played) -> list[int]:
    import json

    return [len(json.dumps(event.arguments)) // 4 for event in of_kind(played.events, ev.CallAnswered, None)]


def test_money_is_held_before_it_is_spent() -> None:
    server = Server()
    played = limited(server, 50, MemoryStore(), cost=0.0105)
    assert (server.requests, played.tree.root.state) == (10, "limited")
    assert "of $0.0105; the next call may cost" in str(played.tree.limited)


def test_an_unknown_price_is_a_refusal_not_zero() -> None:
    server = Server(priced=False)
    played = limited(server, 3, MemoryStore(), cost=1.0)
    assert (server.requests, played.tree.root.state) == (0, "limited")
    assert played.tree.limited == "cost limit reached ($1; the price of the next call is unknown)"


def test_what_is_paused_goes_on_where_it_was_when_the_limit_is_raised() -> None:
    server, store = Server(), MemoryStore()
    limited(server, 10, store, calls=4)
    again = limited(server, 10, store, {}, calls=LimitRequest(2, more=True))
    assert (server.requests, again.tree.root.state) == (6, "limited")
    last = limited(server, 10, store, {}, calls=LimitRequest(100, more=True))
    assert (server.requests, last.tree.root.state) == (10, "done"), "nothing was asked twice"


def test_without_a_higher_limit_it_is_limited_again_before_anything_is_paid() -> None:
    server, store = Server(), MemoryStore()
    limited(server, 10, store, calls=4)
    again = limited(server, 10, store, {})
    assert (server.requests, again.tree.root.state) == (4, "limited")


def test_a_step_that_catches_everything_cannot_swallow_a_limit() -> None:
    async def greedy(data: Any, connectors: Any) -> None:
        try:
            await asks(data, connectors)
        except BaseException:  # noqa: BLE001
            data["swallowed"] = True

    played = play(
        [step("greedy", {}, greedy)],
        {},
        connectors=Server().connectors(),
        during=lambda run: run.do(set_limits, {"calls": LimitRequest(0)}),
    )
    assert (played.tree.root.document, played.tree.root.state) == ({}, "limited")


def test_time_counts_only_while_firings_run() -> None:
    steps = [step(name, {name: None}, puts(1.0, **{name: 1})) for name in "abcd"]
    played = play(steps, {}, concurrency=1, during=lambda run: run.do(set_limits, {"seconds": LimitRequest(2.5)}))
    assert (played.tree.root.document, played.tree.root.state) == ({"a": 1, "b": 1, "c": 1}, "limited")


def test_time_does_not_count_while_what_runs_is_paused() -> None:
    stage = Stage([step("a", {}, puts(a=1))], {})
    stage.run.deliver(Limited(stage.running.popitem()[0], "no more calls", 0.0))
    stage.turn()
    stage.clock.moment += 3600
    stage.run.do(set_limits, {"seconds": LimitRequest(10)})
    stage.turn()
    assert (stage.tree.working, stage.root.state) == (0.0, "processing")


def test_what_is_held_for_a_call_that_waits_follows_the_answers_that_came_meanwhile() -> None:
    async def asks_at_length(data: Any, connectors: Any) -> None:
        await connectors.openai.chat(model="m", messages=[{"role": "user", "content": "?"}])
        data["answered"] = True

    steps = [FAMILY[0], step("ask", {"child": int, "answered": None}, asks_at_length)]
    wishes = {"tokens": LimitRequest(4050)}
    played = play(
        steps,
        {"children": 4},
        connectors=Server(tokens=100).connectors(),
        during=lambda run: run.do(set_limits, wishes),
    )
    assert played.root.state == "done", "the first answer was short: the others need not be held for 4,000 tokens"
    waits = [(event.state, event.text) for event in played.events if isinstance(event, ev.CallProgress)]
    assert ("queued", "room within the limits") in waits


def test_a_counter_that_grows_for_ever_is_paused_after_a_thousand_firings() -> None:
    async def count(data: Any, step: Any) -> None:
        data["n"] += 1
        step.redo()

    stage = Stage([step("count", {"n": int}, count)], {"n": 0})
    stage.end_all()
    assert (stage.data["n"], stage.root.state, stage.root.closed) == (1000, "limited", False)
    assert stage.tree.limited == "count has fired 1,000 times, which looks like a loop"
    stage.run.do(set_limits, {})
    stage.turn()
    stage.end_all()
    assert stage.data["n"] == 2000


def test_a_long_run_over_many_steps_is_not_stopped() -> None:
    def move(data: Any) -> None:
        data.update(n=data["n"] + 1, turn=(data["n"] + 1) % 20)

    steps = [step(f"s{digit}", {"n": int, "turn": digit}, does(move)) for digit in range(20)]
    stage = Stage([*steps, step("end", {"n": {"$gte": 10_000}}, puts(turn=None), priority=1)], {"n": 0, "turn": 0})
    while stage.running and stage.data["n"] < 10_000:
        stage.deliver(next(iter(stage.running)))
        stage.turn()
    assert (stage.data["n"], stage.root.state) == (10_000, "processing")


def test_the_limits_and_what_is_spent_are_in_the_record() -> None:
    server, store = Server(), MemoryStore()
    played = limited(server, 10, store, calls=4)
    tree = WorkingTree.of(event for batch in store.read(ROOT) for event in batch.events)
    assert (tree.limits, tree.spent, tree.limited) == (
        Limits({"calls": 4}),
        played.tree.spent,
        "call limit reached (4 of 4)",
    )


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"calls": 0}, "the call limit is 0: no call is allowed"),
        ({"tokens": 0}, "the token limit is 0: the next call may take "),
        ({"cost": 0}, "the cost limit is 0: the next call may cost $"),
        ({"seconds": 0}, "the time limit is 0: no step is started"),
    ],
)
def test_a_limit_of_0_allows_nothing_and_says_so(limits: dict[str, float], reason: str) -> None:
    server = Server()
    tree = limited(server, 2, MemoryStore(), **limits).tree
    assert (server.requests, tree.root.state) == (0, "limited")
    assert (tree.limited or "").startswith(reason)


def test_with_a_limit_of_0_calls_a_step_that_makes_none_runs() -> None:
    limits = {"calls": LimitRequest(0)}
    played = play([step("quiet", {"go": 1}, puts(x=1))], {"go": 1}, during=lambda run: run.do(set_limits, limits))
    assert (played.tree.root.state, played.data["x"]) == ("done", 1)


AMOUNTS = st.builds(Amount, st.integers(1, 3), st.integers(0, 50), st.floats(0, 1).map(lambda cost: round(cost, 3)))


LIMITED = st.fixed_dictionaries({"calls": st.integers(0, 20), "tokens": st.integers(0, 300), "cost": st.floats(0, 5)})


@given(st.builds(Limits, LIMITED), st.lists(AMOUNTS, max_size=40))
def test_what_is_let_in_never_exceeds_the_limits(limits: Limits, wanted: list[Amount]) -> None:
    budget = Budget(limits, Amount())
    for amount in wanted:
        if budget.refusal(amount) is None:
            budget.held.add(amount)
    assert budget.held.calls <= limits.most["calls"]
    assert budget.held.tokens <= limits.most["tokens"]
    assert (budget.held.cost or 0) <= limits.most["cost"] + 1e-9


def test_the_limit_of_time_holds_while_a_firing_goes_on_calling() -> None:
    async def talks(data: Any, connectors: Any) -> None:
        for _ in range(30):
            await connectors.openai.chat(model="m", messages=[{"role": "user", "content": "?"}])
        data["done"] = True

    server = Server(seconds=1.0)
    limits = {"seconds": LimitRequest(2.5)}
    played = play(
        [step("talks", {}, talks)], {}, connectors=server.connectors(), during=lambda run: run.do(set_limits, limits)
    )
    assert (server.requests, played.tree.root.state) == (3, "limited")


def test_a_task_is_not_paused_while_one_of_its_subtasks_goes_on() -> None:
    async def spawns(task: Any) -> None:
        task.subtask("leaf", {"leaf": 1})

    steps = [
        step("spawns", {"go": 1}, spawns),
        step("calls", {"$children": {"spawns": dict}}, puts(x=1)),
        step("works", {"leaf": 1}, puts(y=1)),
    ]
    stage = Stage(steps, {"go": 1})
    stage.end("spawns")
    (firing,) = (number for number, job in stage.running.items() if job.step == "calls")
    del stage.running[firing]
    stage.run.deliver(Limited(firing, "call limit reached (1 of 1)", 0.0, "calls"))
    stage.turn()
    assert (stage.names, stage.root.state) == (["works"], "waiting")
    assert stage.end("works").finished
    assert stage.root.state == "limited"


def test_what_waits_for_a_firing_that_runs_alone_goes_on_when_that_is_superseded() -> None:
    """Both are paused by a limit; meanwhile a person makes the condition of the one that ran alone false."""
    stage = Stage([step("a", {"a": 1}, puts(x=1)), step("b", {"b": 1}, puts(y=1))], {"a": 1, "b": 1})
    for firing in list(stage.running):
        del stage.running[firing]
        stage.run.deliver(Limited(firing, "call limit reached (1 of 1)", 0.0, "calls"))
    stage.turn()
    alone = next(flight for flight in stage.root.flights.values() if flight.step == "a")
    alone.voids = 3
    stage.run.carry_out({"kind": "set", "set": [[["a"], 2]]})
    stage.run.do(set_limits, {"calls": LimitRequest(5)})
    stage.turn()
    assert stage.names == ["b"]
    assert stage.end("b").finished
    assert stage.data["y"] == 1
    assert [rest.state for rest in of_kind(stage.events, ev.TaskRested)] == ["limited", "done"]


def test_a_subtask_that_goes_on_after_a_limit_ends_the_rest_of_a_task_that_is_asked_something() -> None:
    tree = WorkingTree()
    for name, parent in (("1", None), ("1.1.1", "1")):
        tree.apply(ev.TaskCreated(at="2026-01-01T00:00:00.000Z", task=name, name="t", data={}, parent=parent))
    for name, state in (("1.1.1", "limited"), ("1", "question")):
        tree.apply(ev.TaskRested(at="2026-01-01T00:00:00.000Z", task=name, state=state))
    tree.apply(ev.LimitsSet(at="2026-01-01T00:00:00.000Z", task="1", limits={}))
    assert [task.rest for task in tree.tasks.values()] == [None, None]
