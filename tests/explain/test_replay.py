"""A replay of what ran is exact; a change of one prompt, one condition or one field is the first divergence."""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from aloma_cli import Step, Workspace, run
from aloma_cli.api.workspace import load
from aloma_cli.content.retry import Retry
from aloma_cli.document.paths import MISSING
from aloma_cli.explain.replay.replay import ReplayReport
from aloma_cli.record import events as ev
from aloma_cli.testing.replay import replayed
from aloma_cli.testing.timeline import Timeline
from tests.support.steps import connector, puts, step
from tests.workflows.chance import play_by_chance
from tests.workflows.test_desk import DESK, NEW, Desk, desk
from tests.workflows.workspace import REPOSITORY
from tests.workflows.workspace import Workspace as Examples

STORIES = sorted(
    path.parent.relative_to(REPOSITORY) for path in (REPOSITORY / "examples").rglob("README.md") if path.parent != DESK
)


__all__ = ["desk"]


def told(report: ReplayReport) -> list[tuple[str, str, str]]:
    return [(one.kind, one.step, one.where) for one in report.divergences]


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.name)
def test_a_replay_of_an_example_is_exact(story: Path, tmp_path: Path) -> None:
    examples = Examples.copied_to(tmp_path)
    text = (REPOSITORY / story / "README.md").read_text(encoding="utf-8")
    for line in re.findall(r"^aloma (task new .*)$", text, re.MULTILINE):
        examples.aloma(*shlex.split(line), "-q")
        ended = examples.aloma("task", "replay")
        assert (ended.code, ended.out.partition(":")[0]) == (0, "exact"), ended.out + ended.err


def test_a_replay_of_agents_with_tools_and_people_is_exact_and_runs_no_tool(desk: Desk) -> None:
    desk.aloma(*NEW)
    desk.aloma("task", "answer", "@last", "Say that we are sorry.", "-q")
    assert desk.aloma("task", "answer", "@last", "yes", "-q")[0] == 0
    sent = desk.outbox
    assert desk.aloma("task", "replay", "--all") == (0, "exact: 7 firings on 10 recorded answers\n")
    assert desk.outbox == sent


