"""Requests from people: answers to questions, values set from outside, stop, redo, resume."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from aloma_cli.clock import from_iso, to_iso
from aloma_cli.connectors.chat.parse import complaints
from aloma_cli.content.job import Question
from aloma_cli.document.changes import Change, apply
from aloma_cli.document.diff import same
from aloma_cli.document.held import MOVED
from aloma_cli.document.paths import MISSING, get, make_room, parse_path, resolve
from aloma_cli.document.reserved import refuse_engine_fields, refuse_false_errors
from aloma_cli.engine.arming import commit
from aloma_cli.engine.failure import STRANDED_DEPTH, error_entry, stranded
from aloma_cli.engine.plan import runs_alone
from aloma_cli.engine.start import arm
from aloma_cli.engine.subtasks import Room, halt, stop
from aloma_cli.engine.transaction import Transaction
from aloma_cli.engine.unsettled import approvals, release, settle, unknown_call
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.errors import ChoiceError, InputError, did_you_mean
from aloma_cli.forms.read import WORDS
from aloma_cli.jsontext import MAX_DEPTH, Json, JsonObject, Path, cut, is_deeper, show_path
from aloma_cli.record.events import AnsweringSet, RequestRefused, TreeResumed
from aloma_cli.record.tree import SentCall
from aloma_cli.values import dataclass

_MOST_SHOWN = 4
_LONGEST = 80


def place_questions(room: Room, task: WorkingTask, questions: list[Question], now: float) -> tuple[JsonObject, ...]:
    """The questions as the record keeps them; makes the room for their answers. Raises InputError.

    A question at the place of another one replaces it.
    """
    asked: list[JsonObject] = []
    places = {tuple(known["into"]) for known in task.questions.values()}
    for question in questions:
        place = room.take(question.into, who_answers(question.question), places)
        places.add(place)
        kept: JsonObject = {"question": question.question, "into": list(place)}
        if question.schema is not None:
            kept["schema"] = question.schema
        if question.context is not None:
            kept["context"] = question.context
        if question.timeout is not None:
            kept |= {"default": question.default, "until": to_iso(now + question.timeout)}
        asked.append(kept)
    return tuple(asked)


def who_answers(question: str) -> str:
    """What holds the place of a question, in words."""
    return f"the answer to {question!r}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a task with its subtasks."""

    task: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Redo:
    """Let a step fire once more."""

    task: str | None
    step: str


@dataclass(frozen=True, slots=True)
class Set:
    """Write into the document: first what is removed, then what is written."""

    task: str | None
    unset: tuple[str, ...]
    set: tuple[tuple[Path, Json], ...]


@dataclass(frozen=True, slots=True)
class AnswerQuestion:
    """Answer a question.

    `text` is what was typed. Where there are several questions, `into` or `call` (the number of a call that waits for
    approval) names one. `asked_at`: when the question was asked that was read; another one is not answered.
    """

    task: str | None
    value: Json
    text: str | None
    into: str | None
    call: int | None = None
    asked_at: str | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """Say how a call of unknown outcome ended: `how` is done (with `value`), failed (why) or again."""

    task: str | None
    call: int
    how: str
    value: Json


Request = Stop | Redo | Set | AnswerQuestion | Settle
"""What a person can ask of a task."""


def read_request(body: JsonObject) -> Request:
    """The request in a file of the inbox (`docs/format.md`, Requests). Raises InputError for anything else."""
    task = body.get("task")
    match body:
        case _ if not isinstance(task, str | None) or isinstance(body.get("call"), bool):
            pass
        case {"kind": "stop", "reason": str(reason)}:
            return Stop(task, reason)
        case {"kind": "redo", "step": str(step)}:
            return Redo(task, step)
        case {"kind": "set"}:
            return Set(task, _paths(body.get("unset", [])), _pairs(body.get("set", [])))
        case {"kind": "answer", "value": value}:
            text, into, asked_at = (_text(body.get(name)) for name in ("text", "into", "asked_at"))
            return AnswerQuestion(task, value, text, into, _number(body.get("call")), asked_at)
        case {"kind": "settle", "call": int(call), "done": value}:
            return Settle(task, call, "done", value)
        case {"kind": "settle", "call": int(call), "failed": str(reason)}:
            return Settle(task, call, "failed", reason)
        case {"kind": "settle", "call": int(call), "again": True}:
            return Settle(task, call, "again", None)
    raise InputError(f"{cut(str(body), _LONGEST)} is not a request")


