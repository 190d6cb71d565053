"""What a call does to the other system decides whether it may be sent twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from aloma_cli.connectors.effects import effect
from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.engine import requests
from aloma_cli.errors import ConnectorError, InputError, PermanentError
from aloma_cli.record import events as ev
from aloma_cli.record.summary import summary
from aloma_cli.store.memory import MemoryStore
from tests.support.record import ROOT, of_kind
from tests.support.stage import Stage
from tests.support.steps import connector, connectors, puts, step


class Killed(BaseException):
    """The process dies at this moment."""


class Post:
    """A connector `post` whose functions do what `fate` says, in turn: an exception, or an answer.

    `seen` is what `watch` gave when something was sent.
    """

    def __init__(self, *fate: BaseException | str) -> None:
        self.sent: list[tuple[str, str]] = []
        self.watch: Callable[[], list[Any]] = list
        self.seen: list[Any] = []
        fates = list(fate)

        def deliver(name: str, to: str) -> str:
            self.sent.append((name, to))
            self.seen = self.watch()
            what = fates.pop(0) if fates else "sent"
            if isinstance(what, BaseException):
                raise what
            return what

        async def mail(to: str) -> str:
            return deliver("mail", to)

        @effect("read")
        async def track(to: str) -> str:
            return deliver("track", to)

        @effect("idempotent")
        async def label(to: str) -> str:
            return deliver("label", to)

        async def parcel(to: str, idempotency_key: str) -> str:
            return deliver(f"parcel {idempotency_key}", to)

        self.table = connectors(connector("post", mail=mail, track=track, label=label, parcel=parcel))


def calls(*names: str, to: str = "Ada") -> Callable[..., Any]:
    """Content that calls these functions in turn, and writes their answers."""

    async def content(data: dict[str, Any], connectors: Any) -> None:
        data["answers"] = [await getattr(connectors.post, name)(to) for name in names]

    return content


def killed(stage: Stage, steps: list[Step], post: Post) -> Stage:
    """The next process, after one that died in its first firing."""
    with pytest.raises(Killed):
        _die(stage)
    stage.close()
    return Stage(steps, store=stage.store, connectors=post.table)


def _die(stage: Stage) -> None:
    outcome = stage.outcome(next(iter(stage.running.values())))
    assert "Killed" in str(outcome), outcome
    raise Killed


def opened(post: Post, *names: str, **options: Any) -> tuple[Stage, list[Step]]:
    """A tree whose first step makes these calls."""
    steps = [step("sender", {"answers": None}, calls(*names), **options)]
    return Stage(steps, {}, connectors=post.table), steps


def settled(stage: Stage, **outcome: Any) -> Stage:
    """The stage after a person has said what became of the only unsettled call."""
    (call,) = summary(stage.tree, ROOT, stage.data)["unsettled"]
    stage.run.carry_out({"kind": "settle", "call": call["call"], **outcome})
    stage.turn()
    return stage


# -- on record before it leaves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "recorded"),
    [("mail", ("once", {"to": "Ada"})), ("label", ("idempotent", None)), ("parcel", ("idempotent", None))],
)
def test_what_is_not_a_read_is_on_record_before_it_leaves(name: str, recorded: object) -> None:
    post = Post()
    stage, _ = opened(post, name)
    post.watch = lambda: of_kind(stage.journal(), ev.CallSent)
    stage.end("sender")
    (sent,) = post.seen
    assert (sent.call, (sent.effect, sent.arguments)) == (f"post.{name}", recorded)
    (answered,) = of_kind(stage.journal(), ev.CallAnswered)
    assert answered.key == sent.key


def test_a_read_is_told_to_views_alone() -> None:
    stage, _ = opened(Post(), "track")
    stage.end("sender")
    assert [sent.effect for sent in of_kind(stage.events, ev.CallSent)] == ["read"]
    assert of_kind(stage.journal(), ev.CallSent) == []


@pytest.mark.parametrize("kind", ["twice", "Once", ""])
def test_an_unknown_effect_is_refused(kind: Any) -> None:
    with pytest.raises(PermanentError, match="is not an effect of"):
        effect(kind)(calls)


# -- after a kill ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["track", "label", "parcel"])
def test_what_may_be_sent_twice_is_sent_again_with_the_same_key(name: str) -> None:
    post = Post(Killed())
    stage, steps = opened(post, name)
    after = killed(stage, steps, post)
    after.end("sender")
    assert after.data == {"answers": ["sent"]}
    assert len(post.sent) == 2
    assert len(set(post.sent)) == 1


def test_a_call_that_must_be_sent_once_is_not_sent_again() -> None:
    post = Post(Killed())
    stage, steps = opened(post, "mail")
    after = killed(stage, steps, post)
    assert (after.names, after.root.state, after.last.finished) == ([], "unsettled", True)
    assert len(post.sent) == 1
    record = summary(after.tree, ROOT, after.data)
    (call,) = record["unsettled"]
    assert (call["call"], call["function"], call["arguments"]) == (1, "post.mail", {"to": "Ada"})
    assert record["reason"] == "call 1, post.mail, was sent, and its outcome is unknown"


@pytest.mark.parametrize(
    ("outcome", "answers", "sent"),
    [({"done": "by hand"}, ["sent", "by hand", "sent"], 3), ({"again": True}, ["sent", "sent", "sent"], 4)],
)
def test_a_person_settles_it_and_the_firing_continues(outcome: Any, answers: list[str], sent: int) -> None:
    post = Post("sent", Killed())
    stage, steps = opened(post, "track", "mail", "label")
    after = settled(killed(stage, steps, post), **outcome)
    after.end("sender")
    assert after.data == {"answers": answers}
    assert len(post.sent) == sent, "the first call is answered from the record"


def test_a_call_that_failed_raises_in_the_step() -> None:
    post = Post(Killed())
    stage, steps = opened(post, "mail")
    after = settled(killed(stage, steps, post), failed="the mail server has no such message")
    after.end("sender")
    assert after.data["$errors"]["sender"]["message"] == "the mail server has no such message"


def test_it_continues_on_the_document_that_it_started_from() -> None:
    async def content(data: dict[str, Any], connectors: Any) -> None:
        data["answers"] = [await connectors.post.mail(data.get("to", "Ada"))]

    post = Post(Killed())
    steps = [step("sender", {"answers": None}, content)]
    after = killed(Stage(steps, {}, connectors=post.table), steps, post)
    after.run.carry_out({"kind": "set", "set": [[["to"], "Eve"]]})
    after.turn()
    settled(after, done="by hand").end("sender")
    assert after.data == {"to": "Eve", "answers": ["by hand"]}
    assert len(post.sent) == 1


def test_others_fire_while_one_is_unsettled() -> None:
    post = Post(Killed())
    stage, steps = opened(post, "mail")
    after = killed(stage, [*steps, step("other", {"x": 1, "y": None}, puts(y=1))], post)
    after.run.carry_out({"kind": "set", "set": [[["x"], 1]]})
    after.turn()
    after.end("other")
    assert (after.data, after.root.state) == ({"x": 1, "y": 1}, "unsettled")


def test_a_changed_condition_does_not_let_it_be_sent_again() -> None:
    post = Post(Killed())
    stage, _ = opened(post, "mail")
    changed = [step("sender", {"answers": None, "x": None}, calls("mail"))]
    after = killed(stage, changed, post)
    assert (after.root.state, len(post.sent)) == ("unsettled", 1)
    settled(after, done="by hand").end("sender")
    assert (after.data, len(post.sent)) == ({"answers": ["by hand"]}, 1)


def test_a_step_that_is_away_waits_too() -> None:
    post = Post(Killed())
    stage, steps = opened(post, "mail")
    after = killed(stage, [], post)
    assert after.root.state == "unsettled"
    after.close()
    back = Stage(steps, store=after.store, connectors=post.table)
    settled(back, done="by hand").end("sender")
    assert back.data == {"answers": ["by hand"]}


def test_an_unsettled_subtask_shows_at_the_root() -> None:
    async def make(data: dict[str, Any], task: Any) -> None:
        data["made"] = True
        task.subtask("a child", {"child": True}, into="out")

    post = Post(Killed())
    steps = [step("maker", {"made": None, "child": None}, make), step("sender", {"child": True}, calls("mail"))]
    stage = Stage(steps, {}, connectors=post.table)
    stage.end("maker")
    after = killed(stage, steps, post)
    assert after.root.state == "unsettled"
    settled(after, done="by hand").end("sender")
    assert after.data["out"]["result"]["answers"] == ["by hand"]
    assert after.root.state == "done"


# -- without a kill ----------------------------------------------------------------------------------------------------


def lost() -> ConnectorError:
    """The request was sent, and the connection broke."""
    return ConnectorError("the connection broke", retryable=True, unanswered=True)


def test_a_retry_does_not_send_it_again() -> None:
    post = Post(lost())
    stage, _ = opened(post, "mail", retry=Retry(times=3, wait=0))
    stage.end("sender")
    assert (stage.root.state, len(post.sent)) == ("unsettled", 1)
    assert [log.text for log in of_kind(stage.events, ev.Logged)] == ["the connection broke"]
    settled(stage, again=True).end("sender")
    assert (stage.data, len(post.sent)) == ({"answers": ["sent"]}, 2)


@pytest.mark.parametrize("name", ["track", "label"])
def test_a_retry_sends_again_what_may_be_sent_twice(name: str) -> None:
    post = Post(lost())
    stage, _ = opened(post, name, retry=Retry(times=3, wait=0))
    stage.end("sender")
    stage.end("sender")
    assert (stage.data, len(post.sent)) == ({"answers": ["sent"]}, 2)


def test_an_answer_is_an_answer_even_if_it_is_an_error() -> None:
    post = Post(ConnectorError("busy", retryable=True, status=503))
    stage, _ = opened(post, "mail", retry=Retry(times=3, wait=0))
    stage.end("sender")
    stage.end("sender")
    assert (stage.data, len(post.sent)) == ({"answers": ["sent"]}, 2)


def test_a_step_cannot_swallow_it() -> None:
    async def content(data: dict[str, Any], connectors: Any) -> None:
        try:
            await connectors.post.mail("Ada")
        except BaseException:  # noqa: BLE001
            data["answers"] = ["never mind"]

    post = Post(lost())
    stage = Stage([step("sender", {"answers": None}, content)], {}, connectors=post.table)
    stage.end("sender")
    assert (stage.data, stage.root.state) == ({}, "unsettled")


def test_a_stopped_task_is_unsettled_when_it_is_resumed() -> None:
    post = Post(Killed())
    stage, _ = opened(post, "mail")
    stage.outcome(next(iter(stage.running.values())))
    stage.run.carry_out({"kind": "stop", "reason": "enough"})
    stage.turn()
    assert stage.root.state == "stopped"
    stage.run.do(requests.resume)
    stage.turn()
    assert (stage.root.state, stage.names, len(post.sent)) == ("unsettled", [], 1)
    settled(stage, done="by hand").end("sender")
    assert stage.data == {"answers": ["by hand"]}


# -- requests ----------------------------------------------------------------------------------------------------------


def test_a_call_under_way_cannot_be_settled() -> None:
    post = Post(Killed())
    stage, _ = opened(post, "mail")
    stage.outcome(next(iter(stage.running.values())))
    with pytest.raises(InputError, match="call 1 is still under way"):
        stage.run.carry_out({"kind": "settle", "call": 1, "done": None})


@pytest.mark.parametrize(
    "body",
    [
        {"call": 2, "done": 1},
        {"call": "1", "done": 1},
        {"call": True, "done": 1},
        {"call": 1},
        {"call": 1, "again": False},
        {"call": 1, "failed": 5},
    ],
)
def test_nonsense_is_refused(body: dict[str, Any]) -> None:
    post = Post(lost())
    stage, _ = opened(post, "mail")
    stage.end("sender")
    with pytest.raises(InputError):
        stage.run.carry_out({"kind": "settle", **body})
    assert stage.root.state == "unsettled"


def test_the_store_of_every_state_opens_again() -> None:
    post = Post(lost())
    stage, steps = opened(post, "mail")
    stage.end("sender")
    settled(stage, again=True)
    stage.close()
    assert isinstance(stage.store, MemoryStore)
    again = Stage(steps, store=stage.store, connectors=post.table)
    assert again.names == ["sender"]


def test_what_waits_for_a_person_takes_no_place() -> None:
    post = Post(lost())
    steps = [step("sender", {"answers": None}, calls("mail"), priority=1)]
    steps += [step(f"s{n}", {f"x{n}": None}, puts(**{f"x{n}": 1})) for n in range(4)]
    stage = Stage(steps, {}, connectors=post.table, concurrency=3)
    assert len(stage.names) == 3
    stage.end("sender")
    assert (len(stage.names), len(stage.root.flights)) == (3, 4)
