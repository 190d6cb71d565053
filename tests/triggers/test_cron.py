"""`cron`: one task a tick, also across a pause of the worker and a change of the clocks."""

from __future__ import annotations

import pytest

from aloma_cli.errors import ConfigError
from tests.triggers.conftest import MakeHome, SetClock

HOURLY = "cron: 0 * * * *\ndata: {at: '{event.at}', missed: '{event.missed}'}"


def test_each_tick_makes_one_task(home: MakeHome) -> None:
    clock = SetClock("2026-11-28T10:30:00+00:00")
    at = home(HOURLY, clock)
    cron = at.open()
    cron.look()
    assert at.made("at") == []
    for moment in ("10:59:59", "11:00:00", "11:00:01", "11:59:00", "12:00:30"):
        clock.set(f"2026-11-28T{moment}+00:00")
        cron.look()
    assert at.made("at") == ["2026-11-28T11:00:00.000Z", "2026-11-28T12:00:00.000Z"]
    assert at.made("missed") == [False, False]
    assert at.made("$via")[0] == {
        "trigger": "t",
        "kind": "cron",
        "at": "2026-11-28T11:00:00.000Z",
        "tick": "2026-11-28T11:00:00.000Z",
    }


def test_ticks_that_were_missed_are_made_up_for_once(home: MakeHome) -> None:
    clock = SetClock("2026-11-28T10:30:00+00:00")
    home(HOURLY, clock).open().look()
    clock.set("2026-12-03T07:45:00+00:00")
    at = home(HOURLY, clock)
    for _ in range(2):
        at.open().look()
    assert (at.made("at"), at.made("missed")) == (["2026-12-03T07:00:00.000Z"], [True])
    assert at.made("$via")[0]["missed"] is True


def test_ticks_that_were_missed_are_skipped_if_told_so(home: MakeHome) -> None:
    skipping = "cron: {at: 0 * * * *, missed: skip}\ndata: {at: '{event.at}'}"
    clock = SetClock("2026-11-28T10:30:00+00:00")
    at = home(skipping, clock)
    at.open().look()
    clock.set("2026-11-28T15:45:00+00:00")
    at.open().look()
    assert at.made("at") == []
    clock.set("2026-11-28T16:00:59+00:00")  # late, and not missed
    at.open().look()
    assert at.made("at") == ["2026-11-28T16:00:00.000Z"]


def test_two_workers_make_one_task_a_tick(home: MakeHome) -> None:
    clock = SetClock("2026-11-28T10:30:00+00:00")
    at = home(HOURLY, clock)
    one, other = at.open(), at.open()
    one.look()
    clock.set("2026-11-28T11:00:01+00:00")
    one.look()
    at.workspace.store.write_note("trigger.t", {"until": "2026-11-28T10:30:00.000Z"})  # what a slow one wrote late
    other.look()
    assert at.made("at") == ["2026-11-28T11:00:00.000Z"]


@pytest.mark.parametrize(
    ("schedule", "begin", "ticks"),
    [
        # On 29 March 2026 the clocks of Berlin go from 2:00 to 3:00.
        ("30 2 * * *", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("0 9 * * *", "2026-03-28T12:00", ["2026-03-29T07:00", "2026-03-30T07:00"]),
        ("*/30 * * * *", "2026-03-29T00:45", ["2026-03-29T01:00", "2026-03-29T01:30"]),
        # On 25 October 2026 they go from 3:00 to 2:00.
        ("30 2 * * *", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("30 2 * * *", "2026-10-25T01:00", ["2026-10-26T01:30"]),
        ("0 * * * *", "2026-10-24T23:30", ["2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00"]),
    ],
)
def test_where_the_clocks_change_a_tick_is_neither_lost_nor_doubled(
    home: MakeHome, schedule: str, begin: str, ticks: list[str]
) -> None:
    clock = SetClock(f"{begin}:00+00:00")
    at = home(f"cron: {{at: '{schedule}', timezone: Europe/Berlin}}\ndata: {{at: '{{event.at}}'}}", clock)
    cron = at.open()
    cron.look()
    for tick in ticks:
        clock.set(f"{tick}:00+00:00")
        cron.look()
        assert cron.latest(clock.now()) == clock.now()
    assert at.made("at") == [f"{tick}:00.000Z" for tick in ticks]


def test_an_event_tells_the_local_time(home: MakeHome) -> None:
    clock = SetClock("2026-07-01T00:00:00+00:00")
    event = home("cron: {at: 30 7 * * *, timezone: Europe/Berlin}", clock).open().example()
    assert event.body == {
        "at": "2026-07-01T05:30:00.000Z",
        "local": "2026-07-01T07:30:00+02:00",
        "date": "2026-07-01",
        "time": "07:30",
        "timezone": "Europe/Berlin",
        "missed": False,
    }


def test_a_schedule_of_long_ago_and_a_dense_one_are_found_quickly(home: MakeHome) -> None:
    clock = SetClock("2027-02-01T00:00:00+00:00")
    rare = home("cron: 0 0 29 2 *", clock).open()
    assert rare.event(rare.latest(clock.now())).body["date"] == "2024-02-29"
    dense = home("cron: '* * * * * *'", clock).open()
    assert dense.latest(clock.now()) == clock.now()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("cron: 61 * * * *", r"aloma.yaml:4: `triggers.t.cron` is not a valid schedule: Bad minute"),
        ("cron: {at: '* * *'}", r"`triggers.t.cron.at` is not a valid schedule: Wrong number of fields"),
        ("cron: {at: 0 0 31 2 *}", r"is not a valid schedule: "),
        (
            "cron: {at: 0 0 * * *, timezone: Europe/Berlim}",
            r"`triggers.t.cron.timezone` is 'Europe/Berlim', which is not",
        ),
        ("cron: {at: 0 0 * * *, timezone: ../x}", r"which is not a known time zone"),
    ],
)
def test_a_schedule_that_is_wrong_is_refused_with_its_place(home: MakeHome, settings: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        home(settings, SetClock("2026-11-28T10:30:00+00:00")).open()
    assert refused.value.hint
