"""The live pages of a workspace: its tasks, one task, and its open questions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from html import escape
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from aloma_cli.api.explaining import readable_question
from aloma_cli.api.listing import Listing
from aloma_cli.errors import AlomaError, NotFoundError
from aloma_cli.ids import root_of
from aloma_cli.notices.links import Ticket
from aloma_cli.report.list_page import (
    FILTERS,
    LIST_SCRIPTS,
    PAGE,
    TASK_SCRIPTS,
    Shown,
    Site,
    header_policy,
    list_page,
    questions_page,
    task_page_live,
)
from aloma_cli.web.answers import Desk
from aloma_cli.web.app import Failed, app_of
from aloma_cli.web.door import Door
from aloma_cli.web.page import message_page

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request

    from aloma_cli.api.workspace import Workspace

_NEVER = float("inf")

_REFUSALS = {404: ("This page does not exist", "The link may be old."), 405: ("This cannot be done here", "")}


def board(
    home: Workspace, name: str, token: str, *, answers: bool = False, names: tuple[str, ...] = (), failed: Failed
) -> Starlette:
    """The pages of `home`, for those who know `token`. `answers`: whether questions can be answered on them.

    `names`: of hosts, as in `app_of`. Raises WorkspaceError where the extra is missing.
    """
    pages = _Pages(home, Site(name, answers))
    routes = [
        Route("/", _page_route(pages.tasks, LIST_SCRIPTS)),
        Route("/tasks/{task}", _page_route(pages.task, TASK_SCRIPTS)),
        Route("/questions", _page_route(pages.questions, LIST_SCRIPTS)),
        Route("/favicon.ico", Response(status_code=204), methods=["GET"]),  # every browser asks for it
    ]
    if answers:
        routes.append(Route("/questions/{task}", _answer_route(Desk(home, foot=_foot)), methods=["GET", "POST"]))
    return app_of(routes, failed=failed, names=names, inside=[Middleware(Door, token=token)], refusal=_refusal_page)


class _Pages:
    """What is shown to a request. None: what its reader has is the newest version."""

    def __init__(self, home: Workspace, site: Site) -> None:
        self._home, self._site = home, site
        self._listing = Listing(home)

    def tasks(self, request: Request) -> Shown | None:
        state, before = request.query_params.get("state"), request.query_params.get("before")
        if state is not None and state not in FILTERS:
            raise HTTPException(404)
        rows = [*islice(self._listing.rows(state=state, before=before), PAGE + 1)]
        return list_page(self._site, rows, state=state, before=before, now=self._home.clock.now())

    def task(self, request: Request) -> Shown | None:
        task = self._home.find(request.path_params["task"])
        root = root_of(task)
        version = f'"{self._home.store.stamp(root)}-{self._home.store.is_held(root):d}"'
        if version == _known_tag(request):
            return None
        asked, damage = readable_question(self._home, task)
        return task_page_live(self._site, asked, version, damage)

    def questions(self, _request: Request) -> Shown | None:
        return questions_page(self._site, self._listing.questions())


def _page_route(make: Callable[[Request], Shown | None], scripts: tuple[str, ...]) -> Callable[[Request], object]:
    """A route for a live page, which is made in a thread: a large one takes its time."""
    headers = {"content-security-policy": header_policy(scripts), "x-robots-tag": "noindex, nofollow"}

    async def show(request: Request) -> Response:
        try:
            shown = await asyncio.to_thread(make, request)
        except NotFoundError as error:
            return message_page("This task does not exist", str(error), status=404)
        except AlomaError as error:
            return message_page("This cannot be read", str(error), status=500)
        if shown is None or shown.version == _known_tag(request):
            return Response(status_code=304)
        return HTMLResponse(shown.html, headers={**headers, "etag": shown.version})

    return show


def _known_tag(request: Request) -> str | None:
    return request.headers.get("if-none-match")


def _answer_route(desk: Desk) -> Callable[[Request], object]:
    async def answer(request: Request) -> Response:
        ticket = _ticket(request)
        try:
            if request.method == "POST":
                return await desk.take(ticket, await request.body(), str(request.url.replace(scheme="", netloc="")))
            return desk.show(ticket)
        except NotFoundError as error:
            return message_page("This task does not exist", str(error), status=404)

    return answer


def _ticket(request: Request) -> Ticket:
    query = request.query_params
    call = query.get("call")
    if call is not None and not re.fullmatch(r"[0-9]{1,18}", call):
        raise HTTPException(404)
    number = None if call is None else int(call)
    return Ticket(request.path_params["task"], query.get("into"), number, query.get("asked_at"), "", _NEVER)


def _foot(name: str, task: str) -> str:
    return (
        f'<a href="/tasks/{quote(task)}">{escape(f"{name} · {task}")}</a> · <a href="/questions">All questions</a>'
        "<br>The answer is written into the record. A worker, or <code>aloma task resume</code>, continues the task."
    )


def _refusal_page(status: int, sentence: str, headers: Mapping[str, str] | None) -> Response:
    title, text = _REFUSALS.get(status, ("This was refused", f"{sentence[:1].upper()}{sentence[1:]}."))
    shown = message_page(title, text, footer='<a href="/">All tasks</a>', status=status)
    shown.headers.update(headers or {})
    return shown
