"""Firings as they really run: on an event loop, in threads, cut from outside."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import itertools
import sys
import threading
import time
from collections.abc import Sequence
from types import FunctionType
from typing import Any, cast

import pytest

from aloma_cli.clock import to_iso
from aloma_cli.connectors.effects import effect
from aloma_cli.content import authors, firing, plain, watchdog
from aloma_cli.content.retry import Retry
from aloma_cli.content.step import Step
from aloma_cli.engine.plan import Plan
from aloma_cli.engine.turn import Scheduler
from aloma_cli.errors import Cut, StepStopped, StoreError
from aloma_cli.record import events as ev
from aloma_cli.store.memory import MemoryClaim, MemoryStore
from tests.support.manual import EPOCH, HeldClock, manually
from tests.support.play import Played, Setup, play, played
from tests.support.record import ROOT, fired, of_kind, started, voided
from tests.support.stage import create
from tests.support.steps import connector, connectors, does, looks, puts, raises, step


def log_of(result: Played) -> list[str]:
    return [event.text for event in of_kind(result.events, ev.Logged)]


# -- no barrier --------------------------------------------------------------------------------------------------------


def critical_path(pace: float = 1.0) -> list[Step]:
    """Two chains side by side, slow where the other is quick, and a join."""
    return [
        step("A", {"a": None}, puts(a=1)),
        step("B1", {"a": 1, "b1": None}, puts(0.05 * pace, b1=1)),
        step("B2", {"b1": 1, "b2": None}, puts(0.5 * pace, b2=1)),
        step("C1", {"a": 1, "c1": None}, puts(0.5 * pace, c1=1)),
        step("C2", {"c1": 1, "c2": None}, puts(0.05 * pace, c2=1)),
        step("D", {"b2": 1, "c2": 1, "d": None}, puts(d=1)),
    ]


def test_two_chains_take_the_time_of_the_longer_and_not_of_the_slowest_of_each_stage() -> None:
    result = play(critical_path(), {})
    assert result.data["d"] == 1
    assert result.seconds == pytest.approx(0.55, abs=1e-6)


def test_in_real_time_the_engine_adds_almost_nothing_to_that() -> None:
    """The best of a few: a machine may be busy, but it cannot be too quick."""
    seconds: list[float] = []
    for _ in range(5):
        seconds.append(play(critical_path(), {}, real=True).seconds)
        if seconds[-1] <= 0.58:
            break
    assert 0.55 <= min(seconds) <= 0.60


def test_firings_in_flight_overlap() -> None:
    result = play([step(f"s{n}", {}, puts(1.0, **{f"x{n}": 1})) for n in range(8)], {})
    assert result.seconds == pytest.approx(1.0, abs=1e-6)


def test_a_step_never_runs_twice_at_a_time_in_one_task() -> None:
    now: list[str] = []

    async def follow(data: dict[str, Any]) -> None:
        assert not now
        now.append("here")
        await asyncio.sleep(1)
        now.clear()
        data["n"] = data.get("n", 0) + 1

    async def tick(data: dict[str, Any], step: Any) -> None:
        await asyncio.sleep(0.3)
        data["x"] += 1
        if data["x"] < 6:
            step.redo()

    result = play([step("follow", {"x": int}, follow, rearm="change"), step("tick", {"x": int}, tick)], {"x": 0})
    assert "$errors" not in result.data
    assert result.data == {"x": 6, "n": 3}


# -- plain functions ---------------------------------------------------------------------------------------------------


def test_a_plain_function_runs_in_a_thread_of_its_own() -> None:
    threads: list[threading.Thread] = []

    def content(data: dict[str, Any]) -> None:
        threads.append(threading.current_thread())
        data["x"] = 1

    result = play([step("a", {}, content)], {}, real=True)
    assert (result.data, fired(result.events)) == ({"x": 1}, ["a"])
    assert threads[0] is not threading.main_thread()
    assert threads[0].daemon, "a step that hangs must not keep the program from ending"


def test_plain_functions_run_side_by_side() -> None:
    barrier = threading.Barrier(3, timeout=5)

    def content(step: Any) -> None:
        barrier.wait()

    result = play([step(name, {}, content) for name in "abc"], {}, real=True)
    assert "$errors" not in result.data


def test_a_plain_function_calls_connectors_without_await() -> None:
    async def double(n: int) -> int:
        await asyncio.sleep(0)
        return 2 * n

    def content(data: dict[str, Any], connectors: Any) -> None:
        data["x"] = connectors.math.double(connectors.math.double(3))

    result = play([step("a", {}, content)], {}, real=True, connectors=connectors(connector("math", double=double)))
    assert result.data == {"x": 12}


def test_what_a_plain_function_raises_is_its_failure_with_its_line() -> None:
    def content() -> None:
        raise ValueError("no")

    result = play([step("a", {}, content)], {}, real=True)
    (failed,) = of_kind(result.events, ev.FiringFailed)
    assert (failed.error["type"], failed.error["message"]) == ("ValueError", "no")
    assert "test_running.py" in failed.error["place"]


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "async"])
@pytest.mark.parametrize(
    "error", [StopIteration("empty"), SystemExit(3), StepStopped("mine"), GeneratorExit()], ids=repr
)
def test_whatever_a_step_raises_is_its_failure_and_nothing_hangs_or_ends(error: BaseException, plain: bool) -> None:
    def plainly() -> None:
        raise error

    result = play([step("a", {}, plainly if plain else raises(error)), step("b", {}, puts(b=1))], {}, real=True)
    assert list(result.data["$errors"]) == ["a"]
    assert (result.data["b"], result.root.state) == (1, "error")


def test_a_step_that_cancels_itself_has_failed() -> None:
    result = play([step("a", {}, raises(asyncio.CancelledError()))], {})
    assert result.data["$errors"]["a"]["type"] == "CancelledError"


def test_an_error_that_cannot_say_what_it_is_is_a_failure_all_the_same() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("not even that")

    result = play([step("a", {}, raises(MuteError()))], {})
    assert result.data["$errors"]["a"]["type"] == "MuteError"


# -- print -------------------------------------------------------------------------------------------------------------


def test_print_goes_to_the_log_and_never_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    async def content() -> None:
        print("one", 2)  # noqa: T201  (what the test is about)
        print("half", end="")  # noqa: T201
        await asyncio.sleep(0)
        print(" a line\nand another")  # noqa: T201
        sys.stdout.write("unfinished")

    def plain() -> None:
        print("from a thread")  # noqa: T201

    steps = [step("a", {"x": None}, content), step("b", {"x": None}, plain)]
    result = play(steps, {}, real=True)
    by_step = {name: [e.text for e in of_kind(result.events, ev.Logged) if e.step == name] for name in "ab"}
    assert by_step == {"a": ["one 2", "half a line", "and another", "unfinished"], "b": ["from a thread"]}
    assert capsys.readouterr().out == ""


def test_the_prints_of_steps_side_by_side_do_not_mix() -> None:
    def talks(name: str) -> Any:
        async def content() -> None:
            for n in range(3):
                print(name, end=" ")  # noqa: T201
                await asyncio.sleep(0.1)
                print(n)  # noqa: T201

        return content

    result = play([step("a", {}, talks("a")), step("b", {}, talks("b"))], {})
    assert sorted(log_of(result)) == ["a 0", "a 1", "a 2", "b 0", "b 1", "b 2"]


def test_the_programs_own_prints_stay_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    play([step("a", {}, looks)], {}, during=lambda _: print("hello"))  # noqa: T201
    assert capsys.readouterr().out == "hello\n"
    assert sys.stdout is before


def test_print_of_a_step_stays_off_stdout_when_another_run_ended_first(capsys: pytest.CaptureFixture[str]) -> None:
    async def talk() -> None:
        await asyncio.sleep(2)
        print("late")  # noqa: T201

    async def both() -> tuple[Played, Played]:
        short = played(Setup([step("a", {}, puts(1.0, x=1))], {}))
        long = played(Setup([step("b", {}, talk)], {}))
        return await asyncio.gather(short, long)

    before = sys.stdout
    _, long = manually(both())
    assert (log_of(long), capsys.readouterr().out) == (["late"], "")
    assert sys.stdout is before


# -- timeouts ----------------------------------------------------------------------------------------------------------


def test_a_step_that_runs_longer_than_its_timeout_has_failed() -> None:
    result = play([step("a", {}, puts(60.0, x=1), timeout=2)], {})
    (failed,) = of_kind(result.events, ev.FiringFailed)
    assert (failed.error["type"], failed.error["message"]) == ("StepTimeout", "it ran longer than its timeout of 2 s")
    assert result.seconds == pytest.approx(2, abs=0.01)
    assert "x" not in result.data


def test_a_step_that_is_quick_enough_is_not_timed_out() -> None:
    result = play([step("a", {}, puts(1.9, x=1), timeout=2)], {})
    assert result.data == {"x": 1}


def test_a_timeout_is_retried_as_a_timeout_error() -> None:
    slow = [60.0, 0.0]

    async def content(data: dict[str, Any], step: Any) -> None:
        await asyncio.sleep(slow.pop(0))
        data["attempt"] = step.attempt

    result = play([step("a", {}, content, timeout=2, retry=Retry(2, wait=1, on=TimeoutError))], {})
    assert result.data == {"attempt": 2}
    assert result.seconds == pytest.approx(3, abs=0.01)


def test_a_plain_step_is_timed_out_and_left_behind() -> None:
    release = threading.Event()

    def content(data: dict[str, Any]) -> None:
        release.wait(10)
        data["x"] = 1

    try:
        result = play([step("a", {}, content, timeout=0.05)], {}, real=True)
    finally:
        release.set()
    assert result.data["$errors"]["a"]["type"] == "StepTimeout"
    assert "x" not in result.data
    assert result.left == [], "no code waits for the thread"


def test_a_plain_step_that_was_cut_cannot_call_any_more() -> None:
    timed_out, tried = threading.Event(), threading.Event()
    sent: list[int] = []
    met: list[str] = []

    async def pay() -> None:
        sent.append(1)

    def content(connectors: Any) -> None:
        timed_out.wait(10)
        try:
            connectors.bank.pay()
        except Exception:  # noqa: BLE001  (a broad except is what must not help)
            met.append("swallowed")
        except Cut as cut:
            met.append(type(cut).__name__)
        finally:
            tried.set()

    def tell(data: dict[str, Any]) -> None:
        timed_out.set()
        tried.wait(10)

    steps = [step("a", {}, content, timeout=0.05), step("then", {"$errors": {"a": dict}}, tell)]
    play(steps, {}, real=True, connectors=connectors(connector("bank", pay=pay)))
    assert (sent, met) == ([], ["StepTimeout"])


def test_a_plain_step_cut_during_a_call_meets_the_cut_whatever_the_call_comes_to() -> None:
    tried = threading.Event()
    met: list[str] = []

    @effect("idempotent")
    async def pay() -> None:
        await asyncio.sleep(0.2)
        raise ValueError("refused")

    def content(connectors: Any) -> None:
        try:
            connectors.bank.pay()
        except Exception:  # noqa: BLE001
            met.append("swallowed")
        except Cut as cut:
            met.append(type(cut).__name__)
        finally:
            tried.set()

    def wait() -> None:
        tried.wait(10)

    steps = [step("a", {}, content, timeout=0.05), step("then", {"$errors": {"a": dict}}, wait)]
    play(steps, {}, real=True, connectors=connectors(connector("bank", pay=pay)))
    assert met == ["StepTimeout"]


# -- cuts --------------------------------------------------------------------------------------------------------------


def play_until(seconds: float, steps: list[Step]) -> Played:
    """Run a task that is asked to stop after so many seconds, as another process would ask."""
    store = MemoryStore()
    body = {"kind": "stop", "task": ROOT, "reason": "enough"}
    return play(
        steps,
        {},
        store=store,
        during=lambda _: asyncio.get_running_loop().call_later(seconds, store.post, ROOT, body),
    )


def test_a_running_task_takes_a_request_to_stop_within_a_moment() -> None:
    result = play_until(3, [step("a", {}, puts(60.0, x=1))])
    assert (result.root.state, voided(result.events)) == ("stopped", [("a", "stopped")])
    assert 3 <= result.seconds <= 3.5


def test_a_broad_except_cannot_swallow_a_stop() -> None:
    met: list[str] = []

    async def content(data: dict[str, Any]) -> None:
        for _ in range(100):
            try:
                await asyncio.sleep(60)
            except Exception:  # noqa: BLE001
                met.append("swallowed")
        data["x"] = 1

    result = play_until(3, [step("a", {}, content)])
    assert (met, result.root.state, result.data) == ([], "stopped", {})


def test_a_firing_that_swallowed_a_stop_all_the_same_is_void_whatever_it_returns() -> None:
    async def content(data: dict[str, Any]) -> None:
        try:
            await asyncio.sleep(60)
        except BaseException:  # noqa: BLE001
            data["x"] = 1

    result = play_until(3, [step("a", {}, content)])
    assert (result.root.state, result.data, result.left) == ("stopped", {}, [])


def test_a_withdrawn_firing_is_cancelled() -> None:
    ended: list[float] = []

    async def content() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(asyncio.get_running_loop().time())

    steps = [
        step("answer", {"answer": None}, content, withdraw=True),
        step("other", {"answer": None}, puts(2.0, answer=1)),
    ]
    result = play(steps, {})
    assert ended == [pytest.approx(2)]
    assert result.seconds == pytest.approx(2, abs=0.01)


def test_a_step_that_is_slow_to_end_when_cut_is_not_timed_out_on_top(caplog: pytest.LogCaptureFixture) -> None:
    async def content() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(10)

    steps = [
        step("a", {"x": None}, content, withdraw=True, timeout=5),
        step("b", {"x": None}, puts(2.0, x=1)),
        step("c", {"x": 1}, puts(20.0, c=1)),
    ]
    result = play(steps, {})
    assert (result.data, caplog.records) == ({"x": 1, "c": 1}, [])


def test_a_step_that_will_not_end_is_named_and_left() -> None:
    async def content() -> None:
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            await asyncio.sleep(30)

    result = play_until(0.5, [step("stubborn", {}, content)])
    assert [name.partition(" #")[0] for name in result.left] == ["stubborn"]


# -- from beside -------------------------------------------------------------------------------------------------------


def test_a_thread_left_behind_writes_nothing_when_the_run_is_over() -> None:
    release, printed = threading.Event(), threading.Event()

    def content(log: Any) -> None:
        release.wait(10)
        log("too late")
        printed.set()

    async def work() -> tuple[int, int]:
        setup = Setup([step("a", {}, content, timeout=0.05)], {})
        await played(setup)
        before = len(list(setup.store.read("1")))
        release.set()
        while not printed.is_set():
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        return before, len(list(setup.store.read("1")))

    before, after = asyncio.run(work())
    assert before == after


def test_the_order_in_which_steps_start_is_the_same_every_time() -> None:
    steps = [
        *critical_path(),
        step("flaky", {"a": 1}, raises(ValueError("x")), retry=Retry(3, wait=0.1)),
        step("redo", {"b1": 1}, does(lambda data: data.update(r=data.get("r", 0) + 1)), rearm="change"),
    ]
    orders = [started(play(steps, {}).events) for _ in range(5)]
    assert all(order == orders[0] for order in orders)


def test_now_is_the_time_of_the_firing_and_the_same_when_it_is_repeated() -> None:
    seen: list[Any] = []

    async def content(data: dict[str, Any], now: Any) -> None:
        seen.append(now)
        await asyncio.sleep(1)
        data["x"] = "mine"

    steps = [step("a", {"go": 1}, content), step("b", {"go": 1}, puts(0.5, x="other"))]
    result = play(steps, {"go": 1})
    assert result.data["x"] == "mine"
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_a_busy_machine_is_no_failure_of_the_clock() -> None:
    """A step that blocks the loop delays others but breaks nothing."""

    async def blocks(data: dict[str, Any]) -> None:
        time.sleep(0.05)
        data["x"] = 1

    result = play([step("a", {}, blocks), step("b", {}, puts(0.01, y=1))], {}, real=True)
    assert result.data == {"x": 1, "y": 1}


# -- interrupted -------------------------------------------------------------------------------------------------------


class FailingStore(MemoryStore):
    """Refuses the commit number `at`, counted from the creation, as a full disk does; once."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._left = at

    def create(self, root: str, events: Sequence[ev.Event]) -> MemoryClaim:
        claim = super().create(root, events)
        commit = claim.commit

        def refuse(events: Sequence[ev.Event], *, durable: bool = True) -> None:
            self._left -= 1
            if not self._left:
                raise StoreError("no space left")
            commit(events, durable=durable)

        claim.commit = refuse  # type: ignore[method-assign]  # the disk is full for this claim
        return claim


