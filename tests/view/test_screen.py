"""What the events of a run add up to."""

from __future__ import annotations

import pytest

from aloma_cli.record.events import TreeOpened
from aloma_cli.view.entries import LOGS_KEPT
from aloma_cli.view.live.screen import Screen
from tests.view.story import NOON, ROOT, Story, child, fold, research


def test_a_firing_runs_from_its_start_to_its_end() -> None:
    story = research()
    assert [firing.step for firing in fold(story, 0.5).running.values()] == ["research/coordinator"]
    assert [(firing.task, firing.step) for firing in fold(story, 1.5).running.values()] == [
        (child(1), "analyst"),
        (child(2), "analyst"),
    ]
    assert not fold(story).running


def test_an_unanswered_call_is_what_a_firing_waits_for() -> None:
    story = research()
    assert fold(story, 0.5).running[1].asking.keys() == {"k"}
    assert fold(story, 0.92).running[1].asking == {}


def test_a_failed_step_waits_until_it_starts_again() -> None:
    story = research()
    retry = fold(story, 3).retries[child(2), "analyst"]
    assert (retry.until, retry.reason) == (NOON + 4.1, "ConnectorError: 503 Service Unavailable")
    assert not fold(story, 4.2).retries


def test_a_task_that_ends_waits_for_no_retry() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.fail(1, 1, "no", retry=90)
    story.rest(2, "stopped")
    assert not fold(story).retries


def test_every_ending_is_counted_for_its_step() -> None:
    tallies = fold(research()).figures
    counts = {step: (t.fired, t.looked, t.failed, t.voided, round(t.seconds, 2)) for step, t in tallies.items()}
    assert counts == {
        "research/coordinator": (1, 0, 0, 0, 1.0),
        "analyst": (2, 0, 1, 0, 4.0),
        "synthesis": (1, 1, 0, 1, 1.31),
    }


def test_usage_adds_up_and_a_replayed_answer_costs_nothing_again() -> None:
    usage = fold(research()).total
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (4, 400, 200)
    assert usage.cost == pytest.approx(0.04)
    assert (usage.unpriced, usage.simulated) == (0, 0)


def test_an_unknown_price_is_unknown_and_a_simulated_answer_needs_none() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.answer(1, 1, cost=None)
    story.answer(1, 1, cost=None, about={"model": "aloma-offline", "simulated": True})
    story.answer(1, 1, usage=None, about={}, error={"type": "ConnectorError", "message": "no"})
    usage = fold(story).total
    assert (usage.calls, usage.unpriced, usage.answers, usage.simulated) == (3, 1, 2, 1)


def test_a_parent_counts_the_subtasks_that_have_not_ended() -> None:
    story = research()
    live = [fold(story, until).node(ROOT).live for until in (0.5, 2, 4, 6)]
    assert live == [0, 2, 1, 0]


def test_a_waiting_subtask_has_not_ended() -> None:
    story = Story()
    story.create(0, "t")
    story.create(0, "c", child(1), ROOT)
    story.rest(1, "question", child(1), reason="which one?")
    screen = fold(story)
    assert screen.node(ROOT).live == 1
    assert [screen.node(task).reason for task in screen.paused] == ["which one?"]


def test_a_woken_root_continues() -> None:
    story = Story()
    story.create(0, "t")
    story.rest(1, "question")
    story.start(5, 1, "a")
    screen = fold(story)
    assert (screen.node(ROOT).state, screen.rest, screen.paused) == ("processing", None, {})
    assert screen.elapsed(NOON + 7) == 7


def test_a_resting_task_does_not_age() -> None:
    assert fold(research()).elapsed(NOON + 1_000) == 6.5


def test_subtasks_with_the_same_name_get_numbers() -> None:
    story = Story()
    story.create(0, "t")
    story.create(0, "only", child(1), ROOT)
    story.create(0, "same", child(2), ROOT)
    story.create(0, "same", child(3), ROOT)
    screen = fold(story)
    labels = [screen.label(task) for task in (ROOT, child(1), child(2), child(3))]
    assert labels == [None, "only", "same .1.2", "same .1.3"]


def test_a_commit_tells_how_many_subtasks_it_made_before_they_are_there() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.fire(1, 1, subtasks=3)
    screen = Screen()
    ended = [screen.fold(event) for event in story.events][-1]
    assert ended is not None
    assert ended.subtasks == 3


def test_work_leaves_out_the_time_in_which_nothing_ran() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.fire(2, 1)
    story.start(100, 2, "b")
    story.fire(103, 2)
    assert fold(story).worked() == pytest.approx(5)


def test_the_time_a_killed_process_was_dead_is_not_work() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.log(2, 1, "last words")
    story.add(TreeOpened, 500, ROOT)
    story.start(500, 1, "a", run=2)
    story.fire(501, 1)
    assert fold(story).worked() == pytest.approx(3)


def test_a_chatty_firing_keeps_its_last_lines_and_their_number() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    for number in range(LOGS_KEPT + 5):
        story.log(1, 1, f"line {number}")
    firing = fold(story).running[1]
    assert (len(firing.logs), firing.logged, firing.said) == (LOGS_KEPT, LOGS_KEPT + 5, f"line {LOGS_KEPT + 4}")
