"""The live region as plain text at fixed sizes, and what goes to the scrollback."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from aloma_cli.record.events import CallSent
from aloma_cli.record.states import seen
from aloma_cli.record.tree import Tree
from aloma_cli.view.entries import text
from aloma_cli.view.live.frame import MOST_LINES, frame
from aloma_cli.view.live.rows import visible_rows
from aloma_cli.view.live.screen import Screen, TaskNode
from aloma_cli.view.live.scrollback import entry_lines, scrolled_lines
from aloma_cli.view.live.summary import summary_lines
from aloma_cli.view.theme import ASCII, UNICODE, Glyphs
from aloma_cli.view.width import Size
from tests.view.story import NOON, ROOT, Story, child, fold, research


def plain(lines: list[Text], width: int) -> str:
    """The lines as a terminal of this width without colours shows them."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, color_system=None, highlight=False)
    for line in lines:
        console.print(line)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())


def region(screen: Screen, at: float, width: int, height: int = 24, glyphs: Glyphs = UNICODE) -> str:
    return plain(frame(screen, NOON + at, Size(width, height), glyphs), width)


def scrolled(story: Story, width: int, glyphs: Glyphs = UNICODE) -> str:
    screen = Screen()
    lines: list[Text] = []
    for event in story.events:
        entry = screen.tell(event)
        if entry is not None and entry.firing is not None:
            lines += scrolled_lines(entry, width - 1, glyphs)
    return plain(lines, width)


def fan_out(number: int) -> Story:
    story = Story()
    story.create(0, "fan")
    for index in range(number):
        story.create(1, f"topic {index}", child(index), ROOT)
        story.start(1, index + 2, "analyst", child(index))
    return story


def test_the_region_of_a_run_that_is_joined_says_what_is_called() -> None:
    story = fan_out(2)
    story.of(CallSent, 2, 2, call="bank.pay", key="k", effect="once")
    assert region(Screen.of(Tree.of(story.events)), 3, 100).count("calling bank.pay") == 1


def test_the_region_says_that_no_process_runs_the_task() -> None:
    lines = frame(fold(research(), 2.9), NOON + 2.9, Size(100, 24), ASCII, held=False)
    shown = plain(lines, 100)
    assert shown.split("\n")[1].startswith("o quantum  2.9s  interrupted")
    assert "running" not in shown
    assert "1 unfinished" in shown


def test_the_region_at_100_columns() -> None:
    assert region(fold(research(), 2.9), 2.9, 100) == (
        """
● quantum  2.9s  running  waits for 2 subtasks  01jd3k4m5nqz7w8x
├ ⠸ market › analyst     1.8s  calling openai.chat
└ ↻ finance › analyst          retry in 2s: ConnectorError: 503 Service Unavailable
  1 running · 1 waiting · 1 fired · 1 failed · 1 call · 150 tokens · $0.0100"""
    )


def test_the_region_at_40_columns() -> None:
    assert region(fold(research(), 2.9), 2.9, 40) == (
        """
● quantum  2.9s  running  waits for 2 …
├ ⠸ market › analyst     1.8s
└ ↻ finance › analyst  retry in 2s: Co…
  1 running · 1 waiting · 1 fired
  1 failed · 1 call · 150 tokens"""
    )


def test_the_region_in_ascii() -> None:
    shown = region(fold(research(), 2.9), 2.9, 100, glyphs=ASCII)
    assert shown.isascii()
    assert "`- ~ finance > analyst" in shown


def test_a_subtask_with_more_than_one_thing_to_show_has_its_own_row() -> None:
    story = Story()
    story.create(0, "root")
    story.create(0, "sub", child(1), ROOT)
    story.create(0, "leaf", child(2), child(1))
    story.start(0, 1, "one", child(1))
    story.start(0, 2, "two", child(1))
    story.start(0, 3, "three", child(2))
    rows = region(fold(story), 1, 60).splitlines()[2:-1]
    assert rows == ["└ sub", "  ├ ⠇ one             1.0s", "  ├ ⠇ two             1.0s", "  └ ⠇ leaf › three    1.0s"]