def shopping(bought: list[str]) -> dict[str, Any]:
    """A run with calls, subtasks and log lines, and what to play it with."""

    @effect("idempotent")
    async def buy(what: str) -> str:
        await asyncio.sleep(1)
        bought.append(what)
        return f"a {what}"

    async def plan(task: Any, log: Any) -> None:
        log("two things")
        for what in ("hat", "bag"):
            task.subtask(what, {"buy": what}, into=what)

    async def fetch(data: dict[str, Any], connectors: Any) -> None:
        data["got"] = await connectors.shop.buy(data["buy"])

    steps = [
        step("plan", {"plan": True}, plan),
        step("fetch", {"buy": str}, fetch),
        step("home", {"plan": True, "$children": {"plan": {"running": 0}}}, puts(home=True)),
    ]
    return {"steps": steps, "connectors": connectors(connector("shop", buy=buy))}


WHOLE = {"hat": "a hat", "bag": "a bag", "home": True}


def brought(result: Played) -> dict[str, Any]:
    found = {what: result.data[what]["result"]["got"] for what in ("hat", "bag")}
    return {**found, "home": result.data["home"]}


def test_a_run_whose_journal_cannot_be_written_ends_and_can_be_gone_on_with() -> None:
    """Whichever line it is; what the first run was told had been bought is not bought again."""
    at = 0
    while True:
        at += 1
        bought: list[str] = []
        store = FailingStore(at)
        try:
            assert brought(play(data={"plan": True}, store=store, **shopping(bought))) == WHOLE
        except StoreError:
            assert brought(play(data=None, store=store, **shopping(bought))) == WHOLE
        calls = [e.arguments["what"] for b in store.read(ROOT) for e in of_kind(b.events, ev.CallAnswered)]
        assert sorted(calls) == ["bag", "hat"]
        if store._left > 0:
            break
    assert at > 6


