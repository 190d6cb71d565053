"""What is told of a task that got nowhere: which steps led it back to where it had been."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aloma_cli.engine.cycles import MOST_LAPS, Lap
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import Committed

_MOST_SHOWN = 20
_MOST_NAMED = 4


def going_round(commits: Sequence[Committed], lap: Lap) -> dict[str, Any]:
    """`reason` and `cycle` of the event that ends the task."""
    return {"reason": _reason(commits, lap), "cycle": tuple(map(_leg, commits[:_MOST_SHOWN]))}


def _leg(commit: Committed) -> JsonObject:
    leg: JsonObject = {"version": commit.version, "step": commit.step, "changes": list(commit.changes)}
    return {**leg, "redo": True} if commit.redo else leg


def _reason(commits: Sequence[Committed], lap: Lap) -> str:
    names = [commit.step or "" for commit in commits]
    way = " → ".join([*names[:_MOST_NAMED], *(["…"] if len(names) > _MOST_NAMED else [])])
    requests = ", with the same requests" if lap.chances else ""
    return f"no progress: {way} led back to the same state {MOST_LAPS} times{requests}"
