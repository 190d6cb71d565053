"""Tables: for people on a terminal, for programs in a pipe."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from aloma_cli.clock import to_iso
from aloma_cli.view.tables import Column, write_table
from tests.view.story import NOON, ROOT
from tests.view.terminal import terminal

COLUMNS = (
    Column("id"),
    Column("name"),
    Column("state", "state"),
    Column("created", "time"),
    Column("took", "seconds"),
    Column("calls", "count"),
    Column("cost", "money"),
    Column("tags"),
)
ROWS: list[list[Any]] = [
    [ROOT, "a long name that will not fit into a narrow window", "done", to_iso(NOON), 9.0344, 7, 0.0828, ["a", "b"]],
    ["01jd3k4m5nqz7w8y", "tab\tand\nline", "error", to_iso(NOON + 7_000), 0.034, 1207, None, []],
]


class Clock:
    def now(self) -> float:
        return NOON + 7_300

    def elapsed(self) -> float:
        return 0.0


def on_terminal(width: int, environ: dict[str, str]) -> str:
    with terminal(width, 24) as screen:
        write_table(COLUMNS, ROWS, screen.stream, environ=environ, clock=Clock())
    return screen.raw.replace("\r\n", "\n")


def test_a_pipe_gets_tabs_exact_values_and_no_titles() -> None:
    stream = io.StringIO()
    write_table(COLUMNS, ROWS, stream, environ={}, clock=Clock())
    assert stream.getvalue() == (
        f"{ROOT}\ta long name that will not fit into a narrow window\tdone\t2026-11-22T12:00:00.000Z\t9.034\t7\t"
        "0.082800\ta, b\n"
        "01jd3k4m5nqz7w8y\ttab and line\terror\t2026-11-22T13:56:40.000Z\t0.034\t1207\t\t\n"
    )


def test_a_terminal_gets_aligned_columns_that_fit() -> None:
    text = on_terminal(100, {"TERM": "dumb"})
    assert text == (
        "ID                NAME                            STATE  CREATED         TOOK  CALLS     COST  TAGS\n"
        "01jd3k4m5nqz7w8x  a long name that will not fit…  done   2 hours ago     9.0s      7  $0.0828  a, b\n"
        "01jd3k4m5nqz7w8y  tab and line                    error  5 minutes ago  0.03s  1,207\n"
    )


def test_a_terminal_shows_a_state_in_its_colour() -> None:
    assert re.search(r"\x1b\[38;[\d;]+mdone", on_terminal(120, {"TERM": "xterm-256color"}))


@pytest.mark.parametrize("environ", [{"TERM": "xterm", "NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_or_a_dumb_terminal_turns_colours_off(environ: dict[str, str]) -> None:
    assert not re.search(r"\x1b\[(\d+;)*[34]\d[;m]", on_terminal(100, environ))


@pytest.mark.parametrize("name", ["FORCE_COLOR", "CLICOLOR_FORCE"])
def test_a_pipe_gets_a_table_in_colours_if_they_are_forced(name: str) -> None:
    stream = io.StringIO()
    write_table(COLUMNS, ROWS, stream, environ={name: "1", "TERM": "xterm-256color"}, clock=Clock())
    assert "NAME" in stream.getvalue()
    assert re.search(r"\x1b\[38;[\d;]+mdone", stream.getvalue())


def test_without_rows_nothing_is_written() -> None:
    stream = io.StringIO()
    write_table(COLUMNS, [], stream, environ={}, clock=Clock())
    assert not stream.getvalue()


def test_wide_characters_keep_the_columns_aligned() -> None:
    columns = (Column("name"), Column("state", "state"))
    with terminal() as screen:
        write_table(
            columns, [["日本語", "done"], ["abc", "error"]], screen.stream, environ={"TERM": "dumb"}, clock=Clock()
        )
    assert screen.raw.replace("\r\n", "\n") == "NAME    STATE\n日本語  done\nabc     error\n"


def test_where_it_is_narrow_an_id_is_never_cut_and_what_is_dispensable_goes_from_the_right() -> None:
    columns = (Column("id", "id"), Column("name"), Column("took", "seconds", dispensable=True), Column("tags"))
    rows = [[ROOT, "a name that is long", 9.0344, None]]

    def titles(width: int) -> list[str]:
        with terminal(width, 24) as screen:
            write_table(columns, rows, screen.stream, environ={"TERM": "dumb"}, clock=Clock())
        assert ROOT in screen.raw
        first, _, *said = screen.raw.splitlines()
        assert len(said) == ("TOOK" not in first)
        return first.split()

    assert titles(60) == ["ID", "NAME", "TOOK"], "nothing is in the others"
    assert titles(28) == ["ID", "NAME"]


def test_columns_that_do_not_fit_are_spoken_of() -> None:
    columns = (Column("name"), Column("took", "seconds", dispensable=True))
    with terminal(46, 24) as screen:
        write_table(columns, [["x" * 60, 9.0]], screen.stream, environ={"TERM": "dumb"}, clock=Clock())
    assert "more columns" not in screen.raw, "texts are cut first"
    columns = (Column("id", "id"), Column("took", "seconds", dispensable=True))
    with terminal(46, 24) as screen:
        write_table(columns, [["x" * 44, 9.0]], screen.stream, environ={"TERM": "dumb"}, clock=Clock())
    assert screen.raw.splitlines()[2] == "… more columns: a wider terminal, or --json"