def test_a_run_that_is_cancelled_at_any_moment_can_be_gone_on_with() -> None:
    async def interrupted(setup: Setup, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(played(setup), seconds)

    for seconds in (0.0, 0.5, 0.999, 1.0, 1.001):
        bought: list[str] = []
        store = MemoryStore()
        manually(interrupted(Setup(data={"plan": True}, store=store, **shopping(bought)), seconds))
        if store.roots():
            assert brought(play(data=None, store=store, **shopping(bought))) == WHOLE
            assert sorted(bought) == ["bag", "hat"]


# -- what publishing costs ---------------------------------------------------------------------------------------------


class _SlowToPublish(MemoryClaim):
    """A claim that takes two seconds to publish, as one does whose document is very large."""

    publishes = True
    moments: list[float]

    def publish(self, summary: Any, data: Any) -> None:
        loop: Any = asyncio.get_running_loop()
        self.moments.append(loop.moment)
        loop.moment += 2.0


class _SlowStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def claim(self, root: str) -> MemoryClaim:
        claim = super().claim(root)
        claim.__class__ = _SlowToPublish
        claim.moments = self.moments  # type: ignore[attr-defined]  # it is one now
        return claim


def test_publishing_takes_a_tenth_of_a_runs_time_however_long_it_takes() -> None:
    async def tick(data: dict[str, Any], step: Any) -> None:
        await asyncio.sleep(0.5)
        data["n"] += 1
        if data["n"] < 100:
            step.redo()

    store = _SlowStore()
    result = play([step("tick", {"n": int}, tick)], {"n": 0}, store=store)
    *while_it_ran, _at_rest = store.moments
    gaps = [later - sooner for sooner, later in itertools.pairwise(while_it_ran)]
    assert result.data["n"] == 100
    assert len(gaps) >= 2
    assert min(gaps) >= 20


# -- firings that never wait -------------------------------------------------------------------------------------------


def chain(length: int) -> list[Step]:
    def link(at: int) -> Step:
        async def content(data: dict[str, Any]) -> None:
            data[f"f{at + 1}"] = True

        return step(f"link {at}", {f"f{at}": True, f"f{at + 1}": None}, content)

    return [link(at) for at in range(length)]


def test_firings_that_never_wait_need_no_turn_of_the_event_loop_but_leave_it_some() -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = []
    played = play(
        chain(160), {"f0": True}, during=lambda _: counting.append(asyncio.get_running_loop().create_task(count()))
    )
    assert played.root.state == "done"
    assert 8 <= turns <= 40


_ambient: contextvars.ContextVar[str] = contextvars.ContextVar("ambient", default="")


def test_a_firing_that_never_waits_is_a_part_of_the_run_and_changes_nothing_of_it() -> None:
    seen: list[Any] = []

    async def content(data: dict[str, Any]) -> None:
        data["x"] = _ambient.get()
        _ambient.set("written by a step")
        seen.append((asyncio.current_task(), cast("asyncio.Task[Any]", asyncio.current_task()).get_name()))

    async def run() -> None:
        own = cast("asyncio.Task[Any]", asyncio.current_task())
        own.set_name("the run")
        result = await played(Setup([step("a", {}, content), step("b", {"x": ""}, content)], {}))
        assert result.data == {"x": ""}
        assert seen == [(own, "a #1"), (own, "b #2")]
        assert (own.get_name(), _ambient.get()) == ("the run", "")

    asyncio.run(run())


@pytest.mark.parametrize("real", [False, True])
def test_a_firing_that_starts_at_once_has_a_task_of_its_own(real: bool) -> None:
    async def content(data: dict[str, Any]) -> None:
        data["name"] = cast("asyncio.Task[Any]", asyncio.current_task()).get_name()
        async with asyncio.TaskGroup() as group:
            pause = group.create_task(asyncio.sleep(0.01, "slept"))
        data["child"] = pause.result()
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            data["late"] = True

    played = play([step("a", {"x": 1}, content)], {"x": 1}, real=real)
    assert played.data == {"x": 1, "name": "a #1", "child": "slept", "late": True}


def test_a_step_that_fails_before_it_waits_fails_as_any_other() -> None:
    async def content() -> None:
        raise ValueError("at once")

    played = play([step("a", {"x": 1}, content)], {"x": 1})
    assert (played.root.state, played.data["$errors"]["a"]["message"]) == ("error", "at once")


def test_a_fault_while_notes_are_written_ends_the_run_and_is_not_lost() -> None:
    def emit(event: ev.Event) -> None:
        if isinstance(event, ev.Logged):
            raise RuntimeError("a view broke")

    run = Scheduler(create(MemoryStore(), {}), Plan([]), clock=HeldClock(), emit=emit)
    run.note(ev.Logged(at=to_iso(EPOCH), task=ROOT, firing=1, step="a", level="info", text="hello"))
    with pytest.raises(RuntimeError, match="a view broke"):
        run.flush()
    with pytest.raises(RuntimeError, match="a view broke"):
        run.turn()


# -- what is published -------------------------------------------------------------------------------------------------


def test_a_run_in_memory_makes_no_record_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aloma_cli.engine.turn.summary", None)
    assert play(chain(3), {"f0": True}).root.state == "done"


def test_a_short_run_is_published_once_at_its_end() -> None:
    store = _SlowStore()
    play(chain(3), {"f0": True}, store=store)
    assert len(store.moments) == 1


# -- who blocks the loop -----------------------------------------------------------------------------------------------


def test_a_step_that_blocks_the_others_is_named_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    blamed = watched(lambda: time.sleep(0.3), caplog)
    assert "step slow has blocked all other steps" in blamed
    assert "test_running.py" in blamed


def test_what_a_step_calls_of_aloma_is_not_blamed_on_the_step(caplog: pytest.LogCaptureFixture) -> None:
    own = FunctionType(compile("def busy(wait): wait(0.3)", authors.__file__, "exec").co_consts[0], {})
    assert watched(lambda: own(time.sleep), caplog) == ""


def test_a_plain_step_of_which_nothing_is_heard_is_told_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "QUIET", 0.1)
        told = watched(lambda: time.sleep(0.3), caplog, plain=True)
    assert told.count("step slow: no progress for 0.1 s at tests/engine/test_running.py") == 1


