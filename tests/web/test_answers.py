"""A signed link opens a page on which one question is answered once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aloma_cli import Optional, Step, Text, Workspace
from aloma_cli.api.inbox import open_questions
from aloma_cli.errors import InputError
from aloma_cli.jsontext import Json
from aloma_cli.notices.links import PATH, Ticket, ticket_for, ticket_of, token_of
from aloma_cli.web.answers import answers
from aloma_cli.web.app import app_of
from aloma_cli.web.server import serving
from tests.support.http_client import Answered, ask

KEY = b"k" * 32
EVIL = "<script>alert('x')</script>\"&"


def asking(question: str = "Pay?", **options: Any) -> Step:
    """A step that asks for `answer`."""

    def content(task: Any) -> None:
        task.ask(question, into="answer", **options)

    return Step("ask", {"go": True, "answer": None}, content)


class Office:
    """A workspace with a task that asks, and links to its question."""

    def __init__(self, folder: Path, *steps: Step) -> None:
        self.home = Workspace(steps, folder=folder)
        self.task = asyncio.run(self.home.run("Ticket", {"go": True})).id
        self.woken = 0

    def token(self, to: str = "mail ops@example.org", key: bytes = KEY, now: float | None = None) -> str:
        [asked] = self.home.task(self.task).record["questions"]
        return token_of(ticket_for(asked, to, self.home.clock.now() if now is None else now), key)

    def serve(self, talk: Callable[[str], Awaitable[Any]]) -> Any:
        def wake() -> None:
            self.woken += 1

        async def main() -> Any:
            async with serving(app_of(answers(self.home, KEY, wake), failed=failures.append)) as url:
                return await talk(f"{url}{PATH}")

        failures: list[Exception] = []
        got = asyncio.run(asyncio.wait_for(main(), 20))
        assert failures == []
        return got

    def get(self, token: str, method: str = "GET") -> Answered:
        got: Answered = self.serve(lambda url: ask(url + token, method))
        return got

    def post(self, token: str, **fields: str) -> Answered:
        got: Answered = self.serve(lambda url: ask(url + token, "POST", urlencode(fields).encode()))
        return got

    @property
    def data(self) -> Json:
        return self.home.task(self.task).data


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, asking(schema=bool, context={"to": "ACME", "eur": 480}))


def test_the_page_shows_the_question_and_its_context(office: Office) -> None:
    got = office.get(office.token())
    text = got.body.decode()
    assert got.status == 200
    assert "<h1>Pay?</h1>" in text
    assert "<dt>to</dt><dd>ACME</dd><dt>eur</dt><dd>480</dd>" in text
    assert text.count('type="radio"') == 2
    assert "<script" not in text
    policy = got.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert (got.headers["cache-control"], got.headers["x-frame-options"]) == ("no-store", "DENY")


def test_reading_the_page_answers_nothing(office: Office) -> None:
    token = office.token()
    office.get(token)
    office.get(token, "HEAD")
    office.get(f"{token}?field0=yes")
    assert office.home.task(office.task).state == "question"


def test_an_answer_is_recorded_once_with_who_gave_it(office: Office) -> None:
    token = office.token()
    sent = office.post(token, field0="yes", name="  Ada\nLovelace ")
    assert (sent.status, sent.headers["location"], office.woken) == (303, f"{PATH}{token}", 1)
    assert office.data == {"go": True, "answer": True}
    [answer] = [event for event in office.home.task(office.task).journal if getattr(event, "answers", ())]
    assert answer.who == {"channel": "link", "to": "mail ops@example.org", "user": "Ada Lovelace"}  # type: ignore[attr-defined]
    shown = office.get(token).body.decode()
    assert "This question is answered" in shown
    assert re.search(r"By Ada Lovelace through a link, \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", shown)
    assert "ops@example.org" not in shown
    again = office.post(token, field0="no")
    assert (again.status, office.data, office.woken) == (409, {"go": True, "answer": True}, 1)
    assert b"By Ada Lovelace" in again.body


def test_an_answer_from_a_terminal_is_told_as_well(office: Office) -> None:
    token = office.token()
    who = {"channel": "terminal", "user": "ada"}
    office.home.submit(office.task, {"kind": "answer", "value": False, "who": who})
    assert b"By ada at a terminal" in office.get(token).body


def test_what_does_not_fit_is_said_at_its_field(tmp_path: Path) -> None:
    shape = {"day": {"$in": ["Monday", "Friday"]}, "boxes": int, "fragile": bool, "note": Optional(Text(max=5))}
    office = Office(tmp_path, asking(schema=shape))
    got = office.post(office.token(), field0="Sunday", field1="many", field3="too long", name="Ada")
    text = got.body.decode()
    assert got.status == 422
    assert "<title>Error: Pay?</title>" in text
    for number, told in enumerate(("not one of the choices", "is not an integer", "answer yes or no", "is too long")):
        assert re.search(rf'id="field{number}-wrong">[^<]*{told}', text), (number, text)
    assert 'value="many"' in text
    assert 'value="too long"' in text
    assert 'value="Ada"' in text
    assert text.partition("</style>")[2].count('aria-invalid="true"') == 2
    office.post(office.token(), field0="Friday", field1="2", field2="no", field3="")
    assert office.data == {"go": True, "answer": {"day": "Friday", "boxes": 2, "fragile": False}}


@pytest.mark.parametrize(
    ("options", "sent", "value"),
    [
        ({"schema": {"$in": [f"choice {n}" for n in range(9)]}}, "choice 8", "choice 8"),
        ({"schema": [int]}, "[1, 2]", [1, 2]),
        ({"schema": Text(max=1000)}, "a\r\nb", "a\nb"),
        ({"schema": float}, "0.5", 0.5),
        ({}, "next week", "next week"),
        ({}, '{"a": 1}', {"a": 1}),
    ],
)
def test_every_kind_of_field_takes_its_answer(tmp_path: Path, options: dict[str, Any], sent: str, value: Json) -> None:
    office = Office(tmp_path, asking(**options))
    assert office.get(office.token()).status == 200
    assert office.post(office.token(), field0=sent).status == 303
    assert office.data == {"go": True, "answer": value}


def test_everything_on_the_page_is_escaped(tmp_path: Path) -> None:
    shape = {EVIL: {"$in": [EVIL, "b"]}, "t": str}
    office = Office(tmp_path, asking(EVIL, schema=shape, context={EVIL: EVIL}, default={"t": EVIL}, timeout=3600))
    for got in (office.get(office.token()), office.post(office.token(), field0=EVIL * 2, field1=EVIL, name=EVIL)):
        text = got.body.decode()
        assert "<script" not in text
        assert EVIL not in text
        assert "&lt;script&gt;" in text


def test_a_link_that_was_altered_or_signed_with_another_key_is_refused(office: Office) -> None:
    token = office.token()
    for forged in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        office.token(key=b"x" * 32),
        "x",
        "%00",
        "A" * 5000,
    ):
        for got in (office.get(forged), office.post(forged, field0="yes")):
            assert got.status in (403, 404), forged
    assert office.home.task(office.task).state == "question"


def test_an_expired_link_is_refused(office: Office) -> None:
    old = office.token(now=1000.0)
    assert (office.get(old).status, office.post(old, field0="yes").status) == (403, 403)
    assert office.home.task(office.task).state == "question"


def test_a_link_to_an_earlier_question_does_not_answer_a_later_one(tmp_path: Path) -> None:
    def again(data: dict[str, Any]) -> None:
        data["answer"] = None

    office = Office(tmp_path, asking(schema=bool), Step("again", {"answer": False}, again))
    first = office.token()
    asyncio.run(office.home.answer(office.task, False))
    assert office.home.task(office.task).state == "question"
    assert office.post(first, field0="yes").status == 409
    assert office.home.task(office.task).state == "question"


def test_a_question_that_nobody_answered_and_a_task_that_is_gone(office: Office, tmp_path: Path) -> None:
    token = office.token()
    office.home.store.claim(office.task).delete()
    assert (office.get(token).status, office.post(token, field0="yes").status) == (410, 410)
    other = Office(tmp_path / "other", asking(schema=bool), Step("end", {"stop": True}, lambda task: task.complete()))
    token = other.token()
    asyncio.run(other.home.set(other.task, {"stop": True}))
    got = other.get(token)
    assert b"This question is no longer open" in got.body


def test_a_page_of_another_site_cannot_answer(office: Office) -> None:
    token = office.token()
    body = b"field0=yes"
    got = office.serve(lambda url: ask(url + token, "POST", body, origin="https://evil.example"))
    assert (got.status, office.home.task(office.task).state) == (403, "question")


def test_an_answer_reaches_a_task_that_this_process_runs(tmp_path: Path) -> None:
    async def slow(data: dict[str, Any]) -> None:
        await asyncio.sleep(1)
        data["slow"] = True

    home = Workspace([asking(schema=bool), Step("slow", {"go": True, "slow": None}, slow)], folder=tmp_path)

    async def main() -> tuple[Answered, Json]:
        running = asyncio.create_task(home.run("Ticket", {"go": True}))
        async with serving(app_of(answers(home, KEY), failed=print)) as url:
            while not (found := open_questions(home, unreadable=print)):
                await asyncio.sleep(0.02)
            token = token_of(ticket_for(found[0], "ops", home.clock.now()), KEY)
            got = await ask(f"{url}{PATH}{token}", "POST", b"field0=yes")
            assert not running.done()
            return got, (await running).data

    got, data = asyncio.run(asyncio.wait_for(main(), 20))
    assert (got.status, data) == (303, {"go": True, "slow": True, "answer": True})


TICKETS = st.builds(
    Ticket,
    task=st.text(max_size=20),
    into=st.none() | st.text(max_size=20),
    call=st.none() | st.integers(0, 10**6),
    asked_at=st.none() | st.text(max_size=24),
    to=st.text(max_size=40),
    expires=st.integers(0, 2**40),
)


@settings(max_examples=300, deadline=None)
@given(ticket=TICKETS, at=st.integers(0, 10_000), bit=st.integers(1, 255))
def test_a_token_tells_its_ticket_and_nothing_else(ticket: Ticket, at: int, bit: int) -> None:
    import base64

    token = token_of(ticket, KEY)
    assert ticket_of(token, KEY) == ticket
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[at % len(raw)] ^= bit
    with pytest.raises(InputError):
        ticket_of(base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="), KEY)