def _paths(value: Json) -> tuple[str, ...]:
    if isinstance(value, list | tuple) and all(isinstance(path, str) for path in value):
        return tuple(value)
    raise InputError(f"`unset` must be a list of paths, not {cut(str(value), _LONGEST)}")


def _pairs(value: Json) -> tuple[tuple[Path, Json], ...]:
    if isinstance(value, list | tuple) and all(map(_is_pair, value)):
        return tuple((tuple(keys), item) for keys, item in value)
    raise InputError(f"`set` must be a list of pairs of keys and a value, not {cut(str(value), _LONGEST)}")


def _is_pair(value: Json) -> bool:
    match value:
        case [list() | tuple() as keys, _]:
            return all(isinstance(key, str | int) and not isinstance(key, bool) for key in keys)
    return False


def _number(value: Json) -> int | None:
    if value is None or type(value) is int:
        return value
    raise InputError(f"`call` must be the number of a call, not {cut(str(value), _LONGEST)}")


def _text(value: Json) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InputError(f"`text`, `into` and `asked_at` must be strings, not {cut(str(value), _LONGEST)}")


class RequestSource(NamedTuple):
    """Where a request comes from: the id of the file it came in, and the person (`record/who.py`), if known."""

    request: str | None = None
    who: JsonObject | None = None


def source_of(body: JsonObject, request: str | None) -> RequestSource:
    """The source of the request `body`, which came in the file `request`. Raises InputError."""
    who = body.get("who")
    texts = who.values() if isinstance(who, dict) else ()
    if who is not None and not (isinstance(who, dict) and "channel" in who and all(isinstance(t, str) for t in texts)):
        raise InputError(f"`who` must be an object with a channel, not {cut(str(who), _LONGEST)}")
    return RequestSource(request, who)


class Asked(NamedTuple):
    """A request, checked against the task it is about.

    `answers` are the places of the questions it answers; `call` is the call that it answers or settles, with `value`.
    """

    request: Request
    task: WorkingTask
    changes: list[Change] = []  # noqa: RUF012  (never altered)
    answers: tuple[str, ...] = ()
    call: SentCall | None = None
    value: Json = None


def checked(tree: WorkingTree, request: Request) -> Asked:
    """What a request does now. Raises InputError if it is no longer valid."""
    task = tree.tasks.get(request.task or tree.root_id)
    if task is None:
        raise InputError(f"there is no task {request.task}")
    if isinstance(request, Stop):
        return Asked(request, task)
    if task.closed:
        raise InputError(f"task {task.id} is closed ({task.state}) and can no longer change")
    if isinstance(request, Redo):
        return Asked(request, task)
    if isinstance(request, Set):
        changes = _set(task.document, request)
        refuse_engine_fields(changes)
        refuse_false_errors(task.document, apply(task.document, changes))
        # A value written where an answer was to go is the answer.
        written = {show_path(change.place) for change in changes}
        return Asked(request, task, changes, tuple(place for place in task.questions if place in written))
    if isinstance(request, Settle):
        owner, call = unknown_call(tree, task, request.call)
        return Asked(request, owner, call=call, value=request.value)
    task = task if task.questions or approvals(task) else _who_asks(tree, task)
    approval = _approval(task, request)
    if approval is not None:
        return Asked(request, task, call=approval, value=_checked_answer(approval.event.arguments or {}, request))
    place = _question(task, request.into)
    if request.asked_at not in (None, task.questions[place].get("asked_at")):
        raise InputError(f"the question for {place} was answered, and task {task.id} has asked another one since")
    value = _checked_answer(task.questions[place], request)
    return Asked(request, task, answer(task, place, value), (place,))


