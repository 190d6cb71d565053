"""What a person asks of a task: `task answer`, `set`, `redo`, `clone`; and what a task may spend."""

from __future__ import annotations

import json
import signal

import pytest

from tests.cli.desk import SLEEPS, Desk, ended, until

ASKS = 'task.ask(f"Approve {data[\'total\']}?", into="approval.granted", schema=bool)'


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """A workspace that asks for an approval before it ships."""
    desk.step("ask", '{"total": int, "approval": None}', ASKS, 'data["approval"] = {}', asks="data, task")
    desk.step("ship", '{"approval": {"granted": True}, "shipped": None}', 'data["shipped"] = True')
    return desk


# -- answer ------------------------------------------------------------------------------------------------------------


def test_a_task_that_asks_exits_with_8_and_says_what_to_type(shop: Desk) -> None:
    asked = shop.new('{"total": 5}')
    task = asked.out.strip()
    assert asked.code == 8
    assert f"  ? Approve 5?\n  → aloma task answer {task} true|false\n" in asked.err


def test_an_answer_lets_the_task_go_on_to_its_end(shop: Desk) -> None:
    shop.new('{"total": 5}')
    answered = shop.run("task", "answer", "@last", "true", "--data")
    assert (answered.code, answered.json) == (0, {"total": 5, "approval": {"granted": True}, "shipped": True})


def test_an_answer_that_does_not_fit_is_refused(shop: Desk) -> None:
    shop.new('{"total": 5}')
    refused = shop.run("task", "answer", "@last", "perhaps")
    assert (refused.code, refused.out) == (2, "")
    assert "not a valid answer to 'Approve 5?': the answer: 'perhaps' is not of type 'boolean'" in refused.err
    assert refused.err.endswith("\n  → answer yes or no\n")


def test_what_was_not_asked_is_not_answered(shop: Desk) -> None:
    shop.new('{"name": "Ada"}')
    refused = shop.run("task", "answer", "@last", "true")
    assert (refused.code, "has no open question" in refused.err, "aloma task set" in refused.err) == (2, True, True)


def test_a_request_that_names_nothing_it_could_be_about_is_told_what_there_is(desk: Desk) -> None:
    asks = [f'task.ask("{place}?", into="{place}")' for place in ("price", "place")]
    desk.step("ask", '{"total": int, "price": None, "place": None}', *asks, asks="data, task")
    desk.new('{"total": 5}')
    several, wrong = (desk.run("task", "answer", "@last", "1", *more) for more in ((), ("--into", "time")))
    assert (several.code, "use --into with one of price, place" in several.err) == (2, True)
    assert (wrong.code, "use --into with one of price, place" in wrong.err) == (2, True)


def test_open_questions_are_in_the_record(shop: Desk) -> None:
    record = shop.new('{"total": 5}', "--json").json
    assert record["questions"] == [
        {
            "task": record["id"],
            "question": "Approve 5?",
            "into": "approval.granted",
            "until": None,
            "schema": {"type": "boolean"},
            "default": None,
            "context": None,
            "asked_at": record["updated_at"],
            "step": "ask",
        }
    ]


def test_an_answer_may_be_only_written_and_the_task_run_later(shop: Desk) -> None:
    shop.new('{"total": 5}')
    shop.run("task", "answer", "@last", "true", "--no-run")
    assert "shipped" not in shop.run("task", "show", "--data").json
    assert shop.run("task", "resume", "@last", "--data").json["shipped"] is True


# -- set ---------------------------------------------------------------------------------------------------------------


def test_values_are_json_where_they_are_json_and_text_otherwise(desk: Desk) -> None:
    desk.new("{}")
    done = desk.run("task", "set", "@last", "name=Ada", "list=[1, 2]", "deep.er=null", 'quoted="5"', "eq=a=b", "--data")
    assert done.code == 0
    assert done.json == {
        "name": "Ada",
        "list": [1, 2],
        "deep": {"er": None},
        "quoted": "5",
        "eq": "a=b",
        "greeting": "Hello, Ada!",
    }


