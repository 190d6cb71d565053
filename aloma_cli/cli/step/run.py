"""`aloma step run`"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Annotated

from aloma_cli.api.fire import fire
from aloma_cli.cli import options
from aloma_cli.cli.option_groups import Models
from aloma_cli.cli.output import put, put_json, say, visible_record
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.step.describe import step_named
from aloma_cli.cli.task_data import read_data
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.connectors.chat.completion import content_of, message_of
from aloma_cli.content.step import Step
from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import Json, JsonObject, dumps, show_path
from aloma_cli.record import events as ev
from aloma_cli.record.codec import to_wire
from aloma_cli.record.states import STATES
from aloma_cli.record.tree import ASKS
from aloma_cli.view.changes import is_bookkeeping, operation_text
from aloma_cli.view.format import clean, error_text, plural
from aloma_cli.view.prompts import readable, tool_call_text


def run(
    name: Annotated[str, Argument("NAME", "The name of the step.", "step")],
    data: Annotated[str | None, Option(("-d",), "The document, a JSON object.", "JSON|@FILE|-")] = None,
    file: Annotated[str | None, Option(("--file", "-f"), "A .json or .yaml file with it.", "FILE|-")] = None,
    as_json: Annotated[bool, Option(("--json",), "Print what it did as JSON.")] = False,
    workspace: options.Workspace = None,
    *,
    models: Models,
) -> int:
    """
    \b
    Examples:
      aloma step run read -f examples/letter.json
      aloma step run answer -d '{"question": "Are you open?"}' --json

    Fires the step once, on a document of yours. No other step runs, and nothing is
    recorded. Model calls are real or simulated, as with `aloma task new`.
    Exit codes: 0 it ran, 1 it failed, 6 its condition does not hold.
    """
    document = read_data(data, file)
    home = load_workspace(workspace, models)
    notice = home.setup.check().notice
    step = step_named(home.steps, name)
    if notice and "connectors" in step.content.parameters:
        say(f"aloma: {notice}")
    events: list[ev.Event] = []
    asyncio.run(fire(home, step, document, events.append))
    done = _Done(step, document, events)
    put_json(done.to_json()) if as_json else done.tell()
    return done.code


class _Done:
    """What a step did in its one firing."""

    def __init__(self, step: Step, document: JsonObject, events: Iterable[ev.Event]) -> None:
        ends = (ev.Committed, ev.FiringLooked, ev.FiringFailed)
        events = list(events)
        self._step, self._document = step, document
        self._end = next((event for event in events if isinstance(event, ends)), None)
        self._calls = [event for event in events if isinstance(event, ev.CallAnswered)]
        self._asks = [event for event in events if isinstance(event, ev.CallSent) and event.call == ASKS]
        self._parked = any(isinstance(event, ev.FiringVoided) and event.again for event in events)
        self._logs = [event for event in events if isinstance(event, ev.Logged)]
        self._subtasks = [event for event in events if isinstance(event, ev.TaskCreated) and event.parent]

    @property
    def code(self) -> int:
        """The exit code."""
        if self._end is None:
            return STATES["question" if self._parked else "ignored"].exit_code
        return STATES["error" if isinstance(self._end, ev.FiringFailed) else "done"].exit_code

    def to_json(self) -> Json:
        """What `--json` prints."""
        return {
            "schema": 1,
            "step": self._step.name,
            "fired": self._end is not None,
            "missing": [str(mismatch) for mismatch in self._mismatches()],
            "seconds": self._end.seconds if self._end else 0.0,
            "calls": [visible_record(to_wire(call)) for call in self._calls],
            "logs": [{"level": log.level, "text": log.text} for log in self._logs],
            "subtasks": [{"name": one.name, "data": hide_stash(one.data)} for one in self._subtasks],
            "error": self._end.error if isinstance(self._end, ev.FiringFailed) else None,
            **self._committed_json(),
        }

    def _committed_json(self) -> JsonObject:
        kept = self._end if isinstance(self._end, ev.Committed) else None
        event = visible_record(to_wire(kept)) if kept else {}
        return {
            "changes": event.get("changes", []),
            "questions": event.get("asked", []),
            "completed": event.get("completed"),
        }

    def tell(self) -> None:
        """Print it for people: the change set on stdout, the rest on stderr."""
        for log in self._logs:
            say(f"  | {'' if log.level == 'info' else f'{log.level}: '}{log.text}")
        for call in self._calls:
            say(f"  > {clean(call.call)}: {_call_answer(call)}")
        match self._end:
            case ev.Committed():
                self._tell_commit(self._end)
            case ev.FiringLooked():
                say(f"aloma: {self._step.name} ran and changed nothing")
            case ev.FiringFailed():
                say(f"aloma: {self._step.name} failed: {clean(error_text(self._end.error))}")
                for frame in self._end.error.get("trace", ())[-1:]:
                    say(f"  {frame}")
                if self._end.error.get("hint"):
                    say(f"  → {clean(self._end.error['hint'])}")
            case None if self._parked:
                for asked in self._asks:
                    put(f"asks {clean(str((asked.arguments or {}).get('question')))}")
            case None:
                self._tell_missing()

    def _tell_commit(self, commit: ev.Committed) -> None:
        changes = [change for change in commit.changes if not is_bookkeeping(change)]
        for change in changes:
            put(" ".join(operation_text(change)))
        for child in self._subtasks:
            place = f" into {show_path(child.into)}" if child.into else ""
            put(f"subtask {clean(child.name)}{place}: {clean(dumps(hide_stash(child.data)))}")
        for asked in commit.asked:
            put(f"asks {clean(asked['question'])} into {show_path(tuple(asked['into']))}")
        if commit.completed is not None:
            put(f"completes with {clean(dumps(commit.completed.get('result', 'the document')))}")
        say(f"aloma: {self._step.name} made {plural(len(changes), 'change')}; nothing was recorded")

    def _tell_missing(self) -> None:
        if not self._step.enabled:
            say(f"aloma: {self._step.name} is disabled: its file sets `enabled = False`")
        else:
            say(f"aloma: the condition of {self._step.name} does not hold")
        for mismatch in self._mismatches():
            say(f"  {mismatch}")

    def _mismatches(self) -> Iterator[object]:
        return iter(()) if self._end else self._step.condition.mismatches(self._document)


def _call_answer(call: ev.CallAnswered) -> str:
    if call.error is not None:
        return clean(error_text(call.error))
    message = message_of(call.answer)
    if not message:
        return clean(dumps(readable(call.answer)))
    asked = message.get("tool_calls")
    called = map(tool_call_text, asked if isinstance(asked, list) else ())
    return clean("; ".join(filter(None, (content_of(call.answer), *called))))
