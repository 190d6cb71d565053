"""Run cases, and say what is wrong with their outcome."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from aloma_cli.budget import Used, amounts
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import AlomaError
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import CallAnswered
from aloma_cli.record.figures import Figures
from aloma_cli.testing.cases.case import Case
from aloma_cli.testing.play import Home, Play, Played
from aloma_cli.testing.played import mismatches
from aloma_cli.values import dataclass

_REFUSED_BEFORE = ("calls", "cost")
"""Limits that a live run keeps itself, so that a wrong case costs no more."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a case. `wrong`: sentences, none if it passed. `story`: what happened, if it did not pass."""

    wrong: tuple[str, ...]
    figures: Figures
    seconds: float
    story: str = ""

    @property
    def passed(self) -> bool:
        return not self.wrong


def run_case(case: Case, home: Home, models: ModelSettings | None = None) -> Run:
    """Run a case once: on scripted answers, or on the real model of `models`."""
    began = time.monotonic()
    play = Play(home, case.script(home.root or Path(), live=models is not None), models=models)
    try:
        played = _played(case, play, live=models is not None)
        wrong = [*_wrong_outcomes(case, played), *_over(case, played)]
        story = played.story() if wrong else ""
    except (AssertionError, AlomaError) as error:
        first, _, story = str(error).partition("\n\n")
        wrong = first.splitlines()
    figures = Figures.of(*(call for played in play.plays for call in _real_calls(played)))
    return Run(tuple(wrong), figures, round(time.monotonic() - began, 3), story)


def _played(case: Case, play: Play, *, live: bool) -> Played:
    limits = {name: case.limits[name] for name in _REFUSED_BEFORE if live and name in case.limits}
    played = play(
        case.data, name=case.name, config=case.config, now=case.now, concurrency=case.concurrency, limits=limits
    )
    for act in case.then:
        _act(played, act)
    return played


def _act(played: Played, act: JsonObject) -> None:
    match act:
        case {"answer": value}:
            played.answer(value, into=act.get("into"))
        case {"set": values}:
            played.set(**values)
        case {"later": gap}:
            played.later(**gap)
        case _:
            played.resume()


def _wrong_outcomes(case: Case, played: Played) -> Iterator[str]:
    expect = case.expect
    if "state" in expect and played.state != expect["state"]:
        yield f"the state is {played.state}, wanted {expect['state']}"
    if "fired" in expect and played.fired != expect["fired"]:
        yield f"fired: {', '.join(played.fired) or 'none'}; wanted: {', '.join(expect['fired']) or 'none'}"
        missing = [step for step in dict.fromkeys(expect["fired"]) if step not in played.fired]
        yield from (f"{step} did not fire: {played.why_not(step)}" for step in missing)
    yield from (f"{step} fired" for step in expect.get("never", ()) if step in played.fired)
    if "questions" in expect and played.questions != expect["questions"]:
        yield f"the open questions are {played.questions}, wanted {expect['questions']}"
    if "data" in expect:
        yield from mismatches(expect["data"], played.data)
    if "result" in expect:
        yield from mismatches({"result": expect["result"]}, {"result": played.result})


def _over(case: Case, played: Played) -> Iterator[str]:
    used = amounts(Used(Figures.recorded(played.record), played.seconds))
    for name, most in case.limits.items():
        if used[name] > most:
            yield f"{name}: {used[name]:g} used, at most {most:g} allowed"


def _real_calls(played: Played) -> list[CallAnswered]:
    """The calls, without what people were asked."""
    calls = [event for event in played.events if isinstance(event, CallAnswered)]
    return [call for call in calls if not call.call.startswith("person.")]
