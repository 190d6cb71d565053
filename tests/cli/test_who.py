"""Who answered, from where and when, is on record, and is shown."""

from __future__ import annotations

import pytest

from aloma_cli.record.codec import WireError, from_wire
from aloma_cli.record.who import person
from tests.cli.desk import Desk
from tests.cli.test_requests import shop

__all__ = ["shop"]


def test_an_answer_is_on_record_with_the_user_who_typed_it(shop: Desk) -> None:
    shop.new('{"total": 5}')
    shop.run("task", "answer", "@last", "true")
    events = shop.run("task", "log", "@last", "--json").json
    [answer] = [event for event in events if event.get("answers")]
    assert answer["who"] == {"channel": "command", "user": "ada"}
    assert "by ada with a command" in shop.run("task", "log", "@last").out
    assert "← ada with a command (entry" in shop.run("task", "blame", "@last", "approval.granted").out
    assert "← ada with a command (entry" in shop.run("task", "why", "@last", "ship").out


def test_an_answer_of_a_program_says_so(shop: Desk) -> None:
    assert person({"channel": "api"}) == "a program"
    assert person({"channel": "api", "user": "ada"}) == "ada through a program"


def test_a_link_says_where_it_was_sent() -> None:
    assert person({"channel": "link", "to": "ops@example.org"}) == "a person through a link sent to ops@example.org"
    assert person(None) == "a person"


def test_an_answer_to_an_earlier_question_is_refused(shop: Desk) -> None:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.errors import InputError

    task = shop.new('{"total": 5}').out.strip()
    home = Workspace.open(shop.root)
    with pytest.raises(InputError, match="has asked another one since"):
        home.submit(task, {"kind": "answer", "value": True, "asked_at": "2020-01-01T00:00:00.000Z"})
    asked = home.task(task).record["questions"][0]["asked_at"]
    assert home.submit(task, {"kind": "answer", "value": True, "asked_at": asked}) is not None


@pytest.mark.parametrize("who", [{"user": "ada"}, {"channel": 1}, "ada", {"channel": "api", "user": [1]}])
def test_an_invalid_who_is_refused(shop: Desk, who: object) -> None:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.errors import InputError

    task = shop.new('{"total": 5}').out.strip()
    with pytest.raises(InputError, match="`who` must be an object"):
        Workspace.open(shop.root).submit(task, {"kind": "answer", "value": True, "who": who})
    committed = {"event": "committed", "at": "2026-01-01T00:00:00Z", "task": "t", "version": 1, "by": "person"}
    with pytest.raises(WireError):
        from_wire({**committed, "who": who})
