"""`aloma task why`"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated

from aloma_cli.api.explaining import question
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import put, put_json, put_wrapped, result
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task.task_id import LAST
from aloma_cli.cli.workspaces import load_asked
from aloma_cli.errors import InputError, NotFoundError
from aloma_cli.explain import writers
from aloma_cli.explain.ledger import Ledger
from aloma_cli.explain.waiting import waiting
from aloma_cli.explain.why import FLYING, Explanation, Fired, Inquiry, Met, why, why_all
from aloma_cli.view.format import clean, clock_time
from aloma_cli.view.theme import glyphs_for

_WORDS = {"running": "runs", "unfinished": "did not end"}
_CHANGED = {
    "condition": "its condition has changed since it fired; this is the new one",
    "content": "its code has changed since it fired",
}


def explain(
    task: options.LastTask = "@last",
    step: Annotated[str | None, Argument("[STEP]", "The step; default: all, with one line each.", "step")] = None,
    entry: Annotated[int | None, Option(("--entry",), "As of entry N of `aloma task log`.", "N")] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the explanation as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task why                       # what the last task waits for
      aloma task why @last approve
      aloma task why 01jd3k approve --entry 3

    Shows each clause of the step's condition, the value it met, and who wrote that value
    last. If the step did not fire, it shows the smallest change of the document that
    would let it fire.
    """
    home = load_asked(workspace)
    try:
        asked = question(home, task)
    except NotFoundError as error:
        if step is not None or task not in home.steps:
            raise
        raise NotFoundError(str(error), hint=f"for the step {task}, run `aloma task why {LAST} {task}`") from None
    if step is None:
        if entry is not None:
            raise InputError("--entry needs a step", hint=f"run `aloma task why {task} STEP --entry {entry}`")
        _explain_task(asked, as_json=as_json)
        return exit_codes.DONE
    if home.loaded.broken and step not in home.steps:
        home.loaded.refuse_broken()
    answer = why(asked, step, entry)
    if as_json:
        put_json(answer.to_json())
    else:
        for line in lines(answer):
            put_wrapped(line)
    return exit_codes.DONE


def _explain_task(asked: Inquiry, *, as_json: bool) -> None:
    answers = why_all(asked)
    ledger = answers[0].ledger if answers else Ledger.of(asked.events)
    view = asked.moment(ledger)
    waits = [*waiting(view)]
    if as_json:
        steps = [{"step": one.step, "fired": one.times, "reason": one.sentence} for one in answers]
        put_json({"schema": 1, "task": asked.task, "waits": [one.to_json() for one in waits], "steps": steps})
        return
    put_wrapped(f"{clean(view.facts.name)}: {view.state_of(view.facts)}")
    for wait in waits:
        put_wrapped(f"  {clean(wait.text)}")
        if wait.cure is not None:
            put(f"  → {wait.cure}")
    if answers:
        put("")
    width = max((len(one.step) for one in answers), default=0)
    digits = max((len(str(one.times)) for one in answers), default=0)
    for one in answers:
        count = f"{one.times}×" if one.times else "–"
        kind = _kind_of(one)
        again = "not again: " if kind == "fired" and (one.failed or one.obstacles) else ""
        put_wrapped(f"{_glyph(kind)} {one.step:<{width}}  {count:<{digits + 3}}{again}{clean(one.sentence)}")


def _kind_of(answer: Explanation) -> str:
    telling = FLYING if answer.in_flight else ("failed",)
    kinds = (obstacle.kind for obstacle in answer.obstacles if obstacle.kind in telling)
    return next(kinds, "fired" if answer.times else "looked")


def lines(answer: Explanation) -> Iterator[str]:
    """The answer for people and for pipes."""
    of_firing = answer.fired is not None and answer.fired.firing.entry in (answer.entry, None)
    if answer.fired is not None:
        yield from _fired_lines(answer.ledger, answer.fired, whole=of_firing or answer.entry is None)
    if of_firing and answer.entry is not None:
        return
    when = "" if answer.entry is None else f" after entry {answer.entry}"
    if answer.fired is not None:
        yield ""
    if answer.fired is None:
        yield f"{answer.step} has not fired{when}: {clean(answer.sentence)}"
    elif answer.in_flight:
        yield f"{answer.step} has not ended{when}: {clean(answer.sentence)}"
    else:
        yield f"{answer.step} does not fire again{when}: {clean(answer.sentence)}"
    yield from _silent_lines(answer)


def _fired_lines(ledger: Ledger, fired: Fired, *, whole: bool) -> Iterator[str]:
    firing = fired.firing
    at = f" at entry {firing.entry}" if firing.entry is not None else ""
    tries = f", try {firing.started.attempt}" if firing.started.attempt > 1 else ""
    word = _WORDS.get(fired.word, fired.word)
    yield f"{firing.step} {word}{at}: started {clock_time(firing.started.at)}{tries}"
    if fired.changed in _CHANGED:
        yield f"  ({_CHANGED[fired.changed]})"
    if whole:
        yield from _clause_lines(ledger, fired.clauses)


def _silent_lines(answer: Explanation) -> Iterator[str]:
    if answer.changed in _CHANGED and answer.fired is None:
        yield f"  ({_CHANGED[answer.changed]})"
    if not (answer.holds and answer.fired is not None):
        yield from _clause_lines(answer.ledger, answer.clauses)
    shown = answer.sentence
    for obstacle in answer.obstacles:
        if obstacle.text != shown:
            yield f"  ! {clean(obstacle.text)}"
        if obstacle.cure is not None:
            yield f"  → {obstacle.cure}"
    yield from _remedy_lines(answer)
    if answer.next is not None:
        entry = f" (entry {answer.next.entry})" if answer.next.entry is not None else ""
        yield f"  later it fired{entry}, started {clock_time(answer.next.started.at)}"
    elif not answer.obstacles and answer.holds and answer.changed != "gone":
        yield f"  → aloma task resume {answer.ledger.tree.root_id}"


def _remedy_lines(answer: Explanation) -> Iterator[str]:
    remedy = answer.remedy
    if remedy is None:
        return
    if remedy.edits is not None:
        yield "  the smallest change that makes its condition hold:"
        yield f"  → {remedy.command(answer.task)}"
    elif any(met.clause.path[:1] == ("$children",) for met in answer.clauses if not met.clause.holds):
        yield "  the engine keeps $children: it changes when subtasks begin and end"
    else:
        yield (
            "  no change of the document makes it hold"
            if remedy.is_sure
            else "  no small change of the document was found"
        )


def _clause_lines(ledger: Ledger, clauses: Iterable[Met]) -> Iterator[str]:
    for met in clauses:
        clause, wrote = met.clause, met.wrote
        sign = _glyph("done" if clause.holds else "failed")
        since = "" if wrote is None else f", {clock_time(wrote.event.at)}"
        who = "never written" if wrote is None else f"{writers.words(ledger, wrote)}{since}"
        yield f"  {sign} {clean(str(met))}   ← {clean(who)}"


def _glyph(word: str) -> str:
    return glyphs_for(result().encoding).sign(word)