def carry_out(tx: Transaction, asked: Asked, source: RequestSource = RequestSource()) -> None:  # noqa: B008  (never altered)
    """Carry out a request. Raises InputError."""
    task = asked.task
    match asked.request:
        case Stop(reason=reason):
            _stop(tx, task, reason)
        case Redo(step=step) if step in tx.plan.steps:
            arm(tx, task, (step,), "a person asked for it", *source)
        case Settle(how="again") if asked.call is not None:
            release(tx, asked.call, *source)
        case Settle(how="failed", value=reason) if asked.call is not None:
            error = {"type": "ConnectorError", "message": reason, "retryable": False}
            settle(tx, asked.call, None, *source, error=error)
        case Settle() | AnswerQuestion() if asked.call is not None:
            settle(tx, asked.call, asked.value, *source)
        case Redo(step=step):
            raise InputError(f"there is no step {step!r}", hint=did_you_mean(step, tx.plan.steps))
        case _:
            request, who = source
            more = {"answers": asked.answers, "request": request, "who": who}
            commit(tx, task, asked.changes, by="person", more=more)


def _stop(tx: Transaction, task: WorkingTask, reason: str) -> None:
    """Stop a tree until it is resumed; a subtask, or what is left of a root that is closed, for good."""
    if task.parent is not None or task.closed:
        stop(tx, task, reason)
    elif tx.tree.stopped is None:
        halt(tx, reason)


def refuse(tx: Transaction, request: str, reason: str) -> None:
    """Record that a request of another process is no longer valid."""
    tx.add(RequestRefused(at=tx.at, task=tx.tree.root_id, request=request, reason=reason))


def resume(tx: Transaction) -> None:
    """Let a tree continue that a person stopped."""
    if tx.tree.stopped is not None:
        tx.add(TreeResumed(at=tx.at, task=tx.tree.root_id))


def set_answering(tx: Transaction, answering: JsonObject, reason: str) -> None:
    """Record how model calls are answered from here on; `reason` says what changes, in words."""
    tx.add(AnsweringSet(at=tx.at, task=tx.tree.root_id, answering=answering, reason=reason))


def release_cycles(tx: Transaction) -> None:
    """Let tasks continue that were stopped as cycles, by arming the steps that fire next."""
    for task in tx.tree.tasks.values():
        if task.trail.cycle is not None and not task.closed:
            names = [step.name for step in tx.plan.ready(task, now=tx.now)]
            if names:
                arm(tx, task, names, "a person let it continue")


def default_answers(tx: Transaction, task: WorkingTask) -> None:
    """Answer the questions whose deadline has passed with their default."""
    for place, question in list(task.questions.items()):
        until = question.get("until")
        if until is not None and from_iso(until) <= tx.now and not runs_alone(task):
            changes = _default(task, place, question)
            commit(tx, task, changes, by="engine", more={"answers": (place,)})


def _default(task: WorkingTask, place: str, question: JsonObject) -> list[Change]:
    try:
        return answer(task, place, question["default"])
    except InputError as error:
        entry = {"type": "PlaceGoneError", "message": f"the default answer has no place: {error}"}
        return error_entry(task.document, f"question {place}", entry)


def _approval(task: WorkingTask, request: AnswerQuestion) -> SentCall | None:
    """The call that is allowed or refused, if the request is about one. Raises InputError if it may be several."""
    waiting = approvals(task)
    numbers = [str(call.number) for call in waiting]
    if request.call is not None:
        found = next((call for call in waiting if call.number == request.call), None)
        if found is None:
            wrong = f"call {request.call} of task {task.id} does not wait for an approval"
            raise ChoiceError(wrong, choices={"call": numbers})
        return found
    if request.into is not None or not waiting:
        return None
    if len(waiting) + len(task.questions) > 1:
        several = f"task {task.id} has {len(waiting) + len(task.questions)} open questions"
        raise ChoiceError(several, choices={"call": numbers, "into": task.questions})
    return waiting[0]


