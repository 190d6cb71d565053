"""`aloma task rerun` asks no person again what is on record."""

from __future__ import annotations

from tests.cli.desk import Desk, ended, until

ASK = "task.ask('Pay {}?', into='paid', schema={{'type': 'boolean'}})"


def asked(desk: Desk, words: str = "it") -> None:
    desk.step(
        "ask", '{"name": str, "paid": None, "asked": None}', "data['asked'] = 1", ASK.format(words), asks="data, task"
    )
    desk.step(
        "twice",
        '{"paid": bool, "why": None, "more": None}',
        "data['more'] = 1",
        "task.ask('Why?', into='why')",
        asks="data, task",
    )


def test_answers_of_people_are_taken_from_the_record(desk: Desk) -> None:
    asked(desk)
    desk.new()
    assert desk.run("task", "answer", "@last", "yes").code == 8
    assert desk.run("task", "answer", "@last", "because").code == 0
    ended = desk.run("task", "rerun", "@last", "--data")
    assert (ended.code, ended.json["paid"], ended.json["why"]) == (0, True, "because")
    events = desk.run("task", "log", "--json").json
    assert [event["who"]["channel"] for event in events if event.get("who")] == ["record", "record"]
    assert "in an earlier task" in desk.run("task", "log").out


def test_a_question_that_has_changed_is_asked(desk: Desk) -> None:
    asked(desk)
    desk.new()
    desk.run("task", "answer", "@last", "yes")
    asked(desk, "now")
    ended = desk.run("task", "rerun", "@last", "--json")
    assert (ended.code, [one["question"] for one in ended.json["questions"]]) == (8, ["Pay now?"])


def test_what_nobody_answered_is_asked(desk: Desk) -> None:
    asked(desk)
    desk.new()
    desk.run("task", "answer", "@last", "no")
    ended = desk.run("task", "rerun", "@last", "--json")
    assert (ended.code, [one["question"] for one in ended.json["questions"]]) == (8, ["Why?"])
    assert ended.json["data"]["paid"] is False


def test_with_wait_it_runs_on_until_somebody_answers_what_is_not_on_record(desk: Desk) -> None:
    asked(desk)
    desk.new()
    assert desk.run("task", "answer", "@last", "yes").code == 8
    process = desk.started("task", "rerun", "@last", "--wait", "--data")
    try:
        until(lambda: [one["question"] for one in desk.run("inbox", "--json").json] == ["Why?", "Why?"])
        assert process.poll() is None
        assert desk.run("task", "answer", "@last", "because").code == 0
        done = ended(process)
    finally:
        process.kill()
    assert (done.code, done.json["paid"], done.json["why"]) == (0, True, "because")
    channels = [event["who"]["channel"] for event in desk.run("task", "log", "--json").json if event.get("who")]
    assert channels == ["record", "command"]


def test_with_wait_a_run_whose_answers_are_all_on_record_ends(desk: Desk) -> None:
    asked(desk)
    desk.new()
    desk.run("task", "answer", "@last", "no")
    desk.run("task", "answer", "@last", "because")
    done = desk.run("task", "rerun", "@last", "--wait", "--data")
    assert (done.code, done.json["paid"], done.json["why"]) == (0, False, "because")
