"""The numbered entries of a task."""

from __future__ import annotations

from collections.abc import Iterator

from aloma_cli.record.events import Event
from aloma_cli.record.history import document_at, numbered
from aloma_cli.view.history import History
from tests.view.story import ROOT, Story, child, research


class Read:
    """Events that count how many of them were read."""

    def __init__(self, story: Story) -> None:
        self.count = 0
        self._story = story

    def __iter__(self) -> Iterator[Event]:
        for event in self._story.events:
            self.count += 1
            yield event


def test_the_creation_is_number_0_and_each_commit_and_end_of_a_firing_has_the_next() -> None:
    entries = [(number, event.KIND) for number, event in numbered(research().events, child(2)) if number is not None]
    assert entries == [(0, "task_created"), (1, "firing_failed"), (2, "committed")]


def test_an_entry_is_told_before_the_next_event_is_read() -> None:
    events = Read(research())
    records = History(events, ROOT).records()
    assert [(next(records).number, events.count) for _ in range(2)] == [(0, 1), (1, 6)]


def test_a_document_at_an_entry_that_is_not_there_says_which_is_the_last() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.fire(1, 1, "/x")
    assert [document_at(story.events, ROOT, entry) for entry in (0, 1, 7, -1)] == [
        ({}, 0),
        ({"x": 1}, 1),
        ({"x": 1}, 1),
        ({}, -1),
    ]