def test_a_failed_step_fires_again_when_a_person_removes_its_error(desk: Desk) -> None:
    path = desk.step("work/fails", '{"name": str, "mended": None}', "1 / 0")
    assert desk.new().code == 1
    path.write_text(path.read_text().replace("1 / 0", 'data["mended"] = True'))
    done = desk.run("task", "set", "@last", "--unset", "$errors.work/fails", "--data")
    assert (done.code, done.json["mended"], "$errors" in done.json) == (0, True, False)


def test_a_person_may_mark_an_error_as_handled_but_not_spoil_it(desk: Desk) -> None:
    desk.step("fails", '{"name": str}', "1 / 0")
    assert desk.new().code == 1
    spoiled = desk.run("task", "set", "@last", "--unset", "$errors.fails.message")
    assert (spoiled.code, "$errors.fails must be an object with" in spoiled.err) == (2, True)
    handled = desk.run("task", "set", "@last", "$errors.fails.handled=true", "--data")
    assert (handled.code, handled.json["$errors"]["fails"]["type"]) == (0, "ZeroDivisionError")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "there is nothing to set"),
        (["x"], "'x' is not an assignment"),
        (["=1"], "the path '' has an empty or broken key"),
        (["name.x=1"], "name.x leads through a value that has no 'x'"),
        (["$children.x=1"], "$children is managed by the engine"),
        (["$errors=1"], "$errors must be an object\n  → remove an entry, or set `handled` in it"),
        (["$errors.greet=1"], "$errors.greet must be an object with the strings type and message"),
        (["$errors.nope.handled=true"], "$errors.nope must be an object with the strings type and message"),
        (['$errors={"greet": {"type": "E", "message": 1}}'], "$errors.greet must be an object with the strings type"),
        (["--unset", "nothing"], "there is nothing at nothing to remove"),
    ],
)
def test_what_cannot_be_set_is_refused_and_changes_nothing(desk: Desk, arguments: list[str], says: str) -> None:
    desk.new()
    before = desk.run("task", "show", "--json").json
    refused = desk.run("task", "set", "@last", *arguments)
    assert (refused.code, refused.out, says in refused.err) == (2, "", True), refused.err
    assert desk.run("task", "show", "--json").json == before


def test_a_number_is_a_position_only_in_a_list_and_a_list_grows_by_one(desk: Desk) -> None:
    desk.new('{"list": [1]}')
    done = desk.run("task", "set", "@last", "list.0=one", "list.1=two", "orders.2024=paid", "--data")
    assert done.json == {"list": ["one", "two"], "orders": {"2024": "paid"}}
    for place in ("list.3", "list.48291733", "list.7.x"):
        refused = desk.run("task", "set", "@last", f"{place}=1")
        assert refused.code == 2
        assert f"{place} is beyond the end of the list at list, which has 2 items" in refused.err


def test_a_task_that_runs_elsewhere_is_written_to_there(desk: Desk) -> None:
    desk.step("waits", '{"name": str}', *SLEEPS)
    desk.step("woken", '{"go": True}', "task.complete('woken', cancel=True)", asks="task")
    process = desk.started("task", "new", "A task", "-d", '{"name": "Ada"}')
    journals = ".aloma/tasks/*/journal.jsonl"
    until(lambda: any("waits" in path.read_text() for path in desk.root.glob(journals)))
    written = desk.spawn("task", "set", "@last", "other=1")
    assert (written.code, "has taken the request" in written.err) == (0, True)
    assert desk.spawn("task", "set", "@last", "go=true").code == 0
    assert ended(process).code == 0
    record = desk.run("task", "show", "--json").json
    assert (record["result"], record["data"]["other"]) == ("woken", 1)


# -- redo and clone ----------------------------------------------------------------------------------------------------


def test_a_step_fires_once_more_when_asked_to(desk: Desk) -> None:
    desk.step("count", '{"name": str}', 'data["n"] = data.get("n", 0) + 1')
    desk.new()
    done = desk.run("task", "redo", "@last", "count", "--data")
    assert (done.code, done.json["n"]) == (0, 2)
    assert "does not hold" not in done.err
    assert desk.run("task", "redo", "@last", "nobody").code == 9