def test_a_region_fits_terminals_of_every_height() -> None:
    screen = fold(fan_out(30))
    for height in range(1, 40):
        assert len(frame(screen, NOON + 2, Size(80, height), UNICODE)) <= max(1, min(MOST_LINES, height - 1))


def test_of_a_thousand_subtasks_a_few_are_shown_and_the_rest_is_counted() -> None:
    lines = region(fold(fan_out(1000)), 2, 80).splitlines()
    assert len(lines) == MOST_LINES
    assert lines[-2] == "└ … and 990 more running"
    assert "topic 0 › analyst" in lines[2]


def test_a_frame_looks_at_no_more_tasks_when_a_thousand_run() -> None:
    class Watched(Screen):
        looks = 0

        def node(self, task: str) -> TaskNode:
            self.looks += 1
            return super().node(task)

    def looks(number: int) -> int:
        screen = Watched()
        for event in fan_out(number).events:
            screen.fold(event)
        screen.looks = 0
        frame(screen, NOON + 2, Size(80, 24), UNICODE)
        return screen.looks

    assert 0 < looks(1000) <= looks(50)


def test_something_that_waits_is_shown_however_much_runs() -> None:
    story = fan_out(100)
    story.create(2, "slow", child(500), ROOT)
    story.start(2, 500, "late", child(500))
    story.fail(3, 500, "busy", retry=60)
    assert "slow › late" in region(fold(story), 4, 80)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["run", "fail", "ask"])), max_size=60),
    st.integers(1, 14),
)
def test_rows_never_exceed_their_room_and_nothing_is_lost_from_the_count(
    steps: list[tuple[int, str]], limit: int
) -> None:
    story = Story()
    story.create(0, "root")
    for number in range(1, 13):
        story.create(0, f"t{number}", child(number), child(number // 3) if number > 2 else ROOT)
    for firing, (number, what) in enumerate(steps):
        task = child(number) if number else ROOT
        story.start(1, firing, f"s{firing}", task)
        if what == "fail":
            story.fail(2, firing, "no", retry=9)
        elif what == "ask":
            story.rest(2, "question", task)
    screen = fold(story)
    rows = visible_rows(screen, NOON + 3, limit)
    assert len(rows.rows) <= limit
    shown = [row.kind for row in rows.rows]
    assert shown.count("running") + rows.more_running == len(screen.running)
    paused = [task for task in screen.paused if task != ROOT]
    waiting = len(shown) - shown.count("running") - shown.count("task")
    assert waiting + rows.more_waiting == len(screen.retries) + len(paused)


@given(st.text(max_size=60), st.integers(4, 120), st.sampled_from([UNICODE, ASCII]))
def test_no_line_is_wider_than_its_room_whatever_the_names(name: str, width: int, glyphs: Glyphs) -> None:
    story = Story()
    story.create(0, name)
    story.create(0, name, child(1), ROOT)
    story.start(0, 1, name, child(1))
    story.log(1, 1, name)
    screen = fold(story)
    size = Size(width, 24)
    story.fail(2, 1, name, seconds=1)
    entry = screen.tell(story.events[-1])
    assert entry is not None
    lines = frame(screen, NOON + 1, size, glyphs)
    lines += entry_lines(entry, size.room, glyphs) + summary_lines(screen, NOON + 3, size, glyphs)
    assert max(line.cell_len for line in lines) <= size.room
    assert not any("\n" in line.plain for line in lines)


def test_markup_in_foreign_text_is_literal() -> None:
    story = Story()
    story.create(0, "[bold]name[/bold]")
    story.start(0, 1, "[red]step[/nothing]")
    story.log(1, 1, "[link=x]log[/link]")
    assert "[bold]name[/bold]" in region(fold(story), 1, 80)
    assert "[red]step[/nothing]" in region(fold(story), 1, 80)
    story.fire(2, 1, "/[dim]path")
    shown = scrolled(story, 80)
    assert "[link=x]log[/link]" in shown
    assert "[dim]path" in shown


def test_the_scrollback_at_80_columns() -> None:
    assert scrolled(research(), 80) == (
        """\
✓ research/coordinator             1.0s  findings, status (+1) · 2 subtasks
  │ two topics
✗ analyst  finance                 1.0s
    retry in 2.0s (attempt 1 failed): ConnectorError: 503 Service Unavailable
✓ analyst  market                  2.0s  note · completed · 1 call · 150 tokens
· synthesis                       0.01s  looked
✓ analyst  finance                 1.0s  note · completed · 1 call · 150 tokens
↻ synthesis                        1.0s  conflict · at status
✓ synthesis                       0.30s  synthesis · completed
  │ warning: thin sources"""
    )


def test_a_question_comes_first_where_room_is_short() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "approval")
    asked = {"question": "Pay 4,200 EUR to Ada?", "into": "approved"}
    story.fire(1, 1, "/approval/requested", "/approval/amount", "/other", asked=(asked,), name="Invoice 4711 of Ada")
    assert scrolled(story, 80).endswith('  asks "Pay 4,200 EUR to Ada?"')


def test_a_path_that_has_no_room_beside_a_long_name_goes_below_it() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a step with quite a long name, longer than most")
    story.fire(1, 1, "/project/parallelExecution/synthesis")
    assert scrolled(story, 80).splitlines()[1] == "    project.parallelExecution.synthesis"


def test_log_lines_that_repeat_are_folded() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    for _ in range(999):
        story.log(1, 1, "same")
    story.log(1, 1, "other")
    story.fire(2, 1)
    assert scrolled(story, 80).splitlines()[1:] == ["  │ same", "  │ … 998 more like this", "  │ other"]


def test_entries_keep_foreign_text_as_it_is_and_lines_are_clean() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a\x1b[2J")
    story.fail(1, 1, "bad\x07", seconds=1.0)
    screen = Screen()
    entry = [screen.tell(event) for event in story.events][-1]
    assert entry is not None
    assert (entry.step, text(entry)) == ("a\x1b[2J", "ConnectorError: bad\x07")
    assert not set("".join(line.plain for line in entry_lines(entry, 79, UNICODE))) & {"\x1b", "\x07"}


def test_a_long_error_is_wrapped_and_not_lost_at_40_columns() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.fail(1, 1, "the server answered with something that no reader could make sense of", seconds=1.0)
    assert scrolled(story, 40) == (
        """\
✗ a                1.0s
    ConnectorError: the server answered
    with something that no reader could
    make sense of"""
    )


def test_the_summary_has_a_row_for_each_step_and_no_empty_column() -> None:
    assert plain(summary_lines(fold(research()), NOON + 9, Size(80, 24), UNICODE), 80) == (
        """
✓ done  quantum  in 6.5s  01jd3k4m5nqz7w8x

  STEP                  FIRED  LOOKED  FAILED  VOIDED  CALLS  TOKENS  TIME
  research/coordinator      1                              1     150  1.0s
  analyst                   2               1              2     300  4.0s
  synthesis                 1       1               1      1     150  1.3s

  4 calls · 400 tokens in, 200 out · $0.0400
"""
    )


def test_the_summary_says_that_answers_were_simulated() -> None:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.answer(1, 1, cost=None, about={"model": "aloma-offline", "simulated": True})
    story.fire(2, 1)
    story.rest(2)
    assert "1 of 1 answer simulated" in plain(summary_lines(fold(story), NOON, Size(80, 24), UNICODE), 80)


def test_the_summary_of_a_run_that_was_left_tells_its_age() -> None:
    shown = plain(summary_lines(fold(research(), 3), NOON + 5, Size(80, 24), UNICODE), 80)
    assert shown.splitlines()[1] == "○ interrupted  quantum  after 5.0s  01jd3k4m5nqz7w8x"


def test_the_header_says_the_state_that_the_list_shows_while_only_subtasks_run() -> None:
    screen = fold(research(), 1.5)
    assert f"  {seen(screen.tree.tasks[ROOT].state, held=True)}  " in region(screen, 2, 80).splitlines()[1]


def test_a_frame_moves_its_spinner_and_nothing_else() -> None:
    screen = fold(research(), 0.5)
    first, second = (region(screen, at, 60) for at in (20.3, 20.42))
    assert [(a, b) for a, b in zip(first, second, strict=True) if a != b] == [("⠹", "⠸")]


def waits(state: str, **fields: object) -> Story:
    story = Story()
    story.create(0, "t")
    story.start(0, 1, "writer")
    story.ask(0, 1)
    story.wait(0, 1, state, **fields)  # type: ignore[arg-type]
    return story


def doing_at(story: Story, at: float, width: int = 80) -> str:
    return next(line for line in region(fold(story), at, width).splitlines() if "writer" in line)[10:].strip()


def test_a_call_that_waits_for_long_says_so() -> None:
    story = waits("waiting", until=90, attempt=1, tries=3)
    assert doing_at(story, 29.9) == "30s  calling openai.chat"
    assert doing_at(story, 34.2) == "34s  no answer for 34 s (limit 90 s, try 1 of 3)"
    assert doing_at(story, 61) == "1m01s  no answer for 1m01s (limit 90 s, try 1 of 3)"


def test_a_long_silence_that_is_reported_again_keeps_its_length_and_its_limit() -> None:
    story = waits("waiting", until=90, attempt=1, tries=3)
    story.wait(30, 1, "waiting", until=90, attempt=1, tries=3, silent=30.0)
    assert doing_at(story, 34.2) == "34s  no answer for 34 s (limit 90 s, try 1 of 3)"


def test_a_rate_limited_call_counts_down() -> None:
    story = waits("rate_limited", until=3, attempt=2, tries=3, text="429")
    assert doing_at(story, 0.1) == "0.1s  429: waits 3 s, try 2 of 3"
    assert doing_at(story, 2.5, width=50) == "2.5s  429: waits 1 s, try 2 of 3"


def test_an_answer_fills_its_line_from_left_to_right_and_then_begins_a_new_one() -> None:
    said = "It was a bright cold day in April, and the clocks were striking thirteen. Winston"
    assert doing_at(waits("streaming", text=said[:40]), 1) == "1.0s  It was a bright cold day in April, and t"
    assert doing_at(waits("streaming", text=said), 1) == "1.0s  striking thirteen. Winston"
    assert doing_at(waits("working", text="page 3 of 12"), 1) == "1.0s  openai.chat: page 3 of 12"
    assert doing_at(waits("working", text="page 3 of 12"), 40) == "40s  no answer for 40 s"


def test_calls_in_the_queue_of_a_server_are_counted() -> None:
    story = fan_out(3)
    for firing in (2, 3, 4):
        story.ask(1, firing)
    story.wait(1, 3, "queued")
    story.wait(1, 4, "queued")
    shown = region(fold(story), 2, 100)
    assert "3 running · 1 calling · 2 queued" in shown
    assert "1.0s  queued" in shown
    story.answer(2, 2)
    story.wait(2, 3, "waiting")
    assert "3 running · 1 calling · 1 queued" in region(fold(story), 2, 100)
    story.fire(3, 4)
    assert "queued" not in region(fold(story), 3, 100)


def test_firings_in_a_queue_come_after_those_that_get_answers() -> None:
    story = fan_out(20)
    for firing in range(2, 22):
        story.ask(1, firing)
        story.wait(1, firing, "queued" if firing < 19 else "streaming", text="words")
    shown = region(fold(story), 2, 100)
    assert shown.index("topic 17") < shown.index("topic 18") < shown.index("topic 0")


def test_a_call_that_does_not_fit_into_the_limits_yet_says_so() -> None:
    story = fan_out(1)
    story.wait(1, 2, "queued", text="room within the limits")
    assert "waits for room within the limits" in region(fold(story), 2, 100)
    story.ask(2, 2)
    assert "calling openai.chat" in region(fold(story), 2, 100)
