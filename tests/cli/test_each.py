"""`aloma task new --each` and `--key`: one task for each line, made once, whatever happens."""

from __future__ import annotations

import io
import signal
import sys
from collections import Counter

import pytest

from aloma_cli.api.bulk import Result
from aloma_cli.cli.option_groups import OutputOptions
from aloma_cli.cli.task.each import _progress
from aloma_cli.errors import InputError
from aloma_cli.jsontext import dumps, loads
from tests.cli.desk import Desk, Ended, ended, until


def write(desk: Desk, count: int, **more: object) -> None:
    desk.write("in.jsonl", "".join(dumps({"name": f"n{i}", "id": i, **more}) + "\n" for i in range(count)))


def rows(printed: Ended) -> list[dict[str, object]]:
    return [loads(line) for line in printed.out.rstrip("\n").split("\n") if line]


def each(desk: Desk, *options: str) -> Ended:
    return desk.run("task", "new", "Lead", "--each", "in.jsonl", *options)


def test_each_line_is_a_task_and_its_result_a_line(desk: Desk) -> None:
    write(desk, 5)
    printed = each(desk)
    assert printed.code == 0
    assert {row["line"]: row["result"]["greeting"] for row in rows(printed)} == {  # type: ignore[index]
        i + 1: f"Hello, n{i}!" for i in range(5)
    }
    assert "5 of 5 lines: 5 done" in printed.err


@pytest.mark.parametrize("key", [(), ("--key-field", "id")])
def test_the_same_command_again_makes_no_task_again(desk: Desk, key: tuple[str, ...]) -> None:
    write(desk, 3)
    each(desk, *key)
    again = each(desk, *key)
    assert (again.code, again.out, len(desk.tasks)) == (0, "", 3)
    assert "3 skipped" in again.err


def test_equal_lines_are_tasks_of_their_own_unless_they_have_a_key(desk: Desk) -> None:
    desk.write("in.jsonl", '{"name": "Ada", "id": 1}\n\n{"id": 1, "name": "Ada"}\n')
    assert len(rows(each(desk))) == 2
    keyed = each(desk, "--key-field", "id")
    assert sorted(str(row["state"]) for row in rows(keyed)) == ["done", "invalid"]
    assert "appears in an earlier line" in keyed.err


def test_a_failed_line_is_named_and_tried_again_by_the_next_run(desk: Desk) -> None:
    desk.step("fail", '{"id": 1}', "import os", "if not os.path.exists('cured'): raise ValueError('no luck')")
    write(desk, 3)
    first = each(desk)
    assert (first.code, Counter(row["state"] for row in rows(first))) == (1, Counter(done=2, error=1))
    assert "line 2: " in first.err
    assert "no luck" in first.err
    (desk.root / "cured").touch()
    second = each(desk)
    assert (second.code, [row["line"] for row in rows(second)]) == (0, [2])


@pytest.mark.parametrize(
    ("line", "message"), [("{,", "not valid JSON"), ("1", "it is a number"), ('{"name": 1}', "no key at id")]
)
def test_an_invalid_line_stops_no_other(desk: Desk, line: str, message: str) -> None:
    desk.write("in.jsonl", f'{line}\n{{"name": "Ada", "id": 1}}\n')
    printed = each(desk, "--key-field", "id")
    assert printed.code == 1
    assert [(row["line"], row["state"]) for row in rows(printed)] == [(1, "invalid"), (2, "done")]
    assert message in printed.err


def test_lines_come_from_standard_input_as_well(desk: Desk) -> None:
    printed = desk.shell("""printf '{"name": "a"}\\n{"name": "b"}' | aloma task new L --each - --data | wc -l""")
    assert printed.out.strip() == "2"


FIRES = "open('fired', 'a').write(str(data['id']) + '\\n')"


def test_after_a_kill_the_same_command_continues_and_makes_nothing_twice(desk: Desk) -> None:
    desk.step("fire", '{"id": int, "fired": None}', FIRES, "await asyncio.sleep(0.05)", "data['fired'] = True")
    write(desk, 30)
    process = desk.started("task", "new", "Lead", "--each", "in.jsonl", "-j", "3")
    until(lambda: (desk.root / "fired").exists() and len((desk.root / "fired").read_text().split()) > 8, 30)
    process.kill()
    ended(process)
    again = desk.started("task", "new", "Lead", "--each", "in.jsonl", "-j", "3")
    assert ended(again, 60).code == 0
    fired = Counter((desk.root / "fired").read_text().split())
    assert (len(desk.tasks), len(fired)) == (30, 30)
    assert max(fired.values()) <= 2  # a firing that was killed is repeated


def test_ctrl_c_ends_the_run_and_says_how_to_continue(desk: Desk) -> None:
    desk.step("slow", '{"id": int, "slept": None}', "open('began', 'w').close()", "await asyncio.sleep(60)")
    write(desk, 2)
    process = desk.started("task", "new", "Lead", "--each", "in.jsonl")
    until((desk.root / "began").exists)
    process.send_signal(signal.SIGINT)
    stopped = ended(process)
    assert stopped.code == 130
    assert "run the same command again" in stopped.err


def test_a_limit_holds_for_all_lines_together(desk: Desk) -> None:
    ask = 'data["a"] = (await connectors.openai.chat(messages="?")).choices[0].message.content'
    desk.step("ask", '{"id": int, "a": None}', ask, asks="data, connectors")
    write(desk, 10)
    first = each(desk, "--offline", "-j", "1", "--max-calls", "4")
    assert (first.code, len(rows(first))) == (5, 4)
    assert "limit reached, calls: 4 of 4" in first.err
    assert len(rows(each(desk, "--offline", "-j", "1"))) == 6


