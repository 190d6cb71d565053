"""A case made of the record of a task: its data, its answers, what people did, and its outcome."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aloma_cli.clock import from_iso
from aloma_cli.connectors.chat.completion import content_of
from aloma_cli.connectors.chat.tools.requested import requested_calls
from aloma_cli.document.paths import MISSING, get
from aloma_cli.document.reserved import RESERVED
from aloma_cli.document.volatile import Volatile
from aloma_cli.jsontext import Json, JsonObject, is_number
from aloma_cli.record.events import CallAnswered, Committed, Event, TaskCreated
from aloma_cli.testing.played import PlayedCall, PlayedRecord
from aloma_cli.view.changes import place

_PEOPLE = ("person", "engine")
_SCALARS = (str, int, float, bool)
_UNSCRIPTED = ("tool.", "person.")
"""Calls of plain functions, which run in a repetition too, and of people, whose answers are under `then`."""


def case_of(events: list[Event], record: JsonObject, document: JsonObject) -> JsonObject:
    """The case of a tree at rest, as it is written to a file. Values that differ from run to run are left open."""
    root = next(event for event in events if isinstance(event, TaskCreated))
    plain = _Patterns(Volatile(root.task, from_iso(root.at)), from_iso(events[-1].at))
    expect = {"state": record["state"], "fired": PlayedRecord(events).fired, "data": plain.pattern(document)}
    if record["result"] is not None and record["result"] != document:
        expect["result"] = plain.pattern(record["result"])
    calls = sum(isinstance(event, CallAnswered) and not event.call.startswith("person.") for event in events)
    return {
        "about": f"Recorded from {record['name']}.",
        "now": root.at,
        "data": {key: value for key, value in root.data.items() if key not in RESERVED},
        "answers": _answers(events),
        **({"then": acts} if (acts := list(_acts(events, root.task))) else {}),
        "expect": expect,
        "limits": {"calls": calls},
    }


def _answers(events: Iterable[Event]) -> dict[str, list[JsonObject]]:
    """The answers by step: those of one subtask, and of one function, in the order in which they came."""
    born = {event.task: event for event in events if isinstance(event, TaskCreated)}
    grouped: dict[tuple[str, str, str], list[CallAnswered]] = {}
    for event in events:
        if isinstance(event, CallAnswered) and not event.replayed and not event.call.startswith(_UNSCRIPTED):
            grouped.setdefault((event.step, event.task, event.call), []).append(event)
    answers: dict[str, list[JsonObject]] = {}
    for (step, task, call), calls in grouped.items():
        replies = [_reply(event) for event in calls]
        when = {"when": _literals(born[task].data)} if born[task].parent else {}
        entry = {"call": call, **when, **(replies[0] if len(replies) == 1 else {"calls": replies})}
        answers.setdefault(step, []).append(entry)
    return answers


def _reply(event: CallAnswered) -> JsonObject:
    # Also where it is short: of agents side by side, it decides which ends first.
    took = {"delay": round(event.seconds, 3)} if event.seconds >= 0.001 else {}
    if event.error is not None:
        return {"error": {"status": event.error.get("status") or 500, "message": event.error["message"]}, **took}
    called = _tools_called(event.answer)
    return {"tool_calls": called, **took} if called else {"answer": _script_content(event), **took}


def _tools_called(answer: Json) -> list[JsonObject]:
    """The calls of tools that a model's answer asks for, as a script gives them."""
    calls = requested_calls(answer, 1) if isinstance(answer, dict) else []
    return [{"name": one.name, "arguments": one.arguments} for one in calls]


def _script_content(event: CallAnswered) -> Json:
    """What a script gives for this answer; a model's text as the object that it holds."""
    value = PlayedCall.of(event).answer
    is_model = isinstance(event.answer, dict) and "choices" in event.answer
    return content_of(event.answer) if is_model and not isinstance(value, dict) else value


def _acts(events: Iterable[Event], root: str) -> Iterator[JsonObject]:
    """What happened from outside: answers, values that a person set, answers by default when their time had come."""
    before = ""
    for event in events:
        if isinstance(event, CallAnswered) and event.call.startswith("person.") and not event.replayed:
            yield {"answer": event.answer}
        elif isinstance(event, Committed) and event.by in _PEOPLE:
            if event.answers:
                late = from_iso(event.at) - from_iso(before)
                if event.by == "engine":
                    yield {"later": {"seconds": round(late + 1)}}
                else:
                    yield from ({"answer": _written_at(event, into), "into": place(into)} for into in event.answers)
            elif event.by == "person" and event.task == root and event.changes:
                values = {place(one["path"]): one["value"] for one in event.changes if "value" in one}
                yield {"set": values}
        before = event.at


def _written_at(commit: Committed, into: str) -> Json:
    """What the commit wrote at the place of a question."""
    for change in commit.changes:
        if place(change["path"]) == place(into):
            return change.get("value")
        inside = place(into).removeprefix(f"{place(change['path'])}.")
        if inside != place(into) and isinstance(change.get("value"), dict):
            found = get(change["value"], tuple(inside.split(".")))
            return None if found is MISSING else found
    return None


def _literals(data: JsonObject) -> JsonObject:
    """A condition that holds for documents that begin with `data`."""
    return {key: value for key, value in data.items() if _is_plain_key(key) and isinstance(value, _SCALARS)} or {
        key: _literals(value) for key, value in data.items() if _is_plain_key(key) and isinstance(value, dict)
    }


class _Patterns:
    """Patterns for the values of one task; `until`: when it came to rest, in seconds since 1970."""

    def __init__(self, volatile: Volatile, until: float) -> None:
        self._volatile = volatile
        self._until = until

    def pattern(self, value: Json) -> Any:
        """A pattern that `value` matches in every run."""
        if isinstance(value, dict):
            return {key: self.pattern(inner) for key, inner in value.items() if _is_plain_key(key)}
        if isinstance(value, list):
            return {"$size": len(value)} if any(map(self._differs, value)) else [self.pattern(one) for one in value]
        return {"$exists": True} if self._differs(value) else value

    def _differs(self, value: Json) -> bool:
        if isinstance(value, dict):
            return any(map(self._differs, value.values()))
        if isinstance(value, list):
            return any(map(self._differs, value))
        if isinstance(value, str):
            return self._volatile.root in value or self._volatile.plain_text(value, self._until) != value
        return is_number(value) and self._volatile.is_epoch(value, self._until)


def _is_plain_key(key: str) -> bool:
    return not key.startswith("$") and "." not in key
