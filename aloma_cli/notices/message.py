"""A notice as JSON, and as the text of a mail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import JsonObject, cut, dumps, text_or_json
from aloma_cli.notices.due import Occasion
from aloma_cli.record.tree import Tree

SCHEMA = 1

_LONGEST = 4000
_SUBJECT = 120


def message(
    tree: Tree, occasion: Occasion, workspace: str, errors: Mapping[str, JsonObject], link: str | None
) -> JsonObject:
    """The notice of an occasion. It does not hold the document.

    `errors`: the unhandled ones of the root, by step. `link`: of the page on which the question can be answered.
    """
    task, root = tree.tasks[occasion.task], tree.root
    told: JsonObject = {
        "schema": SCHEMA,
        "event": occasion.word,
        "workspace": workspace,
        "task": {"id": task.id, "name": root.name, "state": root.state, "tags": list(root.tags)},
        "simulated": root.total.simulated > 0,
    }
    if occasion.question is None:
        told["reason"] = root.rest.reason if root.rest is not None else None
        told["errors"] = [{"step": step, "message": str(one.get("message"))} for step, one in errors.items()]
        return told | {"show": f"aloma task show {task.id}"}
    asked = occasion.question
    shown = ("question", "into", "call", "schema", "context", "default", "until", "asked_at")
    told["question"] = {name: hide_stash(asked[name]) for name in shown if asked.get(name) is not None}
    told["answer"] = f"aloma task answer {asked['task']}"
    return told | ({"link": link} if link is not None else {})


def subject(told: JsonObject) -> str:
    """`Pay 480 EUR? (Ticket)`, `failed: Ticket`."""
    name = told["task"]["name"]
    text = f"{told['question']['question']} ({name})" if "question" in told else f"{told['event']}: {name}"
    return cut(" ".join(text.split()), _SUBJECT)


def text(told: JsonObject) -> str:
    """The notice as plain text."""
    return "\n".join(_body_lines(told)) + "\n"


def _body_lines(told: JsonObject) -> Iterator[str]:
    task = told["task"]
    yield told["question"]["question"] if "question" in told else f"The task {task['name']} is {task['state']}."
    yield ""
    if "question" in told:
        yield from _question_lines(told["question"])
    for name in ("link", "answer", "show"):
        if name in told:
            yield {"link": "Answer here: ", "answer": "Or type: ", "show": "To see it, type: "}[name] + told[name]
    if told.get("reason"):
        yield f"Reason: {told['reason']}"
    for error in told.get("errors") or ():
        yield f"{error['step']}: {error['message']}"
    yield ""
    yield f"Task {task['name']}, {task['id']}, workspace {told['workspace']}."
    if told["simulated"]:
        yield "Some model answers in this task were simulated."


def _question_lines(asked: JsonObject) -> Iterator[str]:
    context = asked.get("context")
    if isinstance(context, dict):
        yield from (f"{key}: {text_or_json(value)}" for key, value in context.items())
    elif context is not None:
        yield cut(text_or_json(context), _LONGEST)
    choices = (asked.get("schema") or {}).get("enum")
    if choices:
        yield f"Choices: {', '.join(map(text_or_json, choices))}"
    if asked.get("until"):
        yield f"If not answered by {asked['until']}: {dumps(asked.get('default'))}"
    yield ""
