"""A task's data in YAML: a friendlier JSON, and nothing guessed."""

from __future__ import annotations

import pytest

from aloma_cli.jsontext import Json
from tests.cli.desk import Desk


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("text", "text"),
        ("a: b", {"a": "b"}),
        ("[1, two]", [1, "two"]),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("12", 12),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ('"12"', "12"),
        ("!!str 12", "12"),
        ("|\n    two\n    lines", "two\nlines\n"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("0x1F", "0x1F"),
        ("2026-01-01", "2026-01-01"),
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z"),
    ],
)
def test_a_value_is_what_json_would_make_of_it_or_the_text_that_was_written(
    desk: Desk, written: str, value: Json
) -> None:
    indented = written.replace("a: b", "\n  a: b")
    desk.write("data.yaml", f"value: {indented}\n")
    assert desk.run("task", "new", "A task", "-f", "data.yaml", "--data").json == {"value": value}


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3: the key 'a' appears twice in one mapping"),
        ("a: 1\n7: b\n", ":2: the key `7` is not a string; put it in quotes"),
        ("true: b\n", ":1: the key `true` is not a string; put it in quotes"),
        ("? [a]\n: b\n", ":1: the key (a sequence) is not a string; put it in quotes"),
        ("a: &x {b: 1}\nc: *x\n", ":2: `*x` is an alias, which JSON does not have; repeat the value"),
        ("a: &x [*x]\n", ":1: `*x` is an alias, which JSON does not have; repeat the value"),
        (LAUGHS, ":2: `*a` is an alias, which JSON does not have; repeat the value"),
        ("a:\n  <<: {b: 1}\n", ":2: the key `<<` is not a string; put it in quotes"),
        ("a: .inf\n", ":1: JSON does not allow `.inf`"),
        ("a: 1e999\n", ":1: JSON does not allow `1e999`"),
        ("a: !!int 010\n", ":1: JSON does not allow `010`"),
        ("a: !!binary aGk=\n", ":1: JSON has no type `binary`"),
        ("a: !!python/object:os.system x\n", ":1: JSON has no type `python/object:os.system`"),
        ("a: !!seq x\n", ":1: JSON has no type `seq`"),
        ('a: "\\ud800"\n', ': "\\ud800" contains half of a surrogate pair, at a'),
        ("a: " + "[" * 129 + "1" + "]" * 129, ": nested deeper than 128 levels, at a.0.0…"),
        ("a: " + "[" * 3000 + "]" * 3000, ": nested too deeply"),
        (
            "a: 1\n---\nb: 2\n",
            ":2: not valid YAML: expected a single document in the stream, but found another document",
        ),
        ("a: [1\n", ":2: not valid YAML: while parsing a flow sequence, expected ',' or ']', but got '<stream end>'"),
        (
            "\tb: c\n",
            ":1: not valid YAML: while scanning for the next token, found character '\\t' that cannot start any token",
        ),
        ("a: \x01\n", ":1: not valid YAML: the character #x01 is not allowed"),
        ("- 1\n", ' holds a list; a task\'s data is an object, such as {"name": 1}'),
        ("# only this\n", ' holds a null; a task\'s data is an object, such as {"name": 1}'),
        ("\n", " is empty; a task's data is a JSON object\n  → write {} for an empty one"),
    ],
)
def test_what_is_not_json_in_disguise_is_refused_with_its_line(desk: Desk, text: str, message: str) -> None:
    desk.write("data.yml", text)
    assert desk.run("task", "new", "A task", "-f", "data.yml") == (2, "", f"aloma: data.yml{message}\n")
    assert desk.tasks == []


def test_yaml_that_is_not_utf_8_is_refused(desk: Desk) -> None:
    desk.write("data.yml", b"a: \xff\n")
    message = "aloma: data.yml:1: not valid UTF-8: byte 0xff\n"
    assert desk.run("task", "new", "A task", "-f", "data.yml") == (2, "", message)