def test_a_redo_that_has_to_wait_for_the_condition_says_what_is_missing(desk: Desk) -> None:
    desk.step("ship", '{"paid": True}', 'data["shipped"] = True')
    desk.new()
    redone = desk.run("task", "redo", "@last", "ship")
    assert (
        "the condition of ship does not hold; it fires as soon as it holds (closest step: ship: paid is missing"
        in redone.err
    )


def test_a_clone_starts_from_the_document_at_an_entry_of_the_log(desk: Desk) -> None:
    first = desk.new().out.strip()
    clone = desk.run("task", "clone", first, "--at", "0", "--set", "name=Bob", "--json").json
    assert (clone["id"] != first, clone["name"], clone["data"]["greeting"]) == (True, "A task", "Hello, Bob!")
    again = desk.run("task", "clone", first, "--data").json
    assert again == {"name": "Ada", "greeting": "Hello, Ada!"}


def test_a_clone_from_an_entry_that_is_not_there_is_refused(desk: Desk) -> None:
    desk.new()
    refused = desk.run("task", "clone", "@last", "--at", "9")
    assert (refused.code, refused.out, "has no entry 9: its entries are 0 to 1" in refused.err) == (2, "", True)
    assert len(desk.tasks) == 1


# -- limits ------------------------------------------------------------------------------------------------------------

CALLS = 'await connectors.openai.chat(model="gpt-4", messages=[{"role": "user", "content": "?"}])'


@pytest.fixture
def caller(desk: Desk) -> Desk:
    """A workspace with a step that asks a model twice."""
    desk.step("calls", '{"go": True, "done": None}', CALLS, CALLS, 'data["done"] = True', asks="data, connectors")
    return desk


def test_exit_5_for_a_limit_and_a_raised_limit_goes_on(caller: Desk) -> None:
    limited = caller.new('{"go": true}', "--max-calls", "1")
    task = limited.out.strip()
    assert limited.code == 5
    assert f"→ to continue: aloma task resume {task} --max-calls +10\n" in limited.err
    done = caller.run("task", "resume", task, "--max-calls", "+1", "--json")
    assert (done.code, done.json["state"], done.json["usage"]["calls"]) == (0, "done", 2)


def test_limits_may_stand_in_aloma_yaml_and_options_go_before_them(caller: Desk) -> None:
    caller.write("aloma.yaml", "limits:\n  max_calls: 1\n")
    assert caller.new('{"go": true}').code == 5
    assert caller.new('{"go": true}', "--max-calls", "2").code == 0


@pytest.mark.parametrize(
    "option", ["--max-calls=x", "--max-calls=1.5", "--max-cost=-1", "--max-time=nan", "--max-time=1e15"]
)
def test_a_limit_that_makes_no_sense_is_refused(caller: Desk, option: str) -> None:
    refused = caller.new('{"go": true}', option)
    assert (refused.code, refused.out, caller.tasks) == (2, "", [])


# -- keys --------------------------------------------------------------------------------------------------------------


def test_exit_4_for_a_task_that_failed_because_the_key_was_refused(desk: Desk) -> None:
    refuses = "raise KeyRefusedError('the server refused the key')"
    path = desk.step("locked", '{"go": True}', refuses)
    path.write_text(f"from aloma_cli.errors import KeyRefusedError\n{path.read_text()}")
    assert desk.new('{"go": true}').code == 4


def test_a_command_is_the_same_in_a_process_of_its_own(shop: Desk) -> None:
    asked = shop.spawn("task", "new", "Order", "-d", '{"total": 5}', "--json")
    assert (asked.code, json.loads(asked.out)["state"]) == (8, "question")


# -- staying until the answer comes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["new", "resume", "clone"])
def test_with_wait_the_command_stays_until_another_process_has_answered(shop: Desk, command: str) -> None:
    first = shop.new('{"total": 5}').out.strip()
    asking = {
        "new": ["new", "Order", "-d", '{"total": 5}'],
        "resume": ["resume", first],
        "clone": ["clone", first, "--at", "0"],
    }
    process = shop.started("task", *asking[command], "--wait", "--data")
    try:
        until(lambda: _is_held(shop, is_new=command != "resume"))
        assert process.poll() is None
        assert shop.run("task", "answer", "@last", "true").code == 0
        done = ended(process)
    finally:
        process.kill()
    assert (done.code, done.json["shipped"]) == (0, True)


