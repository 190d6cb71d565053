"""How times, amounts, places and foreign text are worded."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.view import format as wording
from aloma_cli.view.changes import operation_text, place, summarise


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.00s"),
        (0.046, "0.05s"),
        (0.996, "1.0s"),
        (59.9, "59.9s"),
        (59.96, "1m00s"),
        (3599.6, "1h00m"),
        (11_220, "3h07m"),
        (446_400, "5d04h"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0s"), (9.94, "9.9s"), (9.96, "10s"), (61, "1m01s")])
def test_a_ticking_duration_shows_tenths_only_while_they_mean_something(seconds: float, text: str) -> None:
    assert wording.ticking(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7_300, "2 hours ago"), (200_000, "2 days ago")],
)
def test_ago(seconds: float, text: str) -> None:
    assert wording.ago(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(999, "999"), (1_000, "1.0k"), (12_345, "12k"), (999_600, "1.0M"), (3_140_000, "3.1M")]
)
def test_short_counts(number: int, text: str) -> None:
    assert wording.short_count(number) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (83_400, "83 kB"), (999_600, "1.0 MB"), (3_140_000_000, "3.1 GB")],
)
def test_sizes(size: int, text: str) -> None:
    assert wording.data_size(size) == text


@pytest.mark.parametrize(
    ("dollars", "text"), [(0, "$0.00"), (0.00001, "<$0.0001"), (0.04231, "$0.0423"), (12, "$12.00")]
)
def test_money_that_was_spent_is_never_shown_as_nothing(dollars: float, text: str) -> None:
    assert wording.money(dollars) == text


@given(st.text(st.characters(categories=["C", "Z", "L"])))
def test_clean_text_is_one_line_that_no_terminal_obeys(text: str) -> None:
    cleaned = wording.clean(text)
    assert not [character for character in cleaned if unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs")]
    assert wording.clean(cleaned) == cleaned


def test_halves_of_surrogate_pairs_can_be_written() -> None:
    assert wording.clean("a\ud800b").encode() == "a\ufffdb".encode()


def test_a_value_is_cut_to_its_room() -> None:
    assert wording.value_text({"a": [1, 2, 3]}, 8) == '{"a": […'
    assert wording.value_text("é", 8) == '"é"'


@pytest.mark.parametrize(
    ("pointer", "text"),
    [
        ("", "(document)"),
        ("/a/0/b", "a.0.b"),
        ("/a/-", "a"),
        ("/a~1b/c~0d", "a/b.c~d"),
        ("/dotted.key", '"dotted.key"'),
        ("already.dotted", "already.dotted"),
    ],
)
def test_places_are_dotted_paths(pointer: str, text: str) -> None:
    assert place(pointer) == text


def test_a_summary_names_each_place_once_and_none_of_the_engines() -> None:
    paths = ("/list/-", "/list/-", "/$children/g/total", "/$via", "/$errors/x/handled", "/a/b")
    assert summarise({"op": "add", "path": path} for path in paths).places == ("list", "a.b", "$errors.x.handled")


@pytest.mark.parametrize(
    ("width", "text"), [(40, "alpha.one, beta.2, gamma.3 (+1)"), (19, "alpha.one (+3)"), (12, "alpha.one (+3)")]
)
def test_a_summary_names_as_many_places_as_fit(width: int, text: str) -> None:
    summary = summarise({"op": "add", "path": path} for path in ("/alpha/one", "/beta/2", "/gamma/3", "/delta/4"))
    assert summary.fitting(width) == text


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (60, "project.parallelExecution.synthesis.status"),
        (40, "…parallelExecution.synthesis.status"),
        (9, "…synthesis.status"),
    ],
)
def test_of_a_long_path_the_last_two_keys_stay_whole(width: int, text: str) -> None:
    summary = summarise([{"op": "add", "path": "/project/parallelExecution/synthesis/status"}])
    assert summary.fitting(width) == text


def test_operations_have_a_sign_and_a_value() -> None:
    assert operation_text({"op": "replace", "path": "/a", "value": None}) == ("~", "a = null")
    assert operation_text({"op": "remove", "path": "/a/0"}) == ("-", "a.0")


def test_an_operation_in_little_room_keeps_the_last_two_keys() -> None:
    change = {"op": "add", "path": "/project/parallelExecution/synthesis/-", "value": "a long text"}
    assert operation_text(change, 12) == ("+", '…parallelExecution.synthesis[] = "a long tex…')