def _who_asks(tree: WorkingTree, task: WorkingTask) -> WorkingTask:
    """The one subtask that asks, where `task` itself does not. Raises InputError where there are several."""
    asking = [one for one in tree.descendants(task.id) if (one.questions or approvals(one)) and not one.closed]
    if len(asking) > 1:
        several = f"{len(asking)} subtasks of {task.id} have open questions"
        raise ChoiceError(several, choices={"task": [one.id for one in asking[:_MOST_SHOWN]]})
    return asking[0] if asking else task


def answer(task: WorkingTask, place: str, value: Json) -> list[Change]:
    """The changes that write an answer where it was to go; into `$errors` where another item of a list may be there.

    Raises InputError where that place is gone.
    """
    asked = task.questions[place]
    into = tuple(asked["into"])
    if task.held.lost.get(into) == MOVED:
        _refuse_too_deep(value, into, STRANDED_DEPTH)
        return stranded(task.document, f"question {place}", who_answers(asked["question"]), into, MOVED, answer=value)
    return _assign(task.document, into, value)


def _question(task: WorkingTask, into: str | None) -> str:
    """The place of the question that is to be answered: the only one, unless `into` names it."""
    places = list(task.questions)
    if not places:
        raise ChoiceError(f"task {task.id} has no open question", choices={"into": ()})
    if into is None and len(places) > 1:
        raise ChoiceError(f"task {task.id} has {len(places)} open questions", choices={"into": places})
    if into is not None and into not in places:
        raise ChoiceError(f"task {task.id} has no open question for {into}", choices={"into": places})
    return into or places[0]


def _checked_answer(question: JsonObject, given: AnswerQuestion) -> Json:
    """The answer that a request gives: its value, or where only that fits, the word or the text that was typed."""
    if "schema" not in question:
        return given.value
    typed = [] if given.text is None else [given.text]
    words = [WORDS[text.casefold()] for text in typed if text.casefold() in WORDS]
    for value in (given.value, *words, *typed):
        if not complaints(value, question["schema"]):
            return value
    wrong = "; ".join(complaints(given.value, question["schema"]))
    hint = "answer yes or no" if question["schema"].get("type") == "boolean" else None
    raise InputError(f"not a valid answer to {question['question']!r}: {wrong}", hint=hint)


def _set(document: JsonObject, request: Set) -> list[Change]:
    """The changes of a `set`: first what is removed, then what is written."""
    changes: list[Change] = []
    for text in request.unset:
        place = resolve(document, parse_path(text))
        if get(document, place) is MISSING:
            raise InputError(f"there is nothing at {show_path(place)} to remove")
        changes.append(Change("remove", place))
        document = apply(document, changes[-1:])
    return changes + assign(document, request.set)


def assign(document: JsonObject, assignments: Iterable[tuple[Path, Json]]) -> list[Change]:
    """The changes that write values at their places, making the parents that are missing. Raises InputError."""
    changes: list[Change] = []
    for keys, value in assignments:
        made = _assign(document, keys, value)
        document = apply(document, made)
        changes += made
    return changes


def _assign(document: JsonObject, keys: Path, value: Json) -> list[Change]:
    place, room = make_room(document, keys)
    _refuse_too_deep(value, place, len(place))
    there = get(apply(document, room), place)
    if there is not MISSING and same(there, value):
        return room
    return [*room, Change("add" if there is MISSING else "replace", place, value)]


def _refuse_too_deep(value: Json, place: Path, depth: int) -> None:
    if is_deeper(value, MAX_DEPTH - depth):
        raise InputError(f"the value for {show_path(place)} would be nested deeper than {MAX_DEPTH} levels there")
