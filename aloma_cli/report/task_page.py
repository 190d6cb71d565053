"""The report of one task, with its subtasks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from aloma_cli.clock import from_iso
from aloma_cli.document.reserved import unhandled_errors
from aloma_cli.errors import AlomaError
from aloma_cli.explain.obstacles import Obstacle
from aloma_cli.explain.remedy import remedy_of
from aloma_cli.explain.waiting import waiting
from aloma_cli.explain.why import Explanation, Inquiry, why_all_of
from aloma_cli.ids import root_of
from aloma_cli.record.events import TaskRested
from aloma_cli.record.figures import Figures
from aloma_cli.record.spending import role_of
from aloma_cli.record.states import ACTIVE, ASKING, UNENDED, seen
from aloma_cli.report.flow import flow
from aloma_cli.report.markup import Markup, join, region, tag
from aloma_cli.report.page import Section, page
from aloma_cli.report.record import record
from aloma_cli.report.story import Story, Talk
from aloma_cli.report.table import badge, moment, table, tiles
from aloma_cli.report.timeline import look_of, timeline
from aloma_cli.view.entries import explained
from aloma_cli.view.format import duration, error_text, value_text
from aloma_cli.view.tables import STEPS, Column, step_row
from aloma_cli.view.usage import COLUMNS, cells, with_total

SCRIPTS = ("dom.js", "document.js", "blame.js", "task.js")

_NEAREST = 5
_LONGEST_ANSWER = 400
_TIMES = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)")
_LEGEND = ("fired", "looked", "failed", "voided", "running", "call", "retry", "wait")


def task_page(question: Inquiry, damage: AlomaError | None = None) -> str:
    """The report as HTML. `damage`: of the record, behind what can be read of it."""
    story = Story(question)
    return story_page(story, join([head(story), damaged(story, damage)]), damage)


def story_page(
    story: Story, top: Markup, damage: AlomaError | None, *, scripts: Sequence[str] = SCRIPTS, live: str | None = None
) -> str:
    """The page of a story. `top`: its head. `live`: as for `page`."""
    parts = _sections(story, whole=damage is None)
    return page(f"{story.task.name} · aloma", top, parts, scripts=scripts, record=record(story), live=live)


def damaged(story: Story, damage: AlomaError | None) -> Markup | None:
    """A warning that the record is damaged, where the page ends, and which commands help."""
    if damage is None:
        return None
    last, root = len(story.ledger.tasks[story.task.id].entries) - 1, root_of(story.task.id)
    return tag(
        "div",
        tag("p", tag("b", "The record of this task is damaged."), f" This page ends after entry {last}."),
        tag("p", str(damage)),
        tag("p", "To see what can be read: ", tag("code", f"aloma task log {story.task.id}")),
        tag("p", "To continue from there: ", tag("code", f"aloma task resume {root} --from-last-good")),
        class_="damage",
        role="note",
    )


def head(story: Story) -> Markup:
    """Name, state, times, and the figures of the whole."""
    task = story.task
    total = task.total
    seconds = story.until - from_iso(task.created_at)
    return tag(
        "div",
        tag("p", "aloma · task ", tag("code", task.id), class_="brand"),
        tag("h1", task.name, " ", badge(seen(task.state, held=story.question.held))),
        tag("p", "created ", moment(task.created_at), " · last change ", moment(task.updated_at), *_tags(story)),
        tiles(
            total,
            ("took", duration(seconds), ""),
            ("firings", f"{total.fired:,}", ""),
            ("subtasks", f"{len(story.tasks) - 1:,}", ""),
        ),
    )


def _tags(story: Story) -> Iterator[Markup]:
    for name in story.task.tags:
        yield Markup(" ")
        yield tag("span", name, class_="tag")


def _sections(story: Story, *, whole: bool) -> Iterator[Section]:
    """The parts of the report, from the top. `whole`: whether all of the record could be read."""
    is_told = story.task.state not in ("done", *ACTIVE, *ASKING)
    if story.task.state != "done" and whole:
        yield from _shortfall(story, misses=is_told)
    yield Section("timeline", "Timeline", _legend(story), timeline(story), _readout())
    if story.graph.edges:
        yield Section(
            "graph",
            "Who woke whom",
            region("Graph", "wide", flow(story.graph)),
            about="An arrow leads from a step that wrote a field to the step whose condition waited for it.",
        )
    yield Section(
        "run",
        "Entry by entry",
        tag("noscript", tag("p", "This part needs JavaScript, which is in this file.")),
        tag("div", id="entries"),
        about="The document at each entry of the log. A click on a name shows where its value comes from.",
    )
    yield Section("money", "Steps and cost", *_money(story))
    if story.talks:
        yield Section("people", "Questions and answers", *map(_talk, story.talks))
    if story.calls:
        yield Section("calls", "Prompts and answers", tag("div", id="prompts"))
    if not is_told and (nearest := _nearest(story)):
        summary = tag("summary", ", ".join(answer.step for answer in nearest))
        missed = tag("details", summary, *(_near_miss(story, answer) for answer in nearest))
        yield Section("silent", "Steps that did not fire", missed)


def _legend(story: Story) -> Markup:
    """What the looks mean that the timeline has."""
    found = {look_of(run) for run in story.runs}
    found |= {"call" for run in story.runs if run.calls} | {"retry" for run in story.runs if run.retry is not None}
    words = [word for word in _LEGEND if word in found or (word == "wait" and story.waits)]
    return tag("p", *(tag("span", tag("i", class_=f"key {word}"), word) for word in words), class_="legend")


def _readout() -> Markup:
    zoom = (tag("button", text, type="button", data_zoom=by, aria_label=told) for text, by, told in _ZOOM)
    return tag(
        "div", tag("p", "Point at a bar, or tap it.", id="readout"), tag("div", *zoom, class_="zoom"), class_="under"
    )


_ZOOM = (("−", "0.5", "Zoom out"), ("+", "2", "Zoom in"))


def _shortfall(story: Story, *, misses: bool) -> Iterator[Section]:
    """Why the task did not reach its goal, or what it waits for; `misses`: also the steps that nearly fired."""
    task, waits = story.task, waiting(story.question.moment(story.ledger))
    reasons = [*_errors(story), *([] if task.rest is None else _reasons(task.rest))]
    yield Section(
        "short",
        "What it waits for" if task.state in (*ACTIVE, *UNENDED) else "Where it fell short",
        tag("ul", *(tag("li", reason) for reason in reasons), *map(_obstacle, waits), class_="reasons"),
        *(_near_miss(story, answer) for answer in (_nearest(story) if misses else ())),
    )


def _errors(story: Story) -> Iterator[str]:
    for name, error in unhandled_errors(story.ledger.tasks[story.task.id].document).items():
        yield f"{name} failed: {error_text(error)}"


def _reasons(rest: TaskRested) -> Iterator[str]:
    if rest.reason:
        yield rest.reason
    yield from explained((), rest.cycle)


def _nearest(story: Story) -> list[Explanation]:
    """The steps that did not fire, the nearest to firing first."""
    answers = why_all_of(story.ledger, story.question)
    return [answer for answer in answers if answer.fired is None and not answer.below][:_NEAREST]


def _obstacle(obstacle: Obstacle) -> Markup | None:
    if obstacle.kind == "nothing":  # the state says so
        return tag("li", "to continue it:", tag("code", obstacle.cure, class_="cure")) if obstacle.cure else None
    told = (moment(part) if number % 2 else part for number, part in enumerate(_TIMES.split(obstacle.text)))
    return tag("li", *told, tag("code", obstacle.cure, class_="cure") if obstacle.cure else None)


def _near_miss(story: Story, answer: Explanation) -> Markup:
    """A step that came near to firing: each clause of its condition, and the change that would let it fire."""
    step = story.question.steps[answer.step]
    remedy = remedy_of(step.condition, story.ledger.tasks[story.task.id].document) if answer.failed else None
    command = remedy.command(story.task.id) if remedy is not None and remedy.edits is not None else None
    clauses = (
        tag(
            "li", tag("b", "✓ " if met.clause.holds else "✗ "), str(met), class_="held" if met.clause.holds else "unmet"
        )
        for met in answer.clauses
    )
    return tag(
        "div",
        tag("h3", answer.step),
        None if any(str(met) == answer.sentence for met in answer.clauses) else tag("p", answer.sentence),
        tag("ul", *clauses, class_="clauses"),
        tag("p", "The smallest change that makes its condition hold: ", tag("code", command, class_="cure"))
        if command
        else None,
        class_="miss",
    )


def _money(story: Story) -> Iterator[Markup]:
    rows = [step_row({"step": step, **figures.to_json()}) for step, figures in story.task.figures.items()]
    yield table(STEPS, rows, "By step") if rows else tag("p", "No step has fired.", class_="about")
    calls = [call.event for call in story.calls.values() if call.event is not None]
    groups = Figures.grouped((call, [(call.step, role_of(call))]) for call in calls)
    spent = sorted(groups.items(), key=lambda one: (-one[1].cost, -one[1].tokens, one[0][0]))
    if spent:
        spending = [[step, role.shown, *cells(figures)] for (step, role), figures in spent]
        yield table(
            (Column("step"), Column("model or call"), *COLUMNS),
            with_total(spending, Figures.of(*calls)),
            "By step and model",
        )


def _talk(talk: Talk) -> Markup:
    answer = "not answered yet" if talk.who is None else value_text(talk.answer, _LONGEST_ANSWER)
    where = "" if talk.place is None else f" → {talk.place}"
    return tag(
        "div",
        tag("p", tag("b", talk.question)),
        tag("p", talk.step, " asked at ", moment(talk.asked), where, class_="about"),
        tag("p", answer, class_="answer" if talk.who else "about"),
        tag("p", talk.who, " answered at ", moment(talk.answered), class_="about")
        if talk.who and talk.answered
        else None,
        class_="talk",
    )
