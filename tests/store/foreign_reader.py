"""A reader of journals, written from `docs/format.md` alone: it imports nothing of aloma's."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any


def batches(path: Path) -> Any:
    lines = path.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines):
        body, comma, tail = line.rpartition(b',"sum":"')
        whole = line.endswith(b"\n") and comma and tail == b'%08x"}\n' % zlib.crc32(body)
        if not whole and number == len(lines) - 1:
            return
        record = json.loads(body + b"}")
        assert whole, f"line {number} is damaged"
        assert record["seq"] == number, f"line {number} has the number {record['seq']}"
        assert number or record["format"] == 1, "another format"
        yield record["events"]


def patch(document: Any, operation: dict[str, Any]) -> Any:
    keys = [key.replace("~1", "/").replace("~0", "~") for key in operation["path"].split("/")[1:]]
    if not keys:
        return operation["value"]
    here = document
    for key in keys[:-1]:
        here = here[int(key) if isinstance(here, list) else key]
    last: Any = keys[-1]
    if isinstance(here, list):
        last = len(here) if last == "-" else int(last)
    if operation["op"] == "remove":
        del here[last]
    elif operation["op"] == "add" and isinstance(here, list):
        here.insert(last, operation["value"])
    else:
        here[last] = operation["value"]
    return document


def read(path: Path) -> dict[str, dict[str, Any]]:
    tasks: dict[str, dict[str, Any]] = {}
    for event in (event for batch in batches(path) for event in batch):
        kind, task = event["event"], tasks.get(event["task"], {})
        if kind == "task_created":
            task = {"data": event["data"], "disarmed": set(), "flying": {}, "rest": None, "result": None}
            tasks[event["task"]] = task
        elif kind == "firing_started":
            task["disarmed"].add(event["step"])
            task["flying"][event["firing"]] = event["step"]
        elif kind == "committed":
            for operation in event.get("changes", []):
                task["data"] = patch(task["data"], operation)
            task["result"] = event.get("completed") if task["result"] is None else task["result"]
        ends = kind in ("committed", "firing_looked", "firing_failed", "firing_voided") and not event.get("again")
        if ends and "firing" in event:
            task["flying"].pop(event["firing"])
        armed = event.get("armed", []) if kind == "committed" else event.get("steps", [])
        itself = event.get("armed") is True or event.get("reason") == "superseded"
        task["disarmed"].difference_update([event["step"]] if itself else armed)
        wakes = kind in ("firing_started", "committed", "steps_armed", "tree_resumed")
        if kind == "task_rested" or (wakes and task["rest"] and not task["rest"].get("closed")):
            task["rest"] = event if kind == "task_rested" else None
    return tasks
