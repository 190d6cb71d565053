"""Whatever happens, a call that must be sent once is sent once more only if a person says so."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.effects import effect
from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.engine import failure, requests
from aloma_cli.errors import ConnectorError
from aloma_cli.record import events as ev
from aloma_cli.record.calls import UNKNOWN, calls_of
from aloma_cli.record.summary import summary
from tests.support.record import ROOT
from tests.support.stage import Stage
from tests.support.steps import connector, connectors, step


class Killed(BaseException):
    """The process dies at this moment."""


FATES = st.lists(st.sampled_from(["ok", "ok", "ok", "lost", "busy", "dies"]), min_size=1, max_size=4)
MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("end"), st.integers(0, 5), FATES),
        st.tuples(st.just("end"), st.integers(0, 5), FATES),
        st.tuples(st.just("settle"), st.integers(0, 5), st.sampled_from(["done", "again", "failed"])),
        st.tuples(st.sampled_from(["set", "stop", "resume", "reopen", "forgive"]), st.integers(0, 5), st.none()),
    ),
    max_size=12,
)
STEPS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["mail", "mail", "track", "label"]), min_size=1, max_size=3),
        st.fixed_dictionaries({"retry": st.sampled_from([None, Retry(2, wait=0)]), "withdraw": st.booleans()}),
    ),
    min_size=1,
    max_size=3,
)


class Office:
    """Steps that make calls, and what reached the other system: `sent` counts mails by the key of their call."""

    def __init__(self, specs: list[Any]) -> None:
        self.sent: Counter[str] = Counter()
        self.released: Counter[str] = Counter()
        self.fates: list[str] = []

        @effect("once")
        async def mail(what: str, idempotency_key: str) -> str:
            self.sent[idempotency_key] += 1
            return self._fate(what)

        @effect("read")
        async def track(what: str) -> str:
            return self._fate(what)

        @effect("idempotent")
        async def label(what: str) -> str:
            return self._fate(what)

        self.connectors = connectors(connector("post", mail=mail, track=track, label=label))
        self.steps: list[Step] = [
            step(f"s{number}", {f"out{number}": None, "x": int}, self._content(number, names), **options)
            for number, (names, options) in enumerate(specs)
        ]
        self.stage = Stage(self.steps, {"x": 0}, connectors=self.connectors)

    def _fate(self, what: str) -> str:
        fate = self.fates.pop(0) if self.fates else "ok"
        if fate == "dies":
            raise Killed
        if fate != "ok":
            raise ConnectorError(fate, retryable=True, unanswered=fate == "lost")
        return f"{what} is done"

    def _content(self, number: int, names: list[str]) -> Any:
        async def content(data: dict[str, Any], connectors: Any) -> None:
            said = [await getattr(connectors.post, name)(f"{number}.{at}") for at, name in enumerate(names)]
            data[f"out{number}"] = [*said, data["x"]]

        return content

    def move(self, what: str, pick: int, how: Any) -> None:
        """One thing that happens."""
        stage = self.stage
        if what == "end" and stage.running:
            self._end([*stage.running][pick % len(stage.running)], how)
        elif what == "settle":
            self._settle(pick, how)
        elif what == "set":
            stage.run.carry_out({"kind": "set", "set": [[["x"], pick]]})
        elif what == "stop":
            stage.run.carry_out({"kind": "stop", "reason": "enough"})
        elif what == "resume":
            stage.run.do(requests.resume)
        elif what == "forgive":
            stage.run.do(failure.retry_failed)
        elif what == "reopen":
            self._reopen()
        self.stage.turn()
        self.check()

    def _end(self, firing: int, fates: list[str]) -> None:
        self.fates = list(fates)
        outcome = self.stage.outcome(self.stage.running.pop(firing))
        if "Killed" in str(outcome):
            self._reopen()
        else:
            self.stage.run.deliver(outcome)

    def _settle(self, pick: int, how: str) -> None:
        calls = summary(self.stage.tree, ROOT, self.stage.data)["unsettled"]
        if calls:
            call = calls[pick % len(calls)]
            outcome = {how: {"done": "by hand", "failed": "no", "again": True}[how]}
            (sent,) = (one for one in calls_of(self.stage.journal()) if one.number == call["call"])
            if how == "again":
                self.released[f"{ROOT}-{sent.firing}-{sent.key}"] += 1
            self.stage.run.carry_out({"kind": "settle", "call": call["call"], **outcome})

    def _reopen(self) -> None:
        self.stage.close()
        self.stage = Stage(self.steps, store=self.stage.store, connectors=self.connectors)

    def check(self) -> None:
        """What holds after each move."""
        assert all(count <= 1 + self.released[key] for key, count in self.sent.items()), "sent twice"
        task, stage = self.stage.root, self.stage
        assert not (stage.running and task.rest), "it rests while something runs"
        unsettled = [call.number for call in task.unsettled]
        known = [
            call.number for call in calls_of(stage.journal()) if call.state == UNKNOWN and call.function == "post.mail"
        ]
        assert set(unsettled) <= set(known), "the numbers are those of `task calls`"
        if not stage.running and task.state != "stopped":
            assert (task.state == "unsettled") == bool(unsettled), task.state

    def finish(self) -> None:
        """Let everything end well."""
        for _ in range(40):
            self.move("resume", 0, None)
            if not self.stage.running and not self.stage.root.unsettled:
                break
            self.move("end" if self.stage.running else "settle", 0, ["ok"] if self.stage.running else "again")


@given(specs=STEPS, moves=MOVES)
def test_a_mail_is_sent_once(specs: list[Any], moves: list[tuple[str, int, Any]]) -> None:
    office = Office(specs)
    for what, pick, how in moves:
        office.move(what, pick, how)
    office.finish()
    assert office.stage.root.state in ("done", "error"), office.stage.root.state
    assert not office.stage.root.flights
    answered = [event for event in office.stage.journal() if isinstance(event, ev.CallAnswered)]
    assert len({(event.firing, event.key) for event in answered}) == len(answered), "each answer is on record once"
