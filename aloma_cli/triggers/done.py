"""The trigger `done`: a task after the end of another one."""

from __future__ import annotations

import fnmatch

from aloma_cli.clock import from_iso, to_iso
from aloma_cli.document.reserved import RESERVED, VIA
from aloma_cli.errors import AlomaError, InputError
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.triggers.event import TriggerEvent
from aloma_cli.triggers.trigger import Trigger

LONGEST_CHAIN = 10
"""How many tasks may follow one another by triggers of this kind."""


class Done:
    """Takes the records of tasks. What ended before the trigger existed is passed over."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger
        self._since: float | None = None
        self._fired = False
        self._again: list[JsonObject] = []

    def see(self, record: JsonObject) -> None:
        """Make a task if this record is of one that has ended as the trigger wants it."""
        if not self._wants(record) or from_iso(record["updated_at"]) <= self.begin():
            return
        try:
            self.trigger.offer(self.event(record))
            self._fired = True
        except InputError as error:
            self.trigger.failed(error)
        except AlomaError as error:
            self._again.append(record)
            self.trigger.failed(error)

    def seen(self, at: float) -> None:
        """All ends up to this time (seconds since 1970) were seen."""
        again, self._again = self._again, []
        for record in again:
            self.see(record)
        if self._fired and not self._again and at > self.begin():
            self.trigger.note(until=to_iso(at))
            self._fired = False

    def example(self) -> TriggerEvent:
        """The event of the newest task that has ended as the trigger wants it, or of one that does not exist."""
        store = self.trigger.home.store
        for root in store.newest_first().ids:
            record = store.record(root)
            if record is not None and self._wants(record):
                return self.event(record)
        body: JsonObject = {
            "id": "0" * 16,
            "name": "A task",
            "state": "done",
            "tags": [],
            "result": None,
            "errors": {},
            "data": {},
        }
        return TriggerEvent(body, via={"task": body["id"], "depth": 1})

    def event(self, record: JsonObject) -> TriggerEvent:
        """The event of an end. Raises InputError where the chain of such tasks is too long."""
        data = self.trigger.home.task(record["id"]).data
        depth = _depth(data) + 1
        if depth > LONGEST_CHAIN:
            raise InputError(
                f"task {record['id']} is the last of {LONGEST_CHAIN} that followed one another by triggers"
            )
        body = {name: record[name] for name in ("id", "name", "state", "tags", "result", "errors")}
        body["data"] = {name: value for name, value in data.items() if name not in RESERVED}
        return TriggerEvent(body, f"{record['id']} {record['updated_at']}", {"task": record["id"], "depth": depth})

    def _wants(self, record: JsonObject) -> bool:
        said = self.trigger.config.said
        return (
            record["state"] in said.get("state", ("done",))
            and ("tag" not in said or said["tag"] in record["tags"])
            and fnmatch.fnmatchcase(record["name"], said.get("name", "*"))
        )

    def begin(self) -> float:
        """The moment (seconds since 1970) after which ends count; the first call ever is that moment."""
        if self._since is None:
            noted = self.trigger.read().get("until")
            if noted is None:
                noted = to_iso(self.trigger.home.clock.now())
                self.trigger.note(until=noted)
            self._since = from_iso(noted)
        return self._since


def _depth(data: JsonObject) -> int:
    """How many tasks came before this one by triggers."""
    via: Json = data.get(VIA)
    depth = via.get("depth", 0) if isinstance(via, dict) else 0
    return depth if isinstance(depth, int) else 0