class Shop:
    """A connector whose answers take their time."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.asked = 0

    async def offer(self, item: Any, count: int = 1) -> Any:
        self.asked += 1
        await asyncio.sleep(self._random.choice([0, 0.5, 2]))
        return {"item": item, "price": self._random.randrange(100), "count": count}


def act(what: str, at: int) -> Callable[[Any, Any, Any, Any], Any]:
    """One thing that a random step does; it depends on its arguments alone."""

    async def calls(data: Any, task: Any, step: Any, shop: Any) -> None:
        data[f"o{at}"] = await shop.offer(data.get("n", 0))
        data.setdefault("offers", []).append(await shop.offer(at, count=2))

    async def calls_at_once(data: Any, task: Any, step: Any, shop: Any) -> None:
        data[f"m{at}"] = [one["price"] for one in await asyncio.gather(*(shop.offer(n) for n in range(3)))]

    async def counts(data: Any, task: Any, step: Any, shop: Any) -> None:
        await asyncio.sleep(at / 3)
        data["n"] = data.get("n", 0) + 1

    async def edits(data: Any, task: Any, step: Any, shop: Any) -> None:
        data.setdefault("list", []).insert(0, {"at": at})
        data["list"] = data["list"][:3]
        data.pop(f"k{at - 1}", None)

    async def forks(data: Any, task: Any, step: Any, shop: Any) -> None:
        task.subtask(f"child {at}", {f"k{at + 1}": 1, "n": 0}, into=f"found.c{at}")
        task.tags = (*task.tags, f"t{at}")

    async def fails_once(data: Any, task: Any, step: Any, shop: Any) -> None:
        data[f"f{at}"] = await shop.offer("f")
        if step.attempt == 1:
            raise ValueError(f"not yet: {data['f' + str(at)]['price']}")

    async def repeats(data: Any, task: Any, step: Any, shop: Any) -> None:
        data["n"] = data.get("n", 0) + 1
        if data["n"] < 4:
            step.redo()

    async def looks(data: Any, task: Any, step: Any, shop: Any) -> None:
        await asyncio.sleep(at)

    return locals()[what]  # type: ignore[no-any-return]


ACTS = ["calls", "calls_at_once", "counts", "edits", "forks", "fails_once", "repeats", "looks"]


def random_steps(random: Random, shop: Shop) -> list[Step]:
    """Steps that wake one another by `k1`, `k2`, …, and do one or two things each."""

    def made(at: int) -> Step:
        acts = [act(what, at) for what in random.sample(ACTS, random.choice([1, 2]))]

        async def content(data: Any, task: Any, step: Any, connectors: Any) -> None:
            for one in acts:
                await one(data, task, step, connectors.shop)
            data[f"k{at + 1}"] = 1
            if at % 2:
                data[f"k{at + 2}"] = 1

        condition: Any = random.choice([{f"k{at}": 1}, {f"k{at}": int, "n": {"$gte": 0}}, {"$or": [{f"k{at}": 1}]}])
        return Step(
            f"s{at}", condition, content, retry=Retry(times=3, wait=1), rearm=random.choice(["edge", "edge", "change"])
        )

    return [made(at) for at in range(5)]


def recorded(seed: int) -> tuple[Workspace, str, Shop]:
    random = Random(seed)
    shop, timeline = Shop(random), Timeline(1_700_000_000.0)
    workspace = Workspace(random_steps(random, shop), connectors={"shop": shop}, clock=timeline)
    return workspace, timeline.run(workspace.run("by chance", {"k0": 1, "n": 0})).id, shop


@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(at, marks=pytest.mark.slow) for at in range(6, 50))])
def test_a_replay_of_a_random_task_is_exact_and_makes_no_call(seed: int) -> None:
    workspace, task, shop = recorded(seed)
    asked = shop.asked
    report = replayed(workspace, task)
    assert told(report) == []
    assert report.firings > 0
    assert shop.asked == asked


def never(old: Step) -> Step:
    return Step(old.name, {"n": "never"}, old.content, retry=old.retry, rearm=old.rearm)


def with_field(old: Step) -> Step:
    before: Any = old.content

    async def content(data: Any, task: Any, step: Any, connectors: Any) -> None:
        await before.function(data, task, step, connectors)
        data["planted"] = 1

    return Step(old.name, old.condition.pattern, content, retry=old.retry, rearm=old.rearm)


def with_call(old: Step) -> Step:
    before: Any = old.content

    async def content(data: Any, task: Any, step: Any, connectors: Any) -> None:
        async def offer(item: Any, count: int = 1) -> Any:
            return await connectors.shop.offer(f"another {item}", count=count)

        await before.function(data, task, step, SimpleNamespace(shop=SimpleNamespace(offer=offer)))

    return Step(old.name, old.condition.pattern, content, retry=old.retry, rearm=old.rearm)


@pytest.mark.parametrize(
    ("plant", "kind", "after"),
    [(never, "condition", ev.FiringStarted), (with_field, "field", ev.Committed), (with_call, "call", ev.CallAnswered)],
)
def test_a_change_planted_in_a_random_task_is_the_first_divergence(
    plant: Callable[[Step], Step], kind: str, after: Any
) -> None:
    found = 0
    for seed in range(12):
        workspace, task, _ = recorded(seed)
        events = workspace.task(task).tree_journal
        steps = {event.firing: event.step for event in events if isinstance(event, ev.FiringStarted)}
        ended = {event.firing for event in events if isinstance(event, after)}
        for name in {steps[firing] for firing in ended if firing is not None}:
            old = workspace.steps[name]
            workspace.steps[name] = plant(old)
            first = replayed(workspace, task).divergences[0]
            assert (first.kind, first.step) == (kind, name), (seed, first)
            workspace.steps[name] = old
            found += 1
    assert found > 12


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_replay_of_an_example_with_random_delays_is_exact(seed: int, tmp_path: Path) -> None:
    random = Random(seed)
    story, data = random.choice([("one-domain-fails", "research"), ("one-agent-escalates", "hierarchy")])
    examples = Examples.copied_to(tmp_path / "workspace")
    loaded = load(examples.root).loaded
    task = play_by_chance(loaded, examples.example(data), REPOSITORY / "examples" / story, random, tmp_path / "story")
    workspace = Workspace(loaded=loaded)
    workspace.store = task._store
    assert told(replayed(workspace, task.id)) == []


async def priced(data: Any) -> None:
    data["total"] = sum(data["items"])


def asking(words: str) -> Callable[..., Any]:
    async def content(data: Any, connectors: Any) -> None:
        answer = await connectors.openai.chat(messages=f"{words} {data['total']}", shape={"text": str})
        data["offer"] = answer.data["text"]

    return content


def planted(**changes: Step) -> ReplayReport:
    """Run three steps, change one, and replay."""
    workspace = Workspace(
        [
            step("price", {"items": list, "total": None}, priced),
            step("ask", {"total": {"$gte": 10}, "offer": None}, asking("Writing an offer over")),
            step("send", {"offer": str, "sent": None}, puts(sent=True)),
        ]
    )
    task = run(workspace, "t", {"items": [5, 7]})
    assert task.data["sent"]
    assert replayed(workspace, task.id).is_exact
    workspace.steps.update(changes)
    return replayed(workspace, task.id)


def test_a_changed_prompt_is_the_first_divergence_and_the_replay_continues() -> None:
    report = planted(ask=step("ask", {"total": {"$gte": 10}, "offer": None}, asking("Writing a short offer over")))
    assert told(report) == [("prompt", "ask", "openai.chat, call 1: messages.0.content")]
    first = report.divergences[0]
    assert first.entry == 2
    assert first.lines == ["@@ -1 +1 @@", "-Writing an offer over 12", "+Writing a short offer over 12"]
    assert (report.firings, report.answers) == (3, 1)


def test_a_changed_condition_that_no_longer_holds_is_the_first_divergence() -> None:
    report = planted(ask=step("ask", {"total": {"$gte": 100}, "offer": None}, asking("Writing an offer over")))
    assert told(report) == [("condition", "ask", "it would not fire: total is 12, wanted >= 100")]


def test_a_changed_condition_that_holds_earlier_is_the_first_divergence() -> None:
    report = planted(send=step("send", {"total": int, "sent": None}, puts(sent=True)))
    assert told(report) == [("condition", "send", "it would fire after entry 1, where the record has no firing")]


def test_a_new_step_that_would_fire_is_a_divergence() -> None:
    report = planted(more=step("more", {"sent": True}, puts(more=True)))
    assert told(report) == [("condition", "more", "it would fire after entry 3, where the record has no firing")]


def test_a_changed_field_is_the_first_divergence() -> None:
    async def rounded(data: Any) -> None:
        data["total"] = round(sum(data["items"]), -1)

    report = planted(price=step("price", {"items": list, "total": None}, rounded))
    assert told(report) == [("field", "price", "total")]
    assert (report.divergences[0].recorded, report.divergences[0].today) == (12, 10)


def test_what_a_step_asks_of_its_task_is_compared_as_well() -> None:
    async def completes(task: Any) -> None:
        task.complete("sent")

    report = planted(send=step("send", {"offer": str, "sent": None}, completes))
    assert told(report) == [("field", "send", "sent"), ("field", "send", "task: complete")]


def test_a_call_more_and_a_call_fewer_are_told() -> None:
    async def twice(data: Any, connectors: Any) -> None:
        await asking("Writing an offer over")(data, connectors)
        await connectors.openai.chat(messages="Is it good?")

    more = planted(ask=step("ask", {"total": {"$gte": 10}, "offer": None}, twice))
    assert told(more)[0] == ("prompt", "ask", "openai.chat, call 2 is not on record")
    fewer = planted(ask=step("ask", {"total": {"$gte": 10}, "offer": None}, puts(offer="none")))
    assert told(fewer)[0] == ("prompt", "ask", "openai.chat is no longer called")
    assert fewer.divergences[0].today is MISSING


def test_a_step_that_is_gone_is_told() -> None:
    workspace = Workspace([step("one", {"go": True, "x": None}, puts(x=1))])
    task = run(workspace, "t", {"go": True})
    del workspace.steps["one"]
    assert told(replayed(workspace, task.id)) == [("gone", "one", "the step is no longer in the workspace")]


def test_a_live_step_makes_its_calls_and_all_others_do_not() -> None:
    shop: list[str] = []

    async def first(data: Any, connectors: Any) -> None:
        data["a"] = await connectors.shop.ask("a")

    async def second(data: Any, connectors: Any) -> None:
        data["b"] = await connectors.shop.ask("b")

    async def ask(what: str) -> str:
        shop.append(what)
        return f"{what}{len(shop)}"

    steps = [step("first", {"go": True, "a": None}, first), step("second", {"a": str, "b": None}, second)]
    workspace = Workspace(steps, connectors={"shop": connector("shop", ask=ask)})
    task = run(workspace, "t", {"go": True})
    report = replayed(workspace, task.id, frozenset({"second"}))
    assert shop == ["a", "b", "b"]
    assert (report.live, report.answers) == (1, 1)
    assert told(report) == [("field", "second", "b")]


def test_what_is_in_the_stash_is_not_shown() -> None:
    def puts_secret(token: str) -> Callable[..., Any]:
        async def content(data: Any) -> None:
            data["$stash"] = {"token": token}

        return content

    workspace = Workspace([step("one", {"go": True, "$stash": None}, puts_secret("first"))])
    task = run(workspace, "t", {"go": True})
    workspace.steps["one"] = step("one", {"go": True, "$stash": None}, puts_secret("second"))
    [one] = replayed(workspace, task.id).divergences
    assert (one.where, one.recorded, one.today) == ("$stash.token", "«hidden string»", "«hidden string»")
