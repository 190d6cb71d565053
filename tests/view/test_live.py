"""The live view on a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import sys
import time

import pytest
from rich.text import Text

from aloma_cli.clock import SystemClock
from aloma_cli.view.choose import open_view
from aloma_cli.view.live.live import Live
from aloma_cli.view.live.region import Region
from aloma_cli.view.live.stderr import Notes
from tests.view.story import NOON, ROOT, Story, child, research
from tests.view.terminal import Terminal, terminal

ENVIRON = {"TERM": "xterm-256color"}
FRAME = 0.14


class StoryClock:
    """Stands still at a moment of the story."""

    def now(self) -> float:
        return NOON + 3

    def elapsed(self) -> float:
        return 0.0


def play(story: Story, screen: Terminal, pause: float = 0.0) -> None:
    with Live(screen.stream, environ=ENVIRON, clock=StoryClock()) as view:
        for event in story.events:
            view.emit(event)
            time.sleep(pause)


def test_each_finished_line_is_in_the_scrollback_exactly_once_and_no_frame_is_left() -> None:
    with terminal() as screen:
        play(research(), screen, pause=0.05)
    lines = screen.lines()
    finished = [line for line in lines if line[:1] in tuple("✓✗↻·") and "done" not in line]
    assert [line.split("  ")[0] for line in finished] == [
        "✓ research/coordinator",
        "✗ analyst",
        "✓ analyst",
        "· synthesis",
        "✓ analyst",
        "↻ synthesis",
        "✓ synthesis",
    ]
    assert lines.count("  │ two topics") == 1
    assert not [line for line in lines if line.startswith(("●", "├", "└"))]
    assert "calling openai.chat" in screen.raw


def test_the_summary_comes_last() -> None:
    with terminal() as screen:
        play(research(), screen)
    assert screen.lines()[-4:] == ["", "  4 calls · 400 tokens in, 200 out · $0.0400", "", ""]


def test_a_thousand_firings_at_once_are_all_shown_in_order() -> None:
    story = Story()
    story.create(0, "many")
    for firing in range(1, 1001):
        story.start(1, firing, f"step {firing}")
        story.fire(2, firing)
    with terminal() as screen:
        play(story, screen)
    told = [line.split()[2] for line in screen.lines() if line.startswith("✓ step")]
    assert told == [str(firing) for firing in range(1, 1001)]


def test_the_cursor_is_hidden_only_inside_a_single_write() -> None:
    with terminal() as screen:
        play(research(), screen, pause=0.03)
    hidden = [piece.count("\x1b[?25h") for piece in screen.raw.split("\x1b[?25l")[1:]]
    assert hidden
    assert set(hidden) == {1}


def test_what_still_runs_when_the_view_is_left_is_shown() -> None:
    story = Story()
    story.create(0, "t")
    for firing in range(1, 14):
        story.create(0, f"topic {firing}", child(firing), ROOT)
        story.start(1, firing, "analyst", child(firing))
    story.ask(1, 1)
    with terminal() as screen:
        play(story, screen)
    lines = screen.lines()
    first = next(line for line in lines if "topic 1 " in line)
    assert first.endswith("2.0s  unfinished · calling openai.chat")
    assert "… and 3 more unfinished" in lines


def test_what_others_write_to_stderr_stays_above_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    with terminal() as screen:
        monkeypatch.setattr(sys, "stderr", notes := Notes(screen.stream))
        with Live(notes, environ=ENVIRON, clock=StoryClock()) as view:
            for event in research().events[:3]:
                view.emit(event)
            sys.stderr.write("a warning\nand its ")
            time.sleep(FRAME)
            sys.stderr.write("end")
        notes.write("after it\n")
    lines = screen.lines()
    assert lines.count("a warning") == 1
    assert lines.count("and its end") == 1
    assert lines[-2:] == ["after it", ""]
    assert not [line for line in lines if line.startswith("├")]


def test_no_color_keeps_the_frames_and_drops_the_colours() -> None:
    environ = {**ENVIRON, "NO_COLOR": "1"}
    with terminal() as screen, Live(screen.stream, environ=environ, clock=StoryClock()) as view:
        for event in research().events[:10]:
            view.emit(event)
        time.sleep(FRAME)
    assert "● " in screen.raw
    assert not re.search(r"\x1b\[(\d+;)*[34]\d[;m]", screen.raw)


def test_a_region_finds_its_first_line_after_a_narrower_window_wrapped_it() -> None:
    with terminal(100, 30) as screen:
        region = Region(screen.stream, ENVIRON)
        region.draw([], [Text("x" * 50), Text(), Text("y" * 20)])
        screen.resize(30, 30)
        region.draw([], [Text("short")])
    assert "\x1b[4A\x1b[J" in screen.raw


def test_a_region_does_not_climb_out_of_a_low_window() -> None:
    with terminal(100, 30) as screen:
        region = Region(screen.stream, ENVIRON)
        region.draw([], [Text("x")] * 10)
        screen.resize(100, 5)
        region.draw([], [Text("short")])
    assert "\x1b[4A\x1b[J" in screen.raw


def test_an_unchanged_frame_is_not_written_again() -> None:
    with terminal() as screen:
        region = Region(screen.stream, ENVIRON)
        for _ in range(5):
            region.draw([], [Text("same")])
    assert screen.raw.count("same") == 1


def test_a_terminal_of_unknown_size_counts_as_80_by_24() -> None:
    with terminal(0, 0) as screen:
        screen.height = 24
        play(research(), screen, pause=0.01)
    assert max(map(len, screen.lines())) < 80


def test_a_terminal_that_goes_away_does_not_stop_the_run() -> None:
    window, slave = pty.openpty()
    stream = os.fdopen(slave, "w", encoding="utf-8")
    told = 0
    with open_view(stream, environ=ENVIRON, clock=SystemClock()) as view:
        for event in research().events:
            view.emit(event)
            told += 1
            if told == 5:
                os.close(window)
            time.sleep(0.02)
    with contextlib.suppress(OSError):
        stream.close()
    assert told == len(research().events)


def test_a_clock_that_was_set_back_does_not_stretch_what_is_waited_for() -> None:
    """The record continues from its last time, and so does the view."""

    class LateClock(StoryClock):
        def now(self) -> float:
            return NOON - 3600

    story = Story()
    story.create(0, "t")
    story.start(0, 1, "a")
    story.fail(1, 1, "no", retry=31)
    with terminal() as screen, Live(screen.stream, environ=ENVIRON, clock=LateClock()) as view:
        for event in story.events:
            view.emit(event)
        time.sleep(2 * FRAME)
    assert "30s" in screen.raw
    assert "1h00m" not in screen.raw
