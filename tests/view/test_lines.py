"""The view without a terminal."""

from __future__ import annotations

import io
from datetime import UTC

import pytest

from aloma_cli.record.events import Committed, FiringFailed, StepsArmed
from aloma_cli.record.tree import Tree
from aloma_cli.view.lines import Lines
from tests.view.story import ROOT, Story, is_recorded, research

RESEARCH = """\
12:00:00   +0.00s  created                                   quantum, 01jd3k4m5nqz7w8x
12:00:00   +0.95s  log         research/coordinator          two topics
12:00:01    +1.0s  fired       research/coordinator          3 changes (findings, status, workflow.plan), 2 subtasks, \
1 call, 150 tokens, $0.0100, 1.0s
12:00:02    +2.1s  failed      analyst [finance]             1.0s, retry in 2.0s (attempt 1 failed): \
ConnectorError: 503 Service Unavailable
12:00:03    +3.1s  fired       analyst [market]              1 change (note), completed, 1 call, 150 tokens, \
$0.0100, 2.0s
12:00:03    +3.1s  done        [market]
12:00:03    +3.2s  looked      synthesis                     0.01s
12:00:05    +5.1s  fired       analyst [finance]             1 change (note), completed, 1 call, 150 tokens, \
$0.0100, 1.0s
12:00:05    +5.1s  done        [finance]
12:00:06    +6.2s  conflict    synthesis                     at status, with research/coordinator, runs again, \
1 call, 150 tokens, $0.0100, 1.0s
12:00:06    +6.4s  log         synthesis                     warning: thin sources
12:00:06    +6.5s  fired       synthesis                     1 change (synthesis), completed, 0.30s
12:00:06    +6.5s  done                                      quantum, 4 fired, 1 looked, 1 failed, 1 voided, \
4 calls, 600 tokens, $0.0400
"""


def told(story: Story, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    with Lines(stream, zone=UTC) as view:
        for event in story.events:
            view.emit(event)
    return stream.getvalue()


def texts(story: Story) -> list[str]:
    """The part of each line behind the names."""
    return [line[61:] for line in told(story).splitlines()]


def test_a_run_is_shown_line_by_line() -> None:
    assert told(research()) == RESEARCH


def test_recalled_events_are_not_shown_but_counted() -> None:
    stream, events = io.StringIO(), research().events
    with Lines(stream, zone=UTC) as view:
        view.recall(Tree.of(filter(is_recorded, events[:-1])))
        view.emit(events[-1])
    assert stream.getvalue() == RESEARCH.splitlines(keepends=True)[-1]


def test_a_log_of_several_lines_keeps_a_prefix_on_each() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.log(1, 1, "one\n  two\n", "error")
    assert texts(story)[1:] == ["error: one", "error:   two"]


def test_escape_sequences_of_others_do_not_reach_the_stream() -> None:
    story = Story()
    story.create(0, "na\x1b[2Jme")
    story.start(0, 1, "a\x07\u202eb")
    story.log(1, 1, "\x1b]0;title\x07 [red]text[/red]")
    story.fail(2, 1, "bad\r\nworse\x9b31m")
    text = told(story)
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\r", "\u202e"}
    assert "[red]text[/red]" in text
    assert "bad worse" in text


def test_a_final_error_names_its_place() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    error = {"type": "KeyError", "message": "'x'", "place": "steps/a.py:7"}
    story.of(FiringFailed, 1, 1, error=error, attempt=1, seconds=0.5)
    assert texts(story)[1] == "0.50s, KeyError: 'x' (steps/a.py:7)"


def test_changes_by_a_person_and_arming_are_shown() -> None:
    story = Story()
    story.create(0, "t")
    story.add(Committed, 1, ROOT, version=2, by="person", changes=({"op": "add", "path": "/approved", "value": True},))
    story.add(StepsArmed, 2, ROOT, steps=("a", "b"), reason="asked by a person")
    assert texts(story)[1:] == ["1 change (approved), by a person", "a, b, asked by a person"]


def test_an_ignored_task_says_what_came_nearest() -> None:
    story = Story()
    story.create(0, "t")
    story.rest(1, "ignored", missing=({"step": "a", "missing": ["x is missing, wanted a string"], "more": 2},))
    assert texts(story)[-1] == "closest step: a: x is missing, wanted a string; 2 more"


def test_a_reader_that_went_away_silences_the_view() -> None:
    class Closed(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            raise BrokenPipeError

    stream = Closed()
    told(research(), stream)
    assert stream.writes == 1


@pytest.mark.parametrize(("encoding", "text"), [("ascii", "caf\\xe9 \\u65e5"), ("latin-1", "café \\u65e5")])
def test_what_an_encoding_lacks_is_escaped(encoding: str, text: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    story = Story()
    story.create(0, "café 日")
    with Lines(stream, zone=UTC) as view:
        view.emit(story.events[0])
    assert text in raw.getvalue().decode(encoding)


def test_waits_are_told_once_for_many_calls_and_the_words_of_an_answer_not_at_all() -> None:
    story = Story()
    story.create(0, "t")
    for firing in range(1, 9):
        story.start(1, firing, "agent")
        story.ask(1, firing)
        story.wait(1, firing, "waiting", until=91, attempt=1, tries=3)
    for firing in range(1, 8):
        story.wait(2, firing, "rate_limited", until=5, attempt=2, tries=3, text="429")
    story.wait(3, 8, "streaming", text="Once upon a time")
    story.wait(33, 8, "streaming", text="Once upon a time", silent=30.0)
    assert texts(story)[1:] == ["429: waits 3 s, try 2 of 3", "no more text for 30 s"]
