"""`aloma task watch --speed`: a run again, from its record, at its own pace or faster."""

from __future__ import annotations

import signal

import pytest

from aloma_cli.cli.watching.replay import LONGEST_WAIT, EventReplay, beats, split_at
from aloma_cli.clock import from_iso
from aloma_cli.errors import InputError
from aloma_cli.record.history import numbered
from tests.cli.desk import SLEEPS, Desk, running
from tests.report.runs import order
from tests.support.manual import HeldClock


def test_waits_are_divided_by_the_speed_and_the_long_ones_shortened() -> None:
    events = list(order().events)
    since = from_iso(events[0].at)
    for speed in (0.01, 1.0, 4.0, 1000.0):
        told = [*beats(events, since, speed)]
        assert [beat.event for beat in told] == events
        assert all(0 <= beat.seconds <= LONGEST_WAIT for beat in told)
        assert all(beat.seconds == min(beat.recorded / speed, LONGEST_WAIT) for beat in told)
        assert sum(beat.recorded for beat in told) == pytest.approx(from_iso(events[-1].at) - since)


def test_a_replay_from_an_entry_begins_after_the_end_of_the_one_before() -> None:
    asked = order()
    events = list(asked.events)
    ends = {number: at for at, (number, _) in enumerate(numbered(events, asked.task)) if number is not None}
    assert split_at(events, asked.task, 0) == 0
    assert all(split_at(events, asked.task, number) == ends[number - 1] + 1 for number in ends if number)
    for wrong in (-1, len(ends)):
        with pytest.raises(InputError, match=f"its entries are 0 to {len(ends) - 1}"):
            split_at(events, asked.task, wrong)


def test_its_clock_moves_from_event_to_event_and_then_follows_the_machine() -> None:
    clock = HeldClock()
    events = list(order().events)
    replay = EventReplay(events, 0, 1.0, clock)
    first = from_iso(events[0].at)
    assert replay.clock.now() == first
    replay.clock.move(2.0, first + 60)
    moments = []
    for step in (0.0, 1.0, 1.0, 5.0):
        clock.moment += step
        moments.append(round(replay.clock.now() - first, 3))
    assert moments == [0.0, 30.0, 60.0, 60.0]
    replay.clock.release()
    assert replay.clock.now() == clock.now()


def test_a_replay_shows_what_the_run_showed_and_ends_with_its_state(desk: Desk) -> None:
    ran = desk.new()
    told = desk.run("task", "watch", "--speed", "1000")
    assert (told.code, told.out) == (ran.code, ran.out)
    first, *shown = told.err.splitlines()
    assert first == f"aloma: replaying task {ran.out.strip()}, 1000 times as fast as it ran"
    assert shown == ran.err.splitlines()[-len(shown) :]
    late = desk.run("task", "watch", "--speed", "1000", "--from", "1").err.splitlines()
    assert late[1:] == shown[1:]


def test_a_replay_tells_of_a_wait_that_it_shortens(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aloma_cli.cli.watching.replay.LONGEST_WAIT", 0.01)
    desk.step("nap", '{"name": str, "nap": None}', "await asyncio.sleep(0.1)", "data['nap'] = True")
    desk.new()
    told = desk.run("task", "watch", "--speed", "1")
    assert "s without an event, shown in 0.01s" in told.err
    assert "without an event" not in desk.run("task", "watch", "--speed", "1", "--events").err


def test_at_a_terminal_a_replay_leaves_what_the_run_left(desk: Desk) -> None:
    desk.step("nap", '{"name": str, "nap": None}', "await asyncio.sleep(0.6)", "data['nap'] = True")
    code, _, ran = desk.at_terminal("task", "new", "A task", "-d", '{"name": "Ada"}', CI="")
    again, raw, screen = desk.at_terminal("task", "watch", "--speed", "2", CI="")
    assert (code, again) == (0, 0)
    assert "\x1b[?25l" in raw, "frames are drawn"
    assert raw.rindex("\x1b[?25h") > raw.rindex("\x1b[?25l")
    assert screen[screen.index("✓ greet") :] == ran[ran.index("✓ greet") :]


def test_a_replay_of_a_running_task_goes_on_with_what_happens(desk: Desk) -> None:
    with running(desk, ("await asyncio.sleep(1.5)",)) as process:
        watch = desk.started("task", "watch", "--speed", "100", "--data")
        out, err = watch.communicate(timeout=30)
        process.wait(20)
    assert watch.returncode == 0
    assert '"first":1' in out
    assert err.count("fired       first") == err.count("looked      slow") == 1


def test_a_replay_that_is_interrupted_leaves_the_task_alone(desk: Desk) -> None:
    with running(desk, SLEEPS) as process:
        watch = desk.started("task", "watch", "--speed", "1")
        assert watch.stderr is not None
        assert any("replaying" in line for line in watch.stderr)
        watch.send_signal(signal.SIGINT)
        _, err = watch.communicate(timeout=20)
        assert "is no longer watched; it continues to run" in err
        assert (watch.returncode, process.poll()) == (130, None)


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "fast", "1e9"])
def test_a_speed_is_a_number_above_0(desk: Desk, speed: str) -> None:
    desk.new()
    told = desk.run("task", "watch", "--speed", speed)
    assert (told.code, told.err) == (2, f"aloma: --speed '{speed}' is not a number from 0.01 to 1000\n")
