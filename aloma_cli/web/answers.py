"""`/answer/TOKEN`: the page behind a signed link, on which one question is answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import RedirectResponse
from starlette.routing import Route

from aloma_cli.api.inbox import answer_to
from aloma_cli.clock import from_iso, to_iso
from aloma_cli.document.stash import hide_stash
from aloma_cli.errors import InputError, NotFoundError
from aloma_cli.explain.answers import Answered, answered
from aloma_cli.forms.form import form_of
from aloma_cli.forms.read import read_form, shown
from aloma_cli.jsontext import Json, JsonObject, dumps, pretty
from aloma_cli.notices.links import PATH, Ticket, ticket_of
from aloma_cli.record.who import person
from aloma_cli.web.form import LONGEST_NAME, NAME, form_html, input_name
from aloma_cli.web.page import message_page, page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from aloma_cli.api.workspace import Workspace

PATIENCE = 10.0
"""Seconds to wait for the process that runs the task."""

_PAUSE = 0.1
_MOST_FIELDS = 100


def answers(home: Workspace, key: bytes, wake: Callable[[], object] = lambda: None) -> list[Route]:
    """The route of the links that `key` signs. `wake` is called when a task has got an answer, so that it is run."""
    desk = Desk(home, wake)

    async def answer(request: Request) -> Response:
        try:
            ticket = ticket_of(request.path_params["token"], key)
        except InputError:
            return message_page(
                "This link is not valid", "Open the link again from the notice that you were sent.", status=403
            )
        try:
            if request.method == "POST":
                return await desk.take(ticket, await request.body(), request.url.path)
            return desk.show(ticket)
        except NotFoundError:
            return message_page("This task no longer exists", "There is nothing to answer.", status=410)

    return [Route(f"{PATH}{{token}}", answer, methods=["GET", "POST"])]


class Desk:
    """Shows questions and takes answers. `foot`: the HTML below the question of a task, from its name and id."""

    def __init__(
        self,
        home: Workspace,
        wake: Callable[[], object] = lambda: None,
        foot: Callable[[str, str], str] = lambda name, task: escape(f"{name} · {task}"),
    ) -> None:
        self._home = home
        self._wake = wake
        self._foot = foot

    def show(self, ticket: Ticket) -> Response:
        """A GET only shows: programs that scan mails follow links."""
        return self._closed(ticket) or self._form_page(ticket, {}, {})

    async def take(self, ticket: Ticket, body: bytes, path: str) -> Response:
        """Record the answer in a form, if the question is still open."""
        closed = self._closed(ticket, status=409)
        if closed is not None:
            return closed
        try:
            given = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        except ValueError:
            return message_page("This form is not valid", "Go back, and send it again.", status=400)
        asked = self._open_question(ticket) or {}
        form = form_of(asked.get("schema"))
        texts = {field.name: given.get(input_name(number), "") for number, field in enumerate(form.fields)}
        value, wrong = read_form(form, texts)
        name = " ".join(given.get(NAME, "").split())[:LONGEST_NAME]
        if wrong:
            return self._form_page(ticket, {**texts, NAME: name}, wrong, status=422)
        who = ({"channel": "link", "to": ticket.to} if ticket.to else {"channel": "page"}) | (
            {"user": name} if name else {}
        )
        try:
            self._home.submit(ticket.task, answer_to(asked, value, who))
        except InputError as error:
            return self._closed(ticket, status=409) or message_page(
                "This answer was not accepted", str(error), status=409
            )
        self._wake()
        return await self._wait_until_taken(ticket, path)

    async def _wait_until_taken(self, ticket: Ticket, path: str) -> Response:
        """Wait until the process that runs the task has taken the answer."""
        for _ in range(int(PATIENCE / _PAUSE)):
            if self._open_question(ticket) is None:
                return RedirectResponse(path, 303)
            await asyncio.sleep(_PAUSE)
        return message_page(
            "The answer is saved", "The task will use it as soon as it runs again.", good=True, status=202
        )

    def _open_question(self, ticket: Ticket) -> JsonObject | None:
        """The question, if it is still open. Raises NotFoundError for a task that was deleted."""
        for asked in self._home.task(ticket.task).record["questions"]:
            same = (asked["task"], asked.get("into"), asked.get("call"), asked.get("asked_at"))
            if same == (ticket.task, ticket.into, ticket.call, ticket.asked_at):
                found: JsonObject = asked
                return found
        return None

    def _closed(self, ticket: Ticket, status: int = 200) -> Response | None:
        """The page for a question that can no longer be answered; None if it can."""
        footer = self._footer(ticket)
        if self._open_question(ticket) is not None:
            if ticket.expires > self._home.clock.now():
                return None
            return message_page("This link has expired", "Ask for a new one.", footer=footer, status=403)
        found = answered(
            self._home.task(ticket.task).tree_journal, ticket.task, ticket.into, ticket.call, ticket.asked_at
        )
        if found is None:
            return message_page("This question is no longer open", "It has no answer.", footer=footer, status=status)
        text = f"{_by(found)}, {_moment(found.at)}."
        return message_page(
            "This question is answered", text, about=found.question, footer=footer, status=status, good=True
        )

    def _form_page(
        self, ticket: Ticket, texts: Mapping[str, str], wrong: Mapping[str, str], status: int = 200
    ) -> Response:
        asked = self._open_question(ticket) or {}
        question = str(asked.get("question"))
        title = f"Error: {question}" if wrong else question
        parts = [f"<h1>{escape(question)}</h1>", _context(hide_stash(asked.get("context"))), _deadline(asked)]
        parts.append(form_html(form_of(asked.get("schema")), texts, wrong))
        return page(title, "".join(parts), self._footer(ticket), status)

    def _footer(self, ticket: Ticket) -> str:
        return self._foot(self._home.task(ticket.task).name, ticket.task)


def _by(found: Answered) -> str:
    if found.by == "person":
        who = found.who if found.who is None else _without_address(found.who)
        return f"By {person(who)}"
    return "By default, because no answer came in time" if found.by == "engine" else f"By the step {found.step}"


def _without_address(who: JsonObject) -> JsonObject:
    """`who` without the address that a link was sent to: others may see the page."""
    return {name: value for name, value in who.items() if name != "to"}


def _moment(at: str) -> str:
    return f"{to_iso(from_iso(at))[:16].replace('T', ' ')} UTC"


def _context(context: Json) -> str:
    if context is None:
        return ""
    if isinstance(context, dict) and context:
        rows = (f"<dt>{escape(key)}</dt><dd>{escape(_context_text(value))}</dd>" for key, value in context.items())
        return f'<dl class="context">{"".join(rows)}</dl>'
    return f'<div class="context">{escape(context if isinstance(context, str) else pretty(context))}</div>'


def _context_text(value: Json) -> str:
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return ", ".join(map(shown, value))
    return shown(value) if isinstance(value, str | bool | int | float) else dumps(value)


def _deadline(asked: JsonObject) -> str:
    until = asked.get("until")
    if until is None:
        return ""
    text = f"If not answered by {_moment(until)}: {shown(asked.get('default'))}"
    return f'<p class="faint">{escape(text)}</p>'
