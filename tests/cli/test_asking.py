"""Questions are asked at a terminal: by `task answer`, by `inbox`, and in place by a run that waits."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable

import pytest

from aloma_cli import Optional
from aloma_cli.cli.asking.dialog import NoAnswerError, ask
from aloma_cli.connectors.chat.shape import to_schema
from aloma_cli.jsontext import Json
from tests.cli.desk import Desk, until
from tests.cli.test_requests import shop
from tests.view.terminal import terminal

__all__ = ["shop"]


class Typed:
    """A console at which these lines are typed."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.shown: list[str] = []

    def say(self, text: str) -> None:
        self.shown.append(text)

    def read(self, prompt: str) -> str:
        self.shown.append(prompt)
        for line in self._lines:
            return line
        raise EOFError


def dialog(*lines: str, shape: object = None, default: Json = None) -> tuple[Json, list[str]]:
    """The answer that these lines give, and what the person was shown."""
    console = Typed(lines)
    schema = None if shape is None else to_schema(shape, whole=False)
    return ask({"schema": schema, "default": default}, console), console.shown


def test_choices_are_numbered_and_an_answer_that_does_not_fit_is_asked_again() -> None:
    assert dialog("4", "2", shape={"$in": ["pay", "refuse"]}) == (
        "refuse",
        ["  1  pay", "  2  refuse", "  answer (1-2): ", "  '4' is not one of the choices", "  answer (1-2): "],
    )


def test_an_empty_line_takes_the_default_and_only_that() -> None:
    assert dialog("", shape=bool, default=False) == (False, ["  answer (yes or no) [no]: "])
    value, shown = dialog("", "y", shape=bool)
    assert (value, shown[1]) == (True, "  answer yes or no")


def test_an_object_is_asked_field_by_field() -> None:
    value, shown = dialog("2", "many", "3", "", shape={"day": {"$in": ["Mon", "Tue"]}, "n": int, "note": Optional(str)})
    assert value == {"day": "Tue", "n": 3}
    assert shown == [
        "  1  Mon",
        "  2  Tue",
        "  day (1-2): ",
        "  n (an integer): ",
        "  'many' is not an integer",
        "  n (an integer): ",
        "  note (optional): ",
    ]


def test_what_is_no_simple_value_is_given_as_json() -> None:
    assert dialog("[1", '{"a": {"b": 1}}', shape={"a": {"b": int}})[0] == {"a": {"b": 1}}
    assert dialog("next week")[0] == "next week"
    assert dialog("12")[0] == 12


@pytest.mark.parametrize(("lines", "quits"), [([":s"], False), ([":skip"], False), ([":q"], True), ([], True)])
def test_a_question_can_be_left_open(lines: list[str], quits: bool) -> None:
    with pytest.raises(NoAnswerError) as left:
        dialog(*lines, shape=bool)
    assert left.value.quits is quits


def test_task_answer_asks_at_a_terminal(desk: Desk) -> None:
    lines = [
        'task.ask("Pay?", into="ok.pay", schema=bool, default=False, timeout=7200, context={"to": "ACME", "n": [1]})',
        'task.ask("When?", into="ok.when", context="Not on Sunday.\\nNot at night.")',
        'data["ok"] = {}',
    ]
    desk.step("ask", '{"total": int, "ok": None}', *lines, asks="data, task")
    task = desk.new('{"total": 5}', "-q").out.strip()
    code, screen = desk.sit("task", "answer", "-q", typed="perhaps\nyes\nnext week")
    assert code == 0, screen
    assert desk.run("task", "show", task, "--data").json["ok"] == {"pay": True, "when": "next week"}
    for told in (
        "2 open questions; :s skips one, :q quits",
        f"? Pay?\n  A task, {task}, asked just now, by ask\n  to: ACME\n  n: [1]\n  if not answered by",
        "  answer (yes or no) [no]: perhaps\n  'perhaps' is not yes or no\n  answer (yes or no) [no]: yes\n",
        "  Not on Sunday.\n  Not at night.\n  answer: next week",
    ):
        assert told in screen, screen
    answers = [event["who"] for event in desk.run("task", "log", task, "--json").json if event.get("answers")]
    assert answers == [{"channel": "terminal", "user": "ada"}] * 2


def test_ctrl_d_answers_nothing(shop: Desk) -> None:
    shop.new('{"total": 5}', "-q")
    code, screen = shop.sit("task", "answer", typed="^D")
    assert (code, "aloma: nothing was answered" in screen) == (8, True)
    assert shop.run("task", "show", "--json").json["state"] == "question"


def test_ctrl_c_answers_nothing(shop: Desk) -> None:
    shop.new('{"total": 5}', "-q")
    with terminal() as screen:
        process = shop.started("task", "answer", stdin=screen.stream, stdout=screen.stream, stderr=screen.stream)
        until(lambda: screen.raw.endswith(": "))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    assert shop.run("task", "show", "--json").json["state"] == "question"


