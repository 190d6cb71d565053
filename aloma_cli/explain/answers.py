"""Who answered a question, and when."""

from __future__ import annotations

from collections.abc import Iterable

from aloma_cli.jsontext import JsonObject, show_path
from aloma_cli.record.calls import CallCount
from aloma_cli.record.events import Committed, Event
from aloma_cli.values import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """`by`: person, engine (the default) or firing (of `step`). `at`: ISO. `question`: what was answered."""

    by: str
    at: str
    question: str = ""
    step: str | None = None
    who: JsonObject | None = None


def answered(
    events: Iterable[Event], task: str, into: str | None, call: int | None, asked_at: str | None
) -> Answered | None:
    """Who answered the question for `into` that a task asked at `asked_at`, or about a call; None if unanswered.

    `events` are those of the whole tree.
    """
    count, question = CallCount(), ""
    for event in events:
        done = count.take(event)
        if done is not None and call is not None and done.number == call and done.event is not None:
            return Answered("person", done.event.at, _question_text(done.arguments), who=done.event.who)
        if not isinstance(event, Committed) or event.task != task or event.at < (asked_at or ""):
            continue
        if into in event.answers:
            return Answered(event.by, event.at, question, event.step, event.who)
        question = next((_question_text(one) for one in event.asked if show_path(tuple(one["into"])) == into), question)
    return None


def _question_text(asked: JsonObject | None) -> str:
    return str((asked or {}).get("question", ""))
