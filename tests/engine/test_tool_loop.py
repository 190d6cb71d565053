"""A model that calls tools, in a firing: killed anywhere it repeats no turn and no call that was answered."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from aloma_cli.budget import LimitRequest
from aloma_cli.connectors.base import Answer, Call, Connectors
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.tools.tool import tool
from aloma_cli.connectors.effects import effect
from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.job import Job, Outcome
from aloma_cli.content.step import Step
from aloma_cli.engine.limits import set_limits
from aloma_cli.errors import InputError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record import events as ev
from aloma_cli.record.summary import summary
from aloma_cli.store.memory import MemoryStore
from tests.connectors.support import completion
from tests.support.record import ROOT, of_kind
from tests.support.stage import Stage
from tests.support.steps import python, step


class Killed(BaseException):
    """The process dies at this moment."""


class OnALoop(Stage):
    """A stage whose firings may wait: each has an event loop."""

    def outcome(self, job: Job) -> Outcome:
        async def work() -> Outcome:
            cancellation = Cancellation(asyncio.get_running_loop())
            return await self._steps[job.step].content.run(job, self._toolbox, self._host, cancellation)

        return asyncio.run(work())


class World:
    """A model that plays `turns`, and tools; `did` is what happened outside. It dies before deed number `dies_at`."""

    def __init__(self, *turns: JsonObject | str, dies_at: int = 0) -> None:
        self.turns = turns
        self.did: list[str] = []
        self.dies_at = dies_at
        self.after = False

    def does(self, deed: str) -> None:
        """Something happens outside; the process may die before it, or right after it."""
        if len(self.did) + 1 == self.dies_at and not self.after:
            self.dies_at = 0
            raise Killed
        self.did.append(deed)
        if len(self.did) == self.dies_at:
            self.dies_at = 0
            raise Killed

    async def model(self, call: Call) -> Answer:
        turn = sum(message["role"] == "assistant" for message in call.arguments["messages"])
        self.does(f"turn {turn}")
        given = self.turns[min(turn, len(self.turns) - 1)]
        return Answer(completion(given) if isinstance(given, str) else given)

    @property
    def connectors(self) -> Connectors:
        return Connectors({"openai": {"chat": Chat(self.model, concurrency=9)}})


def calling(*asked: tuple[str, JsonObject]) -> JsonObject:
    """A turn that calls tools."""
    made = [
        {"id": f"i{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, (name, arguments) in enumerate(asked)
    ]
    return completion(None, message={"role": "assistant", "content": None, "tool_calls": made})


def agent(world: World, *, approve: Any = False) -> list[Step]:
    """A step whose model may look something up, and send a mail."""

    async def content(data: dict[str, Any], connectors: Any) -> None:
        @effect("read")
        async def look_up(name: str) -> str:
            world.does(f"look up {name}")
            return f"{name} is 36"

        @effect("once")
        async def send(to: str) -> str:
            world.does(f"send {to}")
            return "sent"

        tools = [look_up, tool(send, approve=approve)]
        data["out"] = (await connectors.openai.chat(messages="Write to Ada", tools=tools)).data

    return [step("agent", {"out": None}, content)]


STORY = (calling(("look_up", {"name": "Ada"})), calling(("send", {"to": "Ada"})), "done")
DEEDS = ["turn 0", "look up Ada", "turn 1", "send Ada", "turn 2"]


def test_an_undisturbed_loop() -> None:
    world = World(*STORY)
    stage = OnALoop(agent(world), {}, connectors=world.connectors)
    stage.end("agent")
    assert (stage.data, world.did) == ({"out": "done"}, DEEDS)
    calls = of_kind(stage.journal(), ev.CallAnswered)
    assert [call.call for call in calls] == ["openai.chat", "tool.look_up", "openai.chat", "tool.send", "openai.chat"]
    assert [call.arguments for call in calls[1::2]] == [{"name": "Ada"}, {"to": "Ada"}]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("dies_at", range(1, len(DEEDS) + 1))
def test_killed_before_or_after_any_deed_it_repeats_nothing_that_was_answered(dies_at: int, after: bool) -> None:
    world = World(*STORY, dies_at=dies_at)
    world.after = after
    stage = OnALoop(agent(world), {}, connectors=world.connectors)
    stage.outcome(next(iter(stage.running.values())))
    stage.close()
    again = OnALoop(agent(world), store=stage.store, connectors=world.connectors)
    if again.root.state == "unsettled":
        (call,) = summary(again.tree, ROOT, again.data)["unsettled"]
        assert (call["function"], call["arguments"]) == ("tool.send", {"to": "Ada"})
        happened = "send Ada" in world.did
        again.run.carry_out(
            {"kind": "settle", "call": call["call"], **({"done": "sent"} if happened else {"again": True})}
        )
        again.turn()
    again.end("agent")
    assert again.data == {"out": "done"}
    # Only what had happened and was not answered is done twice, and never what must be done once.
    twice = [DEEDS[dies_at - 1]] if after and DEEDS[dies_at - 1] != "send Ada" else []
    assert sorted(world.did) == sorted(DEEDS + twice)


# -- approval ----------------------------------------------------------------------------------------------------------


def asked(stage: Stage) -> list[JsonObject]:
    return summary(stage.tree, ROOT, stage.data)["questions"]


def answer(stage: Stage, value: Any, **which: Any) -> None:
    stage.run.carry_out({"kind": "answer", "value": value, "text": str(value), **which})
    stage.turn()


@pytest.mark.parametrize("approve", [True, {}, {"to": "Ada"}, lambda arguments: arguments["to"] == "Ada"])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_call_waits_for_a_person_without_a_process(approve: Any, restarted: bool) -> None:
    world = World(*STORY)
    stage = OnALoop(agent(world, approve=approve), {}, connectors=world.connectors)
    stage.end("agent")
    assert (stage.root.state, world.did, stage.names) == ("question", DEEDS[:3], [])
    (question,) = asked(stage)
    assert question["question"] == 'May the model call tool.send with {"to":"Ada"}?'
    assert (question["schema"], question["into"], question["call"]) == ({"type": "boolean"}, None, 4)
    if restarted:
        stage.close()
        stage = OnALoop(agent(world, approve=approve), store=stage.store, connectors=world.connectors)
        assert stage.root.state == "question"
    answer(stage, True)
    stage.end("agent")
    assert (stage.data, world.did, stage.root.state) == ({"out": "done"}, DEEDS, "done")
    assert stage.tree.spent.calls == 3, "what a person says, and what the step does itself, costs nothing"


def test_a_refused_call_is_not_made_and_the_model_is_told() -> None:
    world = World(*STORY[:2], "I did not send it")
    stage = OnALoop(agent(world, approve=True), {}, connectors=world.connectors)
    stage.end("agent")
    answer(stage, "no")
    stage.end("agent")
    assert world.did == ["turn 0", "look up Ada", "turn 1", "turn 2"]
    last = of_kind(stage.journal(), ev.CallAnswered)[-1].arguments["messages"][-1]
    assert last["content"] == "A person refused this call. It was not made."


@pytest.mark.parametrize("allowed", [True, False])
def test_what_a_person_says_counts_also_if_the_author_has_removed_the_approval_meanwhile(allowed: bool) -> None:
    world = World(*STORY)
    stage = OnALoop(agent(world, approve=True), {}, connectors=world.connectors)
    stage.end("agent")
    stage.close()
    stage = OnALoop(agent(world), store=stage.store, connectors=world.connectors)
    assert stage.root.state == "question"
    answer(stage, allowed)
    stage.end("agent")
    assert world.did == [deed for deed in DEEDS if allowed or deed != "send Ada"]


def test_nobody_is_asked_about_a_call_that_was_made_before_it_needed_approval() -> None:
    world = World(*STORY, dies_at=5)
    stage = OnALoop(agent(world), {}, connectors=world.connectors)
    stage.outcome(next(iter(stage.running.values())))
    stage.close()
    stage = OnALoop(agent(world, approve=True), store=stage.store, connectors=world.connectors)
    stage.end("agent")
    assert (stage.data, stage.root.state, world.did.count("send Ada")) == ({"out": "done"}, "done", 1)


def test_a_call_that_needs_no_approval_is_made_at_once() -> None:
    world = World(*STORY)
    stage = OnALoop(agent(world, approve={"to": {"$ne": "Ada"}}), {}, connectors=world.connectors)
    stage.end("agent")
    assert world.did == DEEDS


@pytest.mark.parametrize("approve", [{"eur": {"$gt": 1000}}, lambda arguments: arguments["eur"] > 1000])
def test_an_argument_that_the_model_leaves_out_is_judged_by_its_default(approve: Any) -> None:
    paid: list[int] = []

    async def content(data: dict[str, Any], connectors: Any) -> None:
        async def pay(to: str, eur: int = 5000) -> None:
            paid.append(eur)

        tools = [tool(pay, approve=approve)]
        data["out"] = (await connectors.openai.chat(messages="Pay", tools=tools)).data

    world = World(calling(("pay", {"to": "Ada"})), "done")
    stage = OnALoop([step("agent", {"out": None}, content)], {}, connectors=world.connectors)
    stage.end("agent")
    assert (stage.root.state, paid) == ("question", [])


@pytest.mark.parametrize(
    ("approve", "complaint"),
    [({"too": "Ada"}, "`approve` of send: the tool has no argument 'too'"), ({"to": {"$gtt": 1}}, "unknown operator")],
)
def test_a_condition_that_can_never_ask_is_refused_before_the_model_is_asked(approve: Any, complaint: str) -> None:
    world = World(*STORY)
    stage = OnALoop(agent(world, approve=approve), {}, connectors=world.connectors)
    stage.end("agent")
    assert complaint in stage.data["$errors"]["agent"]["message"]
    assert world.did == []


def test_several_calls_wait_together_and_are_answered_one_by_one() -> None:
    world = World(calling(("send", {"to": "Ada"}), ("look_up", {"name": "Eve"}), ("send", {"to": "Eve"})), "done")
    stage = OnALoop(agent(world, approve=True), {}, connectors=world.connectors)
    stage.end("agent")
    first, second = (question["call"] for question in asked(stage))
    assert world.did == ["turn 0", "look up Eve"], "the others are made meanwhile"
    with pytest.raises(InputError, match="2 open questions"):
        answer(stage, True)
    with pytest.raises(InputError, match="does not wait for an approval"):
        answer(stage, True, call=99)
    answer(stage, False, call=first)
    assert (stage.root.state, stage.names) == ("question", [])
    answer(stage, True, call=second)
    stage.end("agent")
    assert world.did == ["turn 0", "look up Eve", "send Eve", "turn 1"]


def test_an_answer_must_be_yes_or_no() -> None:
    world = World(*STORY)
    stage = OnALoop(agent(world, approve=True), {}, connectors=world.connectors)
    stage.end("agent")
    with pytest.raises(InputError, match="not a valid answer"):
        answer(stage, "perhaps")
    assert isinstance(stage.store, MemoryStore)


def test_a_withdrawn_firing_asks_no_more() -> None:
    world = World(*STORY)
    (made,) = agent(world, approve=True)
    steps = [step("agent", {"out": None, "go": True}, python(made).function, withdraw=True)]
    stage = OnALoop(steps, {"go": True}, connectors=world.connectors)
    stage.end("agent")
    assert stage.root.state == "question"
    stage.run.carry_out({"kind": "set", "set": [[["go"], False]]})
    stage.turn()
    assert (asked(stage), stage.tree.flying) == ([], {})


# -- what a tool must not do -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("does", "warned"),
    [
        (lambda data, task: None, False),
        (lambda data, task: data["notes"].append("x"), True),
        (lambda data, task: data.update(x=1), True),
        (lambda data, task: task.ask("Why?", "why"), True),
    ],
)
def test_a_tool_that_writes_is_told_of(does: Any, warned: bool) -> None:
    world = World(calling(("note", {})), "done")

    async def content(data: dict[str, Any], task: Any, connectors: Any) -> None:
        data["before"] = 1

        async def note() -> None:
            does(data, task)

        data["out"] = (await connectors.openai.chat(messages="q", tools=[note])).data

    stage = OnALoop([step("agent", {"out": None}, content)], {"notes": []}, connectors=world.connectors)
    stage.end("agent")
    logs = [log.text for log in of_kind(stage.events, ev.Logged)]
    assert [log.startswith("data or task was changed while tool.note ran") for log in logs] == [True] * warned
    assert stage.data["out"] == "done"


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [1, 2])
def test_a_tool_that_makes_calls_of_its_own_does_not_wait_for_itself(calls: int) -> None:
    world = World(calling(("find", {})), "done")

    async def content(data: dict[str, Any], connectors: Any) -> None:
        async def find() -> str:
            return str((await connectors.openai.chat(messages=[{"role": "assistant", "content": "deeper"}])).data)

        data["out"] = (await asyncio.wait_for(connectors.openai.chat(messages="q", tools=[find]), 10)).data

    steps = [step("agent", {"out": None}, content)]
    stage = OnALoop(steps, {}, connectors=world.connectors)
    stage.run.do(set_limits, {"calls": LimitRequest(calls)})
    stage.end("agent")
    assert (stage.root.state, stage.data) == ("limited", {})
    stage.run.do(set_limits, {"calls": LimitRequest(9)})
    stage.turn()
    stage.end("agent")
    assert stage.data == {"out": "done"}
    assert sorted(world.did) == ["turn 0", "turn 1", "turn 1"], "nothing is asked twice"
