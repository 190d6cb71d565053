"""`task log`: numbers, details, and what is never shown."""

from __future__ import annotations

import io
from datetime import UTC

import pytest

from aloma_cli.errors import InputError
from aloma_cli.record.events import Committed, TaskCreated
from aloma_cli.view.history import History
from aloma_cli.view.log import Details, write_log
from tests.view.story import NOON, ROOT, Story, child, research
from tests.view.terminal import terminal


class Clock:
    def now(self) -> float:
        return NOON + 7_300

    def elapsed(self) -> float:
        return 0.0


NONE = Details()


def piped(story: Story, details: Details = NONE, task: str = ROOT) -> list[str]:
    stream = io.StringIO()
    write_log(History(story.events, task), stream, environ={}, clock=Clock(), details=details)
    return stream.getvalue().splitlines()


def landing_story() -> Story:
    story = research()
    story.add(
        Committed,
        7,
        ROOT,
        version=3,
        by="landing",
        child=child(1),
        changes=({"op": "replace", "path": "/findings/0", "value": {"status": "done"}},),
    )
    changes = ({"op": "remove", "path": "/plan"}, {"op": "add", "path": "/list/-", "value": 3})
    story.add(Committed, 8, ROOT, version=4, by="person", changes=changes)
    story.add(Committed, 9, ROOT, version=5, by="engine", changes=({"op": "add", "path": "/$errors", "value": {}},))
    return story


def test_the_creation_is_0_and_every_commit_and_ending_has_the_next_number() -> None:
    entries = [line.split("\t")[:1] + line.split("\t")[2:4] for line in piped(landing_story())]
    assert entries == [
        ["0", "created", ""],
        ["1", "fired", "research/coordinator"],
        ["2", "looked", "synthesis"],
        ["3", "conflict", "synthesis"],
        ["4", "fired", "synthesis"],
        ["", "done", ""],
        ["5", "landed", "market"],
        ["6", "changed", ""],
        ["7", "engine", ""],
    ]


def test_a_subtask_has_a_log_of_its_own() -> None:
    assert [line.split("\t")[2] for line in piped(research(), task=child(2))] == ["created", "failed", "fired", "done"]


def test_a_firing_in_flight_is_shown_without_a_number() -> None:
    story = Story()
    story.create(0, "t")
    story.start(1, 1, "slow")
    story.log(2, 1, "half way")
    assert piped(story, Details(logs=True))[1:] == [
        "\t2026-11-22T12:00:01.000Z\trunning\tslow\t\thalf way",
        "\t| half way",
    ]


def test_changes_are_shown_as_operations() -> None:
    lines = piped(landing_story(), Details(changes=True, step=6))
    assert [line for line in lines if line.startswith("\t") and "done" not in line] == [
        "\t- plan",
        "\t+ list[] = 3",
    ]


def test_calls_and_logs_are_shown_when_asked_for() -> None:
    lines = piped(research(), Details(calls=True, logs=True))
    assert lines[2:5] == [
        "\t> 1 openai.chat  gpt-4, 100 tokens in, 50 out, $0.0100, 0.00s",
        "\t< null",
        "\t| two topics",
    ]
    assert "\t| warning: thin sources" in lines


def test_step_limits_the_details_and_not_the_entries() -> None:
    all_of_it, one = piped(research(), Details(logs=True)), piped(research(), Details(logs=True, step=1))
    assert [line for line in one if line[0] != "\t"] == [line for line in all_of_it if line[0] != "\t"]
    assert [line for line in one if line.startswith("\t|")] == ["\t| two topics"]


@pytest.mark.parametrize("step", [-1, 5, 99])
def test_an_unknown_entry_number_is_refused(step: int) -> None:
    with pytest.raises(InputError, match=rf"no entry {step}: its entries are 0 to 4"):
        piped(research(), Details(step=step))


