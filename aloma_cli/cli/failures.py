"""The failed steps of a task: the error, its place in the files of the workspace, and what to do about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aloma_cli.api.task import Task
from aloma_cli.jsontext import JsonObject, printable
from aloma_cli.record.calls import CallCount, RecordedCall, failing_call
from aloma_cli.record.events import FiringFailed
from aloma_cli.view.entries import call_command
from aloma_cli.view.format import clean, error_text, value_text


def failures(task: Task, root: Path | None = None) -> Iterable[str]:
    """The lines for each unhandled error, and how to continue; none if there is no error.

    With `root`, the workspace, of the frames only the innermost one in one of its files.
    """
    record = task.record
    last = _last_failures(task) if record["errors"] else {}
    for step, error in record["errors"].items():
        yield f"error in {clean(step)}: {clean(error_text(error)) if isinstance(error, dict) else value_text(error)}"
        failure, call = last.get(step, ({}, None))
        if root is None:
            yield from (f"  {line}" for line in _inner(failure))
        frames = _listed(failure, "trace", str)
        shown = frames if root is None else _innermost(frames, root)
        yield from (f"  {printable(line)}" for frame in shown for line in frame.splitlines())
        if failure.get("hint"):
            yield f"  → {clean(failure['hint'])}"
        if call is not None:
            yield f"  → to see what it asked and got: {call}"
    if record["errors"] and not record["closed"]:
        yield f"after fixing it: aloma task resume {record['id']}"


def _inner(failure: JsonObject) -> Iterable[str]:
    """The notes, parts and causes of an error."""
    yield from (f"note: {clean(note)}" for note in _listed(failure, "notes", str))
    causes = [cause] if isinstance(cause := failure.get("cause"), dict) else []
    for word, inner in [
        *(("part", part) for part in _listed(failure, "parts", dict)),
        *(("cause", one) for one in causes),
    ]:
        at = f" ({clean(str(inner['place']))})" if inner.get("place") else ""
        yield f"{word}: {clean(error_text(inner))}{at}"
        yield from (f"  {line}" for line in _inner(inner))


def _listed(failure: JsonObject, name: str, kind: type) -> list[Any]:
    """A list of an error; a record that came from elsewhere may have anything there."""
    found = failure.get(name)
    return [one for one in found if isinstance(one, kind)] if isinstance(found, list | tuple) else []


def _innermost(frames: Sequence[str], root: Path) -> Sequence[str]:
    own = [frame for frame in frames if f'"{root}/' in frame]
    return own[-1:] or frames[-1:]


def _last_failures(task: Task) -> dict[str, tuple[JsonObject, str | None]]:
    """The last error of each step, and the command that shows the call that failed.

    The journal has more of an error than the document: frames, and a hint.
    """
    failed: dict[str, FiringFailed] = {}
    count, calls = CallCount(), defaultdict[int, list[RecordedCall]](list)
    for event in task.tree_journal:
        call = count.take(event)
        if call is not None:  # also after its firing, if that ended before the call did
            calls[call.firing].append(call)
        if isinstance(event, FiringFailed) and event.task == task.id:
            failed[event.step] = event
    for call in count.unanswered():
        calls[call.firing].append(call)
    return {step: (event.error, _command(event, calls[event.firing])) for step, event in failed.items()}


def _command(event: FiringFailed, calls: list[RecordedCall]) -> str | None:
    failing = failing_call(event.error, calls)
    return None if failing is None else call_command(event.task, failing)