def test_a_line_of_the_log_is_progress_of_a_plain_step(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[plain.PlainRun] = []

    def made(name: str, loop: asyncio.AbstractEventLoop) -> plain.PlainRun:
        runs.append(plain.PlainRun(name, loop, heard=0.0))
        return runs[-1]

    def content(data: dict[str, Any], log: Any) -> None:
        log("half of it")
        data["heard"] = runs[0].heard > 0

    monkeypatch.setattr(firing, "PlainRun", made)
    assert play([step("a", {}, content)], {}, real=True).data == {"heard": True}


@pytest.mark.parametrize("on_loop", [False, True])
def test_the_loop_is_watched_only_where_code_of_authors_runs_on_it(on_loop: bool) -> None:
    def plainly(data: dict[str, Any]) -> None:
        data["x"] = _watchdogs()

    async def content(data: dict[str, Any]) -> None:
        plainly(data)

    _wait_for_the_end_of_the_watchdog()
    played = play([step("a", {}, content if on_loop else plainly)], {}, real=True)
    assert played.data == {"x": int(on_loop)}


def test_no_step_is_blamed_for_the_engines_own_time(caplog: pytest.LogCaptureFixture) -> None:
    def publish() -> None:
        pass

    class Busy(MemoryClaim):
        publishes = True

        def publish(self, summary: Any, data: Any) -> None:
            time.sleep(0.3)

    assert watched(publish, caplog, claim=Busy) == ""


def test_one_thread_watches_all_loops_and_ends_soon_after_them() -> None:
    async def run() -> None:
        with watchdog.Watchdog(), watchdog.Watchdog():
            assert _watchdogs() == 1
        with watchdog.Watchdog():
            assert _watchdogs() == 1

    asyncio.run(run())
    _wait_for_the_end_of_the_watchdog()
    assert _watchdogs() == 0


def _watchdogs() -> int:
    return [thread.name for thread in threading.enumerate()].count("aloma watchdog")


def _wait_for_the_end_of_the_watchdog() -> None:
    until = time.monotonic() + 10
    while _watchdogs() and time.monotonic() < until:
        time.sleep(0.01)


def watched(
    block: Any, caplog: pytest.LogCaptureFixture, claim: type[MemoryClaim] = MemoryClaim, *, plain: bool = False
) -> str:
    """What the watchdog says of a run in which the step `slow` calls `block`."""

    class Claims(MemoryStore):
        def claim(self, root: str) -> MemoryClaim:
            made = super().claim(root)
            made.__class__ = claim
            return made

    def blocks(data: dict[str, Any]) -> None:
        block()
        data["x"] = 1

    async def content(data: dict[str, Any]) -> None:
        blocks(data)

    async def run() -> None:
        await played(Setup([step("slow", {}, blocks if plain else content)], {}, store=Claims()))

    with pytest.MonkeyPatch.context() as patch, caplog.at_level("WARNING", "aloma_cli"):
        patch.setattr(watchdog, "BLOCKED", 0.05)
        patch.setattr(watchdog, "_BEAT", 0.02)
        asyncio.run(run())
    return caplog.text


@pytest.mark.parametrize(("before", "meanwhile"), [(700, 5_000), (0, 0), (20_000, 20_000)])
def test_python_looks_for_garbage_seldom_during_a_run_unless_it_was_told_how_often(before: int, meanwhile: int) -> None:
    seen: list[int] = []
    usual = gc.get_threshold()
    try:
        gc.set_threshold(before, *usual[1:])
        play([step("a", {"x": None}, does(lambda _: seen.append(gc.get_threshold()[0])))], {})
        assert (seen, gc.get_threshold()) == ([meanwhile], (before, *usual[1:]))
    finally:
        gc.set_threshold(*usual)


def test_an_interrupt_before_a_step_first_waits_ends_the_run_as_an_interrupt() -> None:
    async def interrupted(data: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play([step("a", {}, interrupted)], {})