def test_values_of_the_stash_are_never_shown() -> None:
    story = Story()
    story.add(TaskCreated, 0, ROOT, name="t", data={"$stash": {"key": "hunter2"}, "a": 1})
    changes = (
        {"op": "add", "path": "/$stash/key", "value": "hunter2"},
        {"op": "add", "path": "/$stash", "value": {"key": "hunter2"}},
        {"op": "replace", "path": "/child", "value": {"result": {"$stash": {"key": "hunter2"}}}},
        {"op": "add", "path": "/list/0", "value": [{"$stash": "hunter2"}]},
    )
    story.add(Committed, 1, ROOT, version=1, by="person", changes=changes)
    text = "\n".join(piped(story, Details(changes=True)))
    assert "hunter2" not in text
    assert '+ (document) = {"$stash": {"key": "«hidden string»"}, "a": 1}' in text
    assert '+ $stash.key = "«hidden string»"' in text


def test_a_terminal_gets_columns_and_cut_values_and_a_pipe_all_of_them() -> None:
    story = Story()
    story.create(0, "long")
    story.start(1, 1, "writer")
    story.of(
        Committed,
        3,
        1,
        version=1,
        by="firing",
        changes=({"op": "add", "path": "/text", "value": "x" * 500},),
        seconds=2,
    )
    story.rest(3)
    details = Details(changes=True)
    with terminal(60, 24) as screen:
        history = History(story.events, ROOT)
        write_log(history, screen.stream, environ={"TERM": "dumb"}, clock=Clock(), details=details, zone=UTC)
    assert screen.lines()[:6] == [
        "✓ done  long  01jd3k4m5nqz7w8x  created 2 hours ago, took …",
        " 0  12:00:00  ○ created",
        "      + (document) = {}",
        " 1  12:00:03  ✓ writer              2.0s  text",
        '      + text = "' + "x" * 42 + "…",
        "    12:00:03  ✓ done",
    ]
    assert any("x" * 500 in line for line in piped(story, details))


def drawn(story: Story, width: int, details: Details) -> list[str]:
    with terminal(width, 24) as screen:
        history = History(story.events, ROOT)
        write_log(history, screen.stream, environ={"TERM": "dumb"}, clock=Clock(), details=details, zone=UTC)
    return screen.lines()


def test_the_counts_of_subtasks_are_folded_for_people_unless_their_entry_is_asked_for() -> None:
    story = Story()
    story.create(0, "t")
    counts = [{"op": "replace", "path": f"/$children/g/{name}", "value": 1} for name in ("done", "running")]
    changes = ({"op": "add", "path": "/a", "value": 1}, *counts)
    story.add(Committed, 1, ROOT, version=1, by="landing", changes=changes)
    assert drawn(story, 80, Details(changes=True))[4:6] == ["      + a = 1", "      ~ $children (2 changes of counts)"]
    assert "      ~ $children.g.done = 1" in drawn(story, 80, Details(changes=True, step=1))
    assert "\t~ $children.g.done = 1" in piped(story, Details(changes=True))


def test_an_error_is_indented_by_six_and_broken_between_words() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.fail(1, 1, "no answer from https://example.com/a/long/path of the server, try it again later", seconds=1.0)
    assert drawn(story, 60, NONE)[3:5] == [
        "      ConnectorError: no answer from",
        "      https://example.com/a/long/path of the server, try it",
    ]


def test_people_see_logs_only_if_they_ask_for_them() -> None:
    assert not [line for line in drawn(research(), 80, NONE) if "two topics" in line]
    assert "      │ two topics" in drawn(research(), 80, Details(logs=True))


def test_a_task_that_waits_for_an_answer_says_what_it_asks() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "approval")
    asked = {"question": "Pay 4,200 EUR?", "into": "approved"}
    story.fire(1, 1, asked=(asked,))
    story.rest(1, "question")
    assert piped(story)[-1].split("\t")[2:] == ["question", "", "", '"Pay 4,200 EUR?"']


def test_a_turn_after_a_void_continues_the_one_before() -> None:
    story = Story()
    story.create(0, "t")
    story.start(1, 1, "clerk")
    asked = [{"role": "user", "content": "Where is it?"}]
    story.answer(2, 1, arguments={"messages": asked}, key="a")
    story.void(3, 1, "conflict", again=True)
    story.start(3, 1, "clerk", run=2)
    story.answer(4, 1, arguments={"messages": [*asked, {"role": "user", "content": "Well?"}]}, key="b")
    story.fire(5, 1, "/x")
    lines = [line.strip() for line in piped(story, Details(prompts=True))]
    assert lines.count("Where is it?") == 1
    assert "continues call 1" in lines
