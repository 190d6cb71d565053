"""`aloma task blame`"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from aloma_cli.api.explaining import question
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import for_people, put, put_json, result
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task.task_id import task_id_with
from aloma_cli.cli.workspaces import load_asked, open_records
from aloma_cli.document.paths import MISSING
from aloma_cli.document.stash import hide_stash
from aloma_cli.errors import InputError
from aloma_cli.explain import writers
from aloma_cli.explain.blame import BlameResult, Cause, blame
from aloma_cli.jsontext import cut, show_path
from aloma_cli.record.events import CallAnswered, Committed
from aloma_cli.record.figures import Figures
from aloma_cli.view.format import clean, clock_time, money, value_text
from aloma_cli.view.terminal import size_of
from aloma_cli.view.theme import Glyphs, branches, glyphs_for

_LONGEST = 60
_LONGEST_PROMPT = 120
_LEAST = 8
_WIDE = 10_000


def trace(
    task: options.TaskId = None,
    path: Annotated[str | None, Argument("PATH", "The place of a value, such as order.total.", "place")] = None,
    entry: Annotated[int | None, Option(("--entry",), "As of entry N of `aloma task log`.", "N")] = None,
    depth: Annotated[int | None, Option(("--depth",), "How many firings to go back (default: 12).", "N", min=1)] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the tree as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task blame @last order.total
      aloma task blame 01jd3k report.summary --depth 3
      aloma task blame @last report --json | jq .cost

    Shows which firing wrote a value, with its model calls and their prices, and what that
    firing started from, back to the payload. The tree crosses subtasks.
    """
    found = task_id_with(open_records(workspace)[0], task, path, "blame", "PATH")
    if not path:
        raise InputError("a path needs at least one key", hint="run `aloma task blame ID PATH`")
    told = blame(question(load_asked(workspace), found), path, entry, depth=depth or 12)
    if as_json:
        put_json(told.to_json())
        return exit_codes.DONE
    for line in _cause_lines(told):
        put(line)
    return exit_codes.DONE


def _cause_lines(told: BlameResult) -> Iterator[str]:
    glyphs = glyphs_for(result().encoding)
    value = "removed" if told.value is MISSING else value_text(hide_stash(told.value, told.path), _LONGEST)
    cost = f"   (cost {money(told.cost)})" if told.cost else ""
    yield f"{clean(show_path(told.path))} = {value}{cost}"
    room = size_of(result()).room if for_people() else _WIDE
    for line in _cause_tree(told, told.causes, told.task, "", glyphs, room):
        yield cut(line, room)


def _cause_tree(
    told: BlameResult, causes: list[Cause], task: str, indent: str, glyphs: Glyphs, room: int
) -> Iterator[str]:
    for cause, start, below in branches(causes, indent, glyphs):
        yield f"{start}{_cause_headline(told, cause, task, glyphs, room - len(start))}"
        stem = f"{below}{glyphs.bar if cause.inputs else '  '}"
        yield from (f"{stem}{_call_line(*call)}" for call in cause.calls)
        if cause.cut:
            yield f"{below}  {glyphs.ellipsis} further back: aloma task blame {_deeper(cause)}"
        yield from _cause_tree(told, cause.inputs, cause.task, below, glyphs, room)


def _cause_headline(told: BlameResult, cause: Cause, task: str, glyphs: Glyphs, room: int) -> str:
    """`order.total = 120   ← price (entry 1), 10:12:05`: in `room` columns the value is cut, not who wrote it."""
    wrote, ledger = cause.wrote, told.ledger
    inside = f"[{clean(ledger.tree.tasks[cause.task].name)}] " if cause.task != task else ""
    shown = f" = {glyphs.ellipsis if cause.value is MISSING else value_text(cause.value, _LONGEST)}"
    if cause.question is not None:
        shown = f": {value_text(cause.question, _LONGEST)}"
    who = writers.words(ledger, wrote)
    when = "" if wrote is None else f", {clock_time(wrote.event.at)}"
    answered = wrote is not None and isinstance(wrote.event, Committed) and wrote.event.answers
    what = " answered" if answered else " asked" if cause.question is not None else ""
    again = " (shown above)" if cause.again else ""
    author = f"   ← {clean(who)}{what}{when}{again}"
    return f"{cut(f'{inside}{clean(show_path(cause.path))}{shown}', max(_LEAST, room - len(author)))}{author}"


def _call_line(number: int, call: CallAnswered) -> str:
    """`> call 3: openai.chat gpt-4, 120 tokens in, 30 out, $0.0123: "Name: Ada…"`"""
    usage = Figures.of(call)
    said = [
        str((call.about or {}).get("model") or call.arguments.get("model") or ""),
        f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out" if usage.tokens else "",
        money(usage.cost) if usage.cost else "",
        "simulated" if usage.simulated else "",
        "failed" if call.error is not None else "",
    ]
    prompt = _prompt(call)
    told = f": {value_text(prompt, _LONGEST_PROMPT)}" if prompt else ""
    name = f"{call.call} {', '.join(filter(None, said))}".rstrip()
    return f"> call {number}: {name}{told}"


def _prompt(call: CallAnswered) -> str:
    """The last message of a model call, or the address of a request."""
    messages = call.arguments.get("messages")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        content = messages[-1].get("content")
        return content if isinstance(content, str) else ""
    url = call.arguments.get("url")
    return url if isinstance(url, str) else ""


def _deeper(cause: Cause) -> str:
    entry = 0 if cause.wrote is None else cause.wrote.entry
    return f"{cause.task} {clean(show_path(cause.path))} --entry {entry}"
