"""Who wrote a value, in words and as JSON."""

from __future__ import annotations

from aloma_cli.explain.ledger import Ledger, Writing
from aloma_cli.jsontext import JsonObject, show_path
from aloma_cli.record.events import TaskCreated
from aloma_cli.record.who import person


def words(ledger: Ledger, wrote: Writing | None) -> str:
    """`ship (entry 3)`, `the payload`, `a person (entry 4)`, `subtask Ada (entry 5)`, `nobody`."""
    if wrote is None:
        return "nobody"
    event, entry = wrote.event, f" (entry {wrote.entry})"
    if isinstance(event, TaskCreated):
        maker = ledger.maker_of(event.task)
        return "the payload" if maker is None else f"the payload, from {maker.step}"
    if event.by == "firing":
        return f"{event.step}{entry}"
    if event.by == "landing":
        child = ledger.tree.tasks.get(event.child or "")
        return f"subtask {child.name if child else event.child}{entry}"
    if event.by == "person":
        return f"{person(event.who)}{entry}"
    return f"{'the default answer' if event.answers else 'the engine'}{entry}"


def to_json(ledger: Ledger, wrote: Writing | None) -> JsonObject | None:
    """`by`, `task`, `entry`, `version`, `at`, and where they apply `step`, `firing`, `child`, `who`, `words`."""
    if wrote is None:
        return None
    event = wrote.event
    is_payload = isinstance(event, TaskCreated)
    told: JsonObject = {
        "by": "payload" if isinstance(event, TaskCreated) else event.by,
        "words": words(ledger, wrote),
        "task": event.task,
        "entry": wrote.entry,
        "version": wrote.version,
        "at": event.at,
    }
    more = {} if is_payload else {key: getattr(event, key) for key in ("step", "firing", "child", "who")}
    return told | {key: value for key, value in more.items() if value is not None}


def place(wrote: Writing) -> str:
    """Where a commit wrote first: `order.paid (+2)`."""
    paths = [show_path(change.path) for change in wrote.changes]
    more = f" (+{len(paths) - 1})" if len(paths) > 1 else ""
    return f"{paths[0]}{more}" if paths else "nothing"
