"""`aloma task watch --full`: a run beside its documents, step by step."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aloma_cli.cli.watching.app import Watching
from aloma_cli.cli.watching.document import document_lines
from aloma_cli.cli.watching.log import LogMoment, WatchedLog
from aloma_cli.cli.watching.stage import Stage
from aloma_cli.cli.watching.state import WatchState, found, grown, next_in, played, pressed
from aloma_cli.document.paths import MISSING, get
from aloma_cli.document.reserved import STASH
from aloma_cli.explain.why import Inquiry
from aloma_cli.jsontext import JsonObject, show_path
from aloma_cli.record.history import document_at
from aloma_cli.view.entries import Entry
from aloma_cli.view.history import Record
from aloma_cli.view.theme import ASCII, UNICODE
from aloma_cli.view.width import Size
from tests.cli.desk import COMMAND, SLEEPS, Desk, running, until
from tests.report.runs import gates, hostile, order, shelf
from tests.view.terminal import Terminal, terminal

SIZES = [(80, 24), (50, 15), (200, 60), (20, 3), (8, 2), (1, 1)]


def log_of(asked: Inquiry) -> WatchedLog:
    log = WatchedLog(asked.task)
    for event in asked.events:
        log.take(event)
    return log


def stage_of(asked: Inquiry, **more: Any) -> Stage:
    return Stage(log_of(asked), lambda step, entry: [f"{step} at {entry}"], UNICODE, **more)


def seen(stage: Stage, width: int = 80, height: int = 24) -> str:
    return "\n".join(line.plain for line in stage.frame(Size(width, height)))


def press(stage: Stage, *keys: str) -> Stage:
    for key in keys:
        stage.press(key, key if len(key) == 1 else None)
    return stage


def at(stage: Stage, number: int) -> Stage:
    position = stage.log.position_of(number)
    assert position is not None
    stage.state = stage.state.at(position)
    return stage


@pytest.mark.parametrize("run", [order, shelf, gates])
def test_the_document_at_each_entry_is_that_of_the_record_in_any_order(run: Callable[[], Inquiry]) -> None:
    asked = run()
    log = log_of(asked)
    numbers = [one.number for one in log.records if one.number is not None]
    assert numbers == [*range(len(numbers))]
    for number in [*numbers, *reversed(numbers), *numbers[::2]]:
        position = log.position_of(number)
        assert position is not None
        moment = log.moment(position)
        assert moment.document == document_at(asked.events, asked.task, number)[0]
        assert all(get(moment.document, path) is not MISSING for path in moment.touched)


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        ([("add", "/l/1", 9)], ["l.1"]),
        ([("replace", "/l/2", 9), ("add", "/l/0", 8)], ["l.3", "l.0"]),
        ([("replace", "/l/2", 9), ("remove", "/l/0", None)], ["l.1"]),
        ([("replace", "/l/2", 9), ("remove", "/l/2", None)], []),
        ([("add", "/l/-", 9), ("add", "/l/-", 8)], ["l.3", "l.4"]),
        ([("replace", "/l/0", 9), ("add", "/m", 1), ("remove", "/m", None)], ["l.0"]),
    ],
)
def test_what_an_entry_wrote_is_marked_where_it_is_at_the_end_of_the_entry(
    changes: list[tuple[str, str, Any]], written: list[str]
) -> None:
    log = WatchedLog("1")
    operations = [{"op": op, "path": path, "value": value} for op, path, value in changes]
    for number, one in enumerate(([{"op": "add", "path": "", "value": {"l": [1, 2, 3]}}], operations)):
        log.records.append(Record(number, Entry("2026-11-28T08:00:00.000Z", "fired"), changes=tuple(one)))
    assert [show_path(path) for path in log.moment(1).touched] == written


def test_a_diff_tells_the_value_before_and_after() -> None:
    stage = press(at(stage_of(shelf()), 3), "d")
    told = [line.split("│ ", 1)[1].rstrip() for line in seen(stage, 100).splitlines() if "│" in line]
    assert told[told.index("shelf.2.left") :][:3] == ["shelf.2.left", "- 1", "+ 5"]
    failed = at(stage_of(order()), 2)
    assert "the stock does not answer" in " ".join(seen(press(failed, "d"), 200).split())
    cut = press(at(stage_of(shelf()), 4), "d", "d")
    assert '- "odd/~ key.0".1' in seen(cut, 120)


def test_the_stash_is_hidden_in_the_document_and_in_the_diff() -> None:
    stage = at(stage_of(order()), 0)
    for keys in ((), ("d",)):
        told = seen(press(stage, *keys))
        assert "«hidden string»" in told
        assert "4111" not in told


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("run", [order, hostile])
def test_a_frame_fits_and_holds_nothing_that_a_terminal_obeys(
    run: Callable[[], Inquiry], size: tuple[int, int]
) -> None:
    stage = stage_of(run())
    for position in range(len(stage.log)):
        for pane in ("document", "diff", "prompts", "why"):
            stage.state = WatchState(position=position, pane=pane)
            lines = stage.frame(Size(*size))
            assert len(lines) <= size[1]
            assert all(line.cell_len <= size[0] for line in lines)
            assert not any(character in line.plain for line in lines for character in "\x1b\r\n\u202e\u2066")


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    stage = at(stage_of(hostile()), 1)
    assert "document.title='caught'" in seen(stage, 200, 60)


texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=8)
values = st.recursive(
    st.none() | st.integers() | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=8
)


@given(st.dictionaries(texts, values, max_size=4), st.data(), st.sampled_from([10, 30, 5000]))
def test_the_lines_of_a_document_are_the_document_and_what_was_written_is_marked(
    document: JsonObject, data: st.DataObject, room: int
) -> None:
    assume(STASH not in document)
    touched = tuple((key,) for key in document if data.draw(st.booleans()))
    lines = [line.plain for line in document_lines(LogMoment(document, (), touched), room)]
    whole = "".join("".join(line[2:] for line in lines).split())
    assert whole == "".join(json.dumps(document, ensure_ascii=False).split())
    if room == 5000 and touched:
        marked = json.loads("{" + "".join(line[2:] for line in lines if line.startswith("+")).rstrip(",") + "}")
        assert marked == {key: document[key] for (key,) in touched}


def test_the_words_for_why_come_from_the_step_and_the_entry() -> None:
    stage = press(at(stage_of(order()), 1), "w")
    assert "price at 1" in seen(stage)
    assert "No step fired at this entry." in seen(at(stage, 0))


def test_prompts_and_answers_of_the_firing_are_shown() -> None:
    asked = order()
    number = next(one.number for one in log_of(asked).records if one.calls)
    assert number is not None
    told = seen(press(at(stage_of(asked), number), "p"), 120, 40)
    assert "Write a letter about 120" in told
    assert "no call" in seen(press(at(stage_of(asked), 0), "p"))


def test_keys_move_within_the_log() -> None:
    log = log_of(order())
    last = len(log) - 1

    def after(*keys: str, state: WatchState | None = None) -> WatchState:
        state = state or WatchState()
        for key in keys:
            state = pressed(state, key, key if len(key) == 1 else None, log, 10)
        return state

    assert [after(*keys).position for keys in (("left",), ("right", "down"), ("end",), ("end", "right"))] == [
        0,
        2,
        last,
        last,
    ]
    assert after("end", "up", "home").position == 0
    assert [after(key).pane for key in "pdw"] == ["prompts", "diff", "why"]
    assert (after("p", "p").pane, after("p", "escape").pane) == ("document", "document")
    assert (after("q").ended, after("slash", "q").ended, after("slash", "ctrl+c").ended) == (True, False, True)
    assert (after("space").playing, after("space", "space").playing, after("space", "right").playing) == (
        True,
        False,
        False,
    )
    assert after("pagedown", "pagedown", "pageup").scroll == 10
    assert after("x") == WatchState()


def test_words_are_found_around_the_end_in_upper_and_lower_case() -> None:
    log = log_of(order())

    def find(words: str, *keys: str, since: int = 0) -> WatchState:
        state = pressed(WatchState(position=since), "slash", "/", log, 10)
        for letter in words:
            state = pressed(state, letter, letter, log, 10)
        for key in ("enter", *keys):
            state = pressed(state, key, key if len(key) == 1 else None, log, 10)
        return state

    def word_at(state: WatchState) -> str | None:
        return log.records[state.position].entry.step

    first, second = find("STOCK"), find("STOCK", "n")
    assert (word_at(first), word_at(second), first.position < second.position) == ("stock", "stock", True)
    assert find("stock", "n", "N").position == first.position
    assert find("stock", since=len(log) - 1).position == first.position
    assert (find("nowhere").missed, find("nowhere").position) == (True, 0)
    assert found(WatchState(), log, 1) == WatchState()
    typed = pressed(pressed(pressed(WatchState(), "slash", "/", log, 1), "a", "a", log, 1), "backspace", None, log, 1)
    assert (typed.words, typed.typing, pressed(typed, "escape", None, log, 1).typing) == ("", True, False)


def test_it_plays_at_the_recorded_pace_with_short_waits_and_stops_at_the_end() -> None:
    log = log_of(order())
    state = WatchState(playing=True)
    for position in range(len(log) - 1):
        told = next_in(replace(state, position=position), log, 2.0)
        assert told == min(2.0, log.seconds_before(position + 1) / 2)
    assert next_in(WatchState(), log, 1.0) is None
    assert next_in(WatchState(position=len(log) - 1, playing=True), log, 1.0) is None
    assert (played(state, log).position, played(state, log).playing) == (1, True)
    last = played(WatchState(position=len(log) - 2, playing=True), log)
    assert (last.position, last.playing) == (len(log) - 1, False)
    assert pressed(last, "space", " ", log, 10) == WatchState(position=0, playing=True)


def test_a_run_that_goes_on_is_played_until_its_task_is_at_rest() -> None:
    events = list(order().events)
    log = WatchedLog(events[0].task)
    for event in events[:5]:
        log.take(event)
    stage = Stage(log, lambda *_: [], UNICODE, position=len(log) - 1)
    press(stage, "space")
    assert (stage.state.playing, stage.next_in) == (True, None)
    for event in events[5:]:
        stage.take(event)
    assert (stage.state.playing, stage.state.position) == (False, len(log) - 1)


def test_a_view_at_the_end_stays_there_when_the_log_grows() -> None:
    assert [grown(WatchState(position=at), 5, 7).position for at in (4, 3, 0)] == [6, 3, 0]
    assert grown(WatchState(position=4, scroll=3), 5, 5) == WatchState(position=4, scroll=3)


def test_the_right_side_scrolls_no_further_than_its_end() -> None:
    stage = at(stage_of(order()), 0)
    seen(stage, 50, 8)
    press(stage, *["pagedown"] * 9)
    seen(stage, 50, 8)
    far = stage.state.scroll
    press(stage, "pageup")
    seen(stage, 50, 8)
    assert stage.state.scroll < far or far == 0
    press(stage, *["pageup"] * 9)
    seen(stage, 50, 8)
    assert stage.state.scroll == 0


def test_it_can_be_drawn_in_ascii() -> None:
    stage = Stage(log_of(order()), lambda *_: [], ASCII)
    assert "|" in seen(stage)
    assert "│" not in seen(stage)


def with_pilot(stage: Stage, act: Callable[[Any, Watching], Any], follow: Any = None, **more: Any) -> Watching:
    async def nothing(_: Any) -> None:
        return None

    async def run() -> Watching:
        app = Watching(stage, follow or nothing, lambda: True)
        async with app.run_test(**{"size": (80, 24), **more}) as pilot:
            await act(pilot, app)
        return app

    return asyncio.run(run())


def test_keys_reach_the_view_in_the_application() -> None:
    stage = stage_of(order())

    async def act(pilot: Any, app: Watching) -> None:
        await pilot.press("right", "right", "d", "pagedown", "tab", "up", "down")
        assert (stage.state.position, stage.state.pane) == (2, "diff")
        await pilot.press("slash", "s", "t", "space", "backspace", "o", "enter")
        assert log_step(stage) == "stock"
        await pilot.press("home", "space")
        for _ in range(200):
            await pilot.pause(0.02)
            if stage.state.position >= 2:
                break
        assert stage.state.position >= 2
        await pilot.resize_terminal(50, 15)
        await pilot.press("end", "q")

    app = with_pilot(stage, act)
    assert (app.return_code, app.return_value) == (0, None)


def log_step(stage: Stage) -> str | None:
    return stage.log.records[stage.state.position].entry.step


def test_ctrl_c_ends_the_application_also_while_words_are_typed() -> None:
    async def act(pilot: Any, app: Watching) -> None:
        await pilot.press("slash", "q", "ctrl+c")
        await pilot.pause()
        assert app.return_code == 0

    assert with_pilot(stage_of(order()), act).return_value is None


def test_a_running_task_grows_at_its_end_and_an_error_of_the_record_ends_it() -> None:
    asked = order()
    events = list(asked.events)
    log = WatchedLog(asked.task)
    for event in events[:3]:
        log.take(event)
    stage = Stage(log, lambda *_: [], UNICODE, position=len(log) - 1)

    async def follow(emit: Any) -> None:
        for event in events[3:]:
            emit(event)
        raise OSError("the disk is gone")

    async def act(pilot: Any, app: Watching) -> None:
        await pilot.pause()

    app = with_pilot(stage, act, follow)
    assert stage.state.position == len(log) - 1 > 3
    assert str(app.return_value) == "the disk is gone"


_FAULTY = """
import sys
from aloma_cli.cli.main import main
from aloma_cli.cli.watching.state import WatchState
WatchState.at = lambda self, position: 1 / 0
sys.exit(main(sys.argv[1:]))
"""


@contextmanager
def watching(
    desk: Desk, *options: str, command: tuple[str, ...] = COMMAND, **environ: str
) -> Iterator[tuple[Terminal, subprocess.Popen[str], list[Any]]]:
    """The view at a terminal of its own; the last value is the state of the terminal before."""
    with terminal(80, 24) as screen:
        before = termios.tcgetattr(screen.stream.fileno())
        env = {**os.environ, "TERM": "xterm-256color", **environ}
        words = [*command, "task", "watch", "--full", *options]
        at = screen.stream
        process = subprocess.Popen(words, cwd=desk.root, text=True, stdin=at, stdout=at, stderr=at, env=env)
        try:
            until(lambda: "arrows step" in screen.raw, 30)
            yield screen, process, before
        finally:
            process.kill()
            process.wait()


def assert_left_as_found(screen: Terminal, before: list[Any]) -> None:
    assert termios.tcgetattr(screen.stream.fileno()) == before
    assert screen.raw.count("\x1b[?1049h") == screen.raw.count("\x1b[?1049l") == 1, "the alternate screen is left"
    assert screen.raw.rindex("\x1b[?25h") > screen.raw.rindex("\x1b[?25l"), "the cursor is shown"


def test_at_a_terminal_that_is_resized_keys_work_and_it_is_left_as_it_was(desk: Desk) -> None:
    desk.new()
    with watching(desk, "--from", "1", NO_COLOR="1") as (screen, process, before):
        assert termios.tcgetattr(screen.stream.fileno()) != before
        screen.resize(50, 15)
        process.send_signal(signal.SIGWINCH)
        until(lambda: "\x1b[15;1H" in screen.raw and "\x1b[15;1H" in screen.raw.rpartition("arrows step")[0][-200:])
        screen.type("w")
        until(lambda: "greet fired at entry 1" in screen.raw)
        screen.type("\x03")
        assert process.wait(20) == 0
        assert_left_as_found(screen, before)
        assert "38;" not in screen.raw, "NO_COLOR is set"


def test_a_task_of_another_process_grows_on_the_screen(desk: Desk) -> None:
    waits = ("import os", "while not os.path.exists('go'): await asyncio.sleep(0.02)", "data['went'] = True")
    with running(desk, waits) as process, watching(desk) as (screen, view, before):
        until(lambda: "runs slow" in screen.raw)
        assert '"went": true' not in screen.raw
        desk.write("go", "")
        until(lambda: '"went": true' in screen.raw and "✓ done" in screen.raw)
        assert process.wait(20) == 0
        screen.type("q")
        assert view.wait(20) == 0
        assert_left_as_found(screen, before)


def test_a_task_that_rests_and_is_continued_by_another_process_grows_on_the_screen(desk: Desk) -> None:
    desk.step("ask", '{"name": str, "ok": None}', "task.ask('Go?', into='ok')", asks="task")
    desk.step("again", '{"more": int, "seen": None}', "data['seen'] = data['more']")
    desk.new()
    with watching(desk) as (screen, view, _):
        assert desk.spawn("task", "answer", "@last", "true").code == 0
        until(lambda: "✓ done" in screen.raw)
        assert desk.spawn("task", "set", "@last", "more=7").code == 0
        screen.type("\x1b[F")
        until(lambda: '"seen": 7' in screen.raw)
        screen.type("q")
        assert view.wait(20) == 0


def test_a_process_that_dies_is_missed_on_the_screen(desk: Desk) -> None:
    with running(desk, SLEEPS) as process, watching(desk) as (screen, view, _):
        until(lambda: "running" in screen.raw)
        process.kill()
        process.wait()
        until(lambda: "interrupted" in screen.raw, 20)
        screen.type("q")
        assert view.wait(20) == 0


@pytest.mark.parametrize(("end", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)])
def test_a_signal_ends_it_and_the_terminal_is_as_it_was(desk: Desk, end: signal.Signals, code: int) -> None:
    desk.new()
    with watching(desk) as (screen, process, before):
        process.send_signal(end)
        assert process.wait(20) == code
        assert_left_as_found(screen, before)


def test_a_record_that_is_damaged_meanwhile_is_told_of_at_a_terminal_as_it_was(desk: Desk) -> None:
    desk.step("ask", '{"name": str}', "task.ask('Go?', into='ok')", asks="task")
    desk.new()
    with watching(desk) as (screen, process, before):
        journal = next((desk.root / ".aloma" / "tasks").glob("*/journal*"))
        with journal.open("ab") as file:
            file.write(b"garbage\n" * 2)
        assert process.wait(20) == 1
        assert_left_as_found(screen, before)
        assert "is damaged" in screen.raw.rpartition("\x1b[?1049l")[2]


def test_a_damaged_record_is_shown_up_to_the_damage_and_told_of_behind_the_view(desk: Desk) -> None:
    desk.new()
    desk.run("task", "set", "@last", "x=1")
    journal = next((desk.root / ".aloma" / "tasks").glob("*/journal.jsonl"))
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:-1], b"garbage\n", lines[-1]]))
    with watching(desk, "--from", "0") as (screen, process, before):
        screen.type("\x1b[F")
        until(lambda: "the record is damaged after this entry" in screen.raw)
        screen.type("q")
        assert process.wait(20) == 1
        assert_left_as_found(screen, before)
        assert f"line {len(lines)} of" in screen.raw.rpartition("\x1b[?1049l")[2]


def test_a_fault_of_the_view_is_told_of_at_a_terminal_as_it_was(desk: Desk) -> None:
    desk.new()
    with watching(desk, command=(sys.executable, "-c", _FAULTY), TMPDIR=str(desk.root)) as (screen, process, before):
        screen.type("\x1b[C")
        assert process.wait(20) == 70
        assert_left_as_found(screen, before)
        assert "internal error (a bug in aloma): ZeroDivisionError" in screen.raw.rpartition("\x1b[?1049l")[2]


def test_it_is_refused_with_options_for_what_is_printed(desk: Desk) -> None:
    desk.new()
    for option in ("--wait", "--json", "--data", "--result", "--events", "--quiet"):
        told = desk.run("task", "watch", "--full", option)
        assert (told.code, f"--full and {option} cannot be used together" in told.err) == (2, True)


def test_without_a_terminal_it_says_what_to_use(desk: Desk) -> None:
    desk.new()
    told = desk.run("task", "watch", "--full")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("aloma: --full needs a terminal\n  → run `aloma task watch ")
    code, _, screen = desk.at_terminal("task", "watch", "--full", typed="", TERM="dumb")
    assert (code, "--full needs a terminal" in screen) == (2, True)


def test_without_the_extra_it_says_what_to_install(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.new()
    monkeypatch.setattr("aloma_cli.cli.watching.full._has_terminal", lambda: True)
    monkeypatch.setitem(sys.modules, "aloma_cli.cli.watching.app", None)
    told = desk.run("task", "watch", "--full")
    assert told.code != 0
    assert (
        "the full-screen view needs the extra `watch`, which is not installed\n  → run `pip install 'aloma-cli[watch]'`"
        in told.err
    )


def opened(desk: Desk, monkeypatch: pytest.MonkeyPatch, *options: str) -> Stage:
    """What the command shows at a terminal."""
    stages: list[Stage] = []

    def show(stage: Stage, *_: object) -> int:
        stages.append(stage)
        return 0

    monkeypatch.setattr("aloma_cli.cli.watching.full._has_terminal", lambda: True)
    monkeypatch.setattr("aloma_cli.cli.watching.app.show", show)
    assert desk.run("task", "watch", "--full", *options).code == 0
    return stages[0]


def test_it_begins_at_an_entry_at_the_start_of_an_old_run_and_at_the_end_of_an_active_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.new()
    assert opened(desk, monkeypatch).state.position == 0
    told = seen(press(opened(desk, monkeypatch, "--from", "1"), "w"))
    assert ">1 ✓ greet" in told
    assert "greet fired at entry 1" in told
    desk.step("park", '{"parked": None, "name": str}', "data['parked'] = 1", "task.park(3600)", asks="data, task")
    desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--queue")
    desk.run("worker", "--once", "-q")
    stage = opened(desk, monkeypatch)
    assert stage.state.position == len(stage.log) - 1 > 1


def test_a_step_that_is_gone_is_said_to_be_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.new()
    (desk.root / "steps/greet.py").unlink()
    told = seen(press(opened(desk, monkeypatch, "--from", "1"), "w"))
    assert "greet fired at entry 1" in told


def test_an_entry_that_the_log_does_not_have_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.new()
    monkeypatch.setattr("aloma_cli.cli.watching.full._has_terminal", lambda: True)
    told = desk.run("task", "watch", "--full", "--from", "7")
    assert (told.code, "has no entry 7: its entries are 0 to 1" in told.err) == (2, True)


def test_nothing_of_textual_is_imported_without_the_view(desk: Desk) -> None:
    desk.new()
    code = (
        "import sys; from aloma_cli.cli.main import main; main(['task', 'watch']); assert 'textual' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=desk.root, capture_output=True, check=False).returncode == 0