def test_at_a_terminal_a_bar_shows_how_far_it_is(desk: Desk) -> None:
    desk.step("fail", '{"id": 1}', "raise ValueError('no luck')")
    write(desk, 4)
    code, raw, screen = desk.at_terminal("task", "new", "Lead", "--each", "in.jsonl", "-j", "1")
    assert code == 1
    assert "4/4" in raw
    assert "1 failed" in raw
    assert "4 of 4 lines: 3 done, 1 error" in screen


def test_a_line_whose_task_waits_is_told_again(desk: Desk) -> None:
    desk.step("ask", '{"id": 0, "ok": None}', "task.ask('Approve?', into='ok', schema=bool)", asks="task")
    write(desk, 2)
    first, again = each(desk), each(desk)
    assert (first.code, again.code) == (8, 8)
    assert [(row["line"], row["state"]) for row in rows(again)] == [(1, "question")]


def test_each_row_has_line_id_and_state_whatever_the_format(desk: Desk) -> None:
    write(desk, 1)
    [row] = rows(each(desk, "--json"))
    assert (row["line"], row["state"], row["id"]) == (1, "done", row["task"]["id"])  # type: ignore[index]


@pytest.mark.parametrize(("text", "cure"), [('[\n{"name": "a"}]', "jq -c '.[]'"), ('{\n"name": "a"}', "jq -c .")])
def test_other_json_is_refused_with_what_makes_lines_of_it(desk: Desk, text: str, cure: str) -> None:
    desk.write("in.jsonl", text)
    refused = each(desk)
    assert refused.code == 2
    assert cure in refused.err


def test_a_file_from_windows_loses_no_line(desk: Desk) -> None:
    desk.write("in.jsonl", b'\xef\xbb\xbf{"name": "a"}\r\n{"name": "b"}\r\n')
    assert len(rows(each(desk))) == 2


@pytest.mark.parametrize("option", [("-j", "3"), ("--key-field", "id")])
def test_its_options_are_refused_without_it(desk: Desk, option: tuple[str, str]) -> None:
    assert desk.run("task", "new", "T", "-d", "{}", *option).code == 2
    assert desk.tasks == []


@pytest.mark.parametrize("options", [("-d", "{}"), ("--queue",), ("--key", "k"), ("-j", "0"), ("--key-field", "a..b")])
def test_options_that_make_no_sense_beside_it_are_refused(desk: Desk, options: tuple[str, ...]) -> None:
    write(desk, 1)
    assert each(desk, *options).code == 2
    assert desk.tasks == []


def test_there_is_one_task_with_a_key_however_many_ask_for_it(desk: Desk) -> None:
    new = ("task", "new", "T", "-d", '{"name": "Ada"}', "--key", "order 17")
    processes = [desk.started(*new) for _ in range(5)]
    printed = {ended(process, 60).out for process in processes}
    assert len(printed) == 1
    assert len(desk.tasks) == 1
    assert "there is a task with this key" in desk.run(*new).err


@pytest.mark.parametrize("folder", [False, True])
def test_a_key_whose_task_was_not_made_is_used_by_the_next(desk: Desk, folder: bool) -> None:
    """As after a kill between the two, or while the folder of the task was being made."""
    from aloma_cli import Workspace
    from aloma_cli.ids import new_task_id

    reserved = Workspace.open(desk.root).store.reserve("order 17", new_task_id(0.0))
    if folder:
        (desk.root / ".aloma" / "tasks" / reserved).mkdir()
    made = desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--key", "order 17")
    assert (made.code, made.out) == (0, f"{reserved}\n")


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def test_the_bar_has_the_rate_the_failures_and_the_money(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with _progress(4, OutputOptions()) as bar:
        bar.counts.ended, bar.counts.cost = 2, 0.25
        bar.tell(Result(2, error=InputError("\x1b[31mno luck")))
    assert "line 2: " in screen.getvalue()
    assert "\x1b[31mno luck" not in screen.getvalue()
    assert "3/4" in screen.getvalue()
    assert "1 failed" in screen.getvalue()
    assert "$0.25" in screen.getvalue()


@pytest.mark.parametrize("key", ["", " ", "\udcff"])
def test_a_key_that_is_none_makes_no_task(desk: Desk, key: str) -> None:
    """An empty variable in a script would make all tasks of it one."""
    refused = desk.run("task", "new", "T", "-d", '{"name": "Ada"}', "--key", key)
    assert (refused.code, desk.tasks) == (2, [])
    assert f"invalid key {key!r}" in refused.err


def test_only_a_newline_ends_a_line(desk: Desk) -> None:
    """Strings of JSON may hold the other ends of lines that Unicode has."""
    desk.write("in.jsonl", '{"name": "a\u2028b"}\r\n{"name": "c\u0085d"}\r\n')
    assert [row["state"] for row in rows(each(desk))] == ["done", "done"]


def test_a_line_that_is_not_utf_8_is_named(desk: Desk) -> None:
    desk.write("in.jsonl", b'{"name": "a"}\n{"name": "b"}\n{"name": "\xe9"}\n')
    printed = each(desk)
    assert (printed.code, desk.tasks) == (2, [])
    assert "line 3 of in.jsonl is not UTF-8: byte 0xe9" in printed.err
    printed = desk.shell("printf '\\xe9' | aloma task new Lead --each -")
    assert (printed.code, "line 1 of standard input is not UTF-8: byte 0xe9" in printed.err) == (2, True)