def test_with_wait_it_says_at_once_what_to_type(shop: Desk) -> None:
    process = shop.started("task", "new", "Order", "-d", '{"total": 5}', "--wait")
    try:
        assert process.stderr is not None
        told = next(line for line in process.stderr if "task answer" in line)
        process.send_signal(signal.SIGINT)
        assert told == f"  → aloma task answer {shop.tasks[-1]} true|false --into approval.granted\n"
        assert ended(process).code == 130
    finally:
        process.kill()


def _is_held(desk: Desk, *, is_new: bool) -> bool:
    """Whether a process runs the last task, and the task asks."""
    if len(desk.tasks) < 1 + is_new:
        return False
    last = desk.root / ".aloma" / "tasks" / desk.tasks[-1]
    return (last / "holder").exists() and desk.run("task", "show", "@last", "--json").json["state"] == "question"


def test_the_answer_to_a_subtask_may_be_given_by_the_name_of_its_root(desk: Desk) -> None:
    desk.step("begin", '{"begin": True}', 'task.subtask("part", {"part": 1}, into="part")', asks="task")
    desk.step("ask", '{"part": int}', 'task.ask("Approve?", into="granted", schema=bool)', asks="task")
    asked = desk.new('{"begin": true}')
    assert (asked.code, "? Approve?" in asked.err) == (8, True)
    assert "? Approve?" in desk.run("task", "show").out
    answered = desk.run("task", "answer", "@last", "true", "--data")
    assert (answered.code, answered.json["part"]["result"]["granted"]) == (0, True)


def test_a_question_for_a_text_takes_what_was_typed_as_a_text(desk: Desk) -> None:
    desk.step("ask", '{"year": None}', 'task.ask("Which year?", into="year", schema=str)', asks="task")
    desk.new("{}")
    answered = desk.run("task", "answer", "@last", "2024", "--data")
    assert (answered.code, answered.json["year"]) == (0, "2024")


@pytest.mark.parametrize(
    "schema",
    [
        '{"type": "object", "properties": {"days": {"type": "integer", "minimum": 1}}, "required": ["days"]}',
        'pydantic.create_model("Stay", days=(int, pydantic.Field(ge=1)))',
    ],
)
def test_a_question_may_have_a_json_schema_or_a_model(desk: Desk, schema: str) -> None:
    lines = ("import pydantic", f'task.ask("How long?", into="stay", schema={schema})')
    desk.step("ask", '{"stay": None, "asked": None}', *lines, 'data["asked"] = 1', asks="data, task")
    desk.new("{}")

    refused = desk.run("task", "answer", "@last", '{"days": 0}')
    assert (refused.code, "days" in refused.err) == (2, True)
    assert desk.run("task", "answer", "@last", '{"days": 2}', "--data").json["stay"] == {"days": 2}


def test_an_error_of_a_step_that_does_not_exist_is_refused(desk: Desk) -> None:
    desk.new()
    for written in ('$errors.gret={"type": "E", "message": "m"}', '$errors={"gret": {"type": "E", "message": "m"}}'):
        ended = desk.run("task", "set", "@last", written)
        assert (ended.code, "there is no step 'gret'" in ended.err, "did you mean `greet`?" in ended.err) == (
            2,
            True,
            True,
        )
    assert "$errors" not in desk.run("task", "show", "--json").json["data"]
    assert desk.run("task", "set", "@last", '$errors.greet={"type": "E", "message": "m"}', "-q").code == 1


def test_a_new_field_that_no_condition_reads_is_told(desk: Desk) -> None:
    desk.new()
    ended = desk.run("task", "set", "@last", "greting.short=true", "nam=1")
    assert "aloma: greting is new, and no condition reads it; did you mean `greeting`?\n" in ended.err
    assert "aloma: nam is new, and no condition reads it; did you mean `name`?\n" in ended.err
    assert desk.run("task", "set", "@last", "nothing.like=1", "-q").err == ""
    assert "is new" not in desk.run("task", "set", "@last", "name=Bob").err
