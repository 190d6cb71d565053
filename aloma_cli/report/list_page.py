"""The live pages of a workspace: the list of its tasks, one task, and its open questions."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

from aloma_cli.clock import from_iso
from aloma_cli.document.stash import hide_stash
from aloma_cli.errors import AlomaError
from aloma_cli.explain.why import Inquiry
from aloma_cli.forms.read import shown as typed
from aloma_cli.jsontext import JsonObject, cut
from aloma_cli.record.states import INTERRUPTED, STATES, seen
from aloma_cli.report.markup import Markup, join, tag
from aloma_cli.report.page import Section, page, policy
from aloma_cli.report.story import Story
from aloma_cli.report.table import moment, table
from aloma_cli.report.task_page import SCRIPTS, damaged, head, story_page
from aloma_cli.values import dataclass
from aloma_cli.view.format import ago, value_text
from aloma_cli.view.tables import Column

PAGE = 100
"""How many tasks a page of the list has."""

LIST_SCRIPTS = ("dom.js", "live.js")
TASK_SCRIPTS = (*SCRIPTS, "live.js")

FILTERS = tuple(name for name in STATES if name != "processing")
"""The states that a list can be asked for: `processing` is shown as running or interrupted."""

_LONGEST_CONTEXT = 300

_COLUMNS = (
    Column("task"),
    Column("state", "state"),
    Column("created", "time"),
    Column("took", "seconds"),
    Column("calls", "count", dispensable=True),
    Column("cost", "money", dispensable=True),
    Column("id", "id"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page, and its version, by which a repeated request gets the answer that nothing has changed."""

    version: str
    html: str


@dataclass(frozen=True, slots=True)
class Site:
    """What all pages have in common. `name`: of the workspace. `answers`: whether questions can be answered here."""

    name: str
    answers: bool

    def bar(self, here: str = "") -> Markup:
        """The links to the pages, of which `here` is shown."""
        links = (
            tag("a", title, href=path, class_="tab", aria_current="page" if path == here else None)
            for title, path in (("Tasks", "/"), ("Questions", "/questions"))
        )
        return tag("p", tag("b", self.name), *links, class_="site")


def list_page(site: Site, rows: Sequence[JsonObject], *, state: str | None, before: str | None, now: float) -> Shown:
    """A page of the list. `rows`: one more than PAGE where there are older tasks. `now`: seconds since 1970."""
    listed = rows[:PAGE]
    none = "No task is in this state." if state else "There is no task yet. To make one: aloma task new"
    about = tag("p", none if before is None else "There is no older task.", class_="about")
    shown = table(_COLUMNS, (_task_row(row, now) for row in listed), "Tasks", plain=True) if listed else about
    older = listed[-1]["id"] if len(rows) > PAGE else None
    content = Section(
        "tasks", f"State: {state}" if state else "All tasks", _filters(state), shown, _turn_links(state, before, older)
    )
    return _live(f"{site.name} · aloma", site.bar("/"), "Tasks", content)


def task_page_live(site: Site, question: Inquiry, version: str, damage: AlomaError | None = None) -> Shown:
    """The report of a task that follows it. `damage`: as for `task_page`."""
    story = Story(question)
    state = seen(story.task.state, held=question.held)
    is_asked = site.answers and any(talk.who is None for talk in story.talks)
    cure = tag(
        "p", "No process runs it. To continue: ", tag("code", f"aloma task resume {story.task.id}"), class_="about"
    )
    asks = tag("p", tag("a", "Answer the open question", href="/questions"), class_="about")
    top = join(
        [
            site.bar(),
            head(story),
            damaged(story, damage) or (cure if state == INTERRUPTED else asks if is_asked else None),
        ]
    )
    return Shown(version, story_page(story, top, damage, scripts=TASK_SCRIPTS, live=version))


def questions_page(site: Site, questions: Sequence[JsonObject]) -> Shown:
    """The open questions."""
    about = (
        "The most urgent first."
        if site.answers
        else "This page is read-only. To answer: `aloma web --allow-answers`, or `aloma inbox`."
    )
    asked = [_question_html(site, one) for one in questions] or [tag("p", "No question is open.", class_="about")]
    content = Section("questions", "Open questions", *asked, about=about if questions else "")
    return _live(f"Questions · {site.name}", site.bar("/questions"), "Questions", content)


def question_path(asked: JsonObject) -> str:
    """The address of the page on which an open question is answered."""
    which = {name: asked[name] for name in ("into", "call", "asked_at") if asked.get(name) is not None}
    return f"/questions/{quote(asked['task'])}?{urlencode(which)}"


def header_policy(scripts: Sequence[str]) -> str:
    """The Content-Security-Policy of a live page as a header: that of the page, and that no other may embed it."""
    return f"{policy(*scripts, live=True)}; frame-ancestors 'none'"


def _live(title: str, bar: Markup, heading: str, content: Section) -> Shown:
    top = join([bar, tag("h1", heading, class_="unseen")])
    version = f'"{sha256((top + content.drawn).encode()).hexdigest()[:16]}"'
    return Shown(version, page(title, top, [content], scripts=LIST_SCRIPTS, live=version))


def _task_row(row: JsonObject, now: float) -> list[Any]:
    name = tag("a", row["name"], href=_task_path(row["id"]))
    if "created_at" not in row:  # it cannot be read
        return [name, row["state"], *[None] * 4, row["id"]]
    usage = row["usage"]
    created = tag("time", ago(now - from_iso(row["created_at"])), title=row["created_at"])
    return [name, row["state"], created, row["seconds"], usage["calls"] or None, usage["cost"] or None, row["id"]]


def _task_path(task: str) -> str:
    return f"/tasks/{quote(task)}"


def _page_address(**given: str | None) -> str:
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return f"/?{query}" if query else "/"


def _filters(state: str | None) -> Markup:
    links = (
        tag(
            "a",
            name or "all",
            href=_page_address(state=name),
            class_="filter",
            aria_current="true" if name == state else None,
        )
        for name in (None, *FILTERS)
    )
    return tag("p", *links, class_="filters")


def _turn_links(state: str | None, before: str | None, older: str | None) -> Markup | None:
    links = [
        tag("a", "Newest", href=_page_address(state=state)) if before is not None else None,
        tag("a", "Older", href=_page_address(state=state, before=older), rel="next") if older is not None else None,
    ]
    return tag("p", *links, class_="turn") if any(links) else None


def _question_html(site: Site, asked: JsonObject) -> Markup:
    title, context = tag("b", asked["question"]), asked.get("context")
    when = (", asked at ", moment(asked["asked_at"])) if asked.get("asked_at") else ()
    return tag(
        "div",
        tag("p", tag("a", title, href=question_path(asked)) if site.answers else title),
        tag("p", tag("a", asked["name"], href=_task_path(asked["task"])), *when, class_="about"),
        None if context is None else tag("p", tag("code", value_text(context, _LONGEST_CONTEXT))),
        _deadline_html(asked),
        class_="talk",
    )


def _deadline_html(asked: JsonObject) -> Markup | None:
    if not asked.get("until"):
        return None
    default = cut(typed(hide_stash(asked.get("default"))), _LONGEST_CONTEXT)
    return tag("p", "If not answered by ", moment(asked["until"]), f": {default}", class_="about")
