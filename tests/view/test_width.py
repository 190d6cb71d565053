"""Text broken into lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aloma_cli.view.theme import UNICODE
from aloma_cli.view.width import broken, wrapped


@given(st.text(st.sampled_from("ab-` 日,(;")), st.integers(2, 30))
def test_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    lines = broken(text, width)
    assert max(map(cell_len, lines)) <= width
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text("ab-./", min_size=1, max_size=10)), st.integers(10, 30))
def test_no_word_is_broken_that_fits(words: list[str], width: int) -> None:
    assert " ".join(broken(" ".join(words), width)).split() == words


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("after fixing it: aloma task resume 01jd3k4m", ["after fixing it:", "aloma task resume 01jd3k4m"]),
        ("use `export OPENAI_API_KEY=…` first", ["use", "`export OPENAI_API_KEY=…`", "first"]),
        ("aloma task set 01jd3k4m5nqz7w8x a=1 b=2", ["aloma task set", "01jd3k4m5nqz7w8x a=1 b=2"]),
    ],
)
def test_a_command_to_copy_stays_whole_if_a_line_can_hold_it(text: str, lines: list[str]) -> None:
    assert broken(text, 26) == lines


def test_more_than_the_most_lines_end_in_an_ellipsis_within_the_room() -> None:
    lines = wrapped(["word " * 50], "  ", 20, "", 2, UNICODE)
    assert [line.plain for line in lines] == ["  word word word", "  word word word …"]