def test_a_task_that_asks_nothing_is_refused_at_a_terminal_as_in_a_pipe(shop: Desk) -> None:
    shop.new('{"name": "Ada"}', "-q")
    code, screen = shop.sit("task", "answer", typed="")
    assert (code, "has no open question" in screen) == (2, True)


def test_a_run_that_waits_asks_in_place(shop: Desk) -> None:
    code, screen = shop.sit("task", "new", "Parcel", "-d", '{"total": 5}', "--wait", typed="perhaps\nyes")
    assert code == 0, screen
    assert shop.run("task", "show", "--data").json == {"total": 5, "approval": {"granted": True}, "shipped": True}
    assert "? Approve 5?\n  Parcel, " in screen
    assert "  'perhaps' is not yes or no\n  answer (yes or no): yes\n" in screen
    assert "✓ ship" in screen
    assert screen.count("? Approve 5?") == 1


def test_a_resumed_task_asks_in_place_what_it_had_asked_before(shop: Desk) -> None:
    shop.new('{"total": 5}', "-q")
    code, screen = shop.sit("task", "resume", "--wait", typed="yes")
    assert (code, "✓ ship" in screen) == (0, True), screen


def test_a_question_that_is_answered_elsewhere_is_withdrawn(shop: Desk) -> None:
    def answer() -> None:
        until(lambda: shop.tasks and (shop.root / ".aloma/tasks" / shop.tasks[0] / "task.json").exists())
        until(lambda: shop.spawn("task", "answer", shop.tasks[0], "no").code == 0, 20)
        until(lambda: shop.spawn("task", "answer", shop.tasks[0], "maybe").code == 0, 20)

    shop.step("more", '{"approval": {"granted": False}, "why": None}', 'task.ask("Why?", into="why")', asks="task")
    other = threading.Thread(target=answer)
    other.start()
    code, screen = shop.sit("task", "new", "Parcel", "-d", '{"total": 5}', "--wait", typed="")
    other.join()
    assert (code, "  this question is no longer open" in screen) == (0, True), screen


def test_without_a_terminal_nothing_is_asked(shop: Desk) -> None:
    shop.new('{"total": 5}', "-q")
    refused = shop.run("task", "answer", "@last")
    assert (refused.code, "`aloma task answer` needs VALUE" in refused.err) == (2, True)


# -- inbox -------------------------------------------------------------------------------------------------------------


def test_the_inbox_shows_what_is_urgent_first(desk: Desk) -> None:
    asks = [
        'until = {"timeout": data["soon"], "default": 0} if data["soon"] else {}',
        'task.ask("?", into="a", **until)',
    ]
    desk.step("ask", '{"soon": int, "a": None}', *asks, asks="data, task")
    tasks = [desk.new(f'{{"soon": {soon}}}', "-q", "--tag", f"t{soon}").out.strip() for soon in (0, 7200, 3600, 0)]
    found = desk.run("inbox", "--json").json
    assert [asked["task"] for asked in found] == [tasks[2], tasks[1], tasks[0], tasks[3]]
    assert {"name", "root", "tags", "question", "into", "schema", "until", "asked_at"} <= found[0].keys()
    rows = desk.run("inbox").out.splitlines()
    assert [row.split("\t")[:3] for row in rows] == [[asked["task"], "A task", "?"] for asked in found]
    assert [asked["task"] for asked in desk.run("inbox", "--only", "t3600", "--json").json] == [tasks[2]]
    empty = desk.run("inbox", "--only", "nothing")
    assert (empty.code, empty.out, empty.err) == (0, "", "aloma: no open question\n")


def test_the_inbox_is_answered_one_by_one(shop: Desk) -> None:
    more = ['task.ask("Insure?", into="insured", schema=bool)', 'data["insured"] = None']
    shop.step("insure", '{"shipped": True, "insured": {"$exists": False}}', *more, asks="data, task")
    first, second, third = (shop.new(f'{{"total": {total}}}', "-q").out.strip() for total in (1, 2, 3))
    code, screen = shop.sit("inbox", typed="yes\n:s\nno\nyes")
    assert code == 0, screen
    states = {task: shop.run("task", "show", task, "--json").json["state"] for task in (first, second, third)}
    assert states == {first: "done", second: "question", third: "done"}
    assert shop.run("task", "show", first, "--data").json["insured"] is True


def test_the_inbox_can_only_write_the_answers(shop: Desk) -> None:
    task = shop.new('{"total": 1}', "-q").out.strip()
    code, screen = shop.sit("inbox", "--no-run", typed="yes")
    assert (code, f"aloma task resume {task}" in screen) == (0, True), screen
    assert shop.run("task", "show", task, "--data").json == {"total": 1, "approval": {"granted": True}}


def test_a_run_that_ends_with_a_question_shows_its_context(desk: Desk) -> None:
    desk.step("ask", '{"total": int, "ok": None}', 'task.ask("Pay?", into="ok", context={"to": "ACME"})', asks="task")
    task = desk.new('{"total": 5}')
    assert f"  ? Pay?\n    to: ACME\n  → aloma task answer {task.out.strip()} VALUE\n" in task.err
