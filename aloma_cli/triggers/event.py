"""An event, and the task that a trigger makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.api.once import create_once
from aloma_cli.api.orders import starting
from aloma_cli.api.queue import leave_to_worker
from aloma_cli.clock import to_iso
from aloma_cli.document.reserved import VIA
from aloma_cli.document.template import fill, fill_text
from aloma_cli.errors import InputError
from aloma_cli.jsontext import Json, JsonObject, cut

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.loader.triggers import TriggerConfig

LONGEST_NAME = 200
"""Characters of a name or a tag that is made of an event."""

_PATIENCE = 1.0
"""The most seconds for which all else waits while another worker makes the same task."""


class TriggerEvent(NamedTuple):
    """Something that happened. `body`: what templates name as `event`. `key`: its identity, if its kind knows one.

    `via`: what the task's `$via` has besides the trigger and the time.
    """

    body: JsonObject
    key: str | None = None
    via: Mapping[str, Json] = MappingProxyType({})


class Order(NamedTuple):
    """The task that an event is to make; there is one task with a `key`."""

    name: str
    data: JsonObject
    tags: tuple[str, ...]
    key: str | None


class MadeTask(NamedTuple):
    """The task of an event; `new` is false if an earlier event with the same key made it."""

    task: str
    new: bool


def order_for(config: TriggerConfig, event: TriggerEvent, at: float) -> Order:
    """What a trigger makes of an event at this time. Raises InputError where a template does not fit the event."""
    data = fill(config.data, event.body)
    via = {"trigger": config.name, "kind": config.kind, "at": to_iso(at), **event.via}
    key = event.key if config.key is None else fill_text(config.key, event.body)
    if key is not None and not key.strip():
        raise InputError(f"the key of trigger {config.name} is empty for this event")
    return Order(
        name=_one_line(fill_text(config.task, event.body)) or config.name,
        data={**data, VIA: via},
        tags=tuple(filter(None, (_one_line(fill_text(tag, event.body)) for tag in config.tags))),
        key=None if key is None else key_of(config, key),
    )


def key_of(config: TriggerConfig, key: str) -> str:
    """The key of a task, which no other trigger shares."""
    return f"trigger {config.name}\n{key}"


def make(home: Workspace, order: Order) -> MadeTask:
    """Make the task, for a worker to run, unless there is one with its key. Raises as `Workspace.create`."""
    name, data, tags, key = order
    made = (
        home.create(name, data, tags=tags)
        if key is None
        else create_once(home, key, name, data, tags, patience=_PATIENCE)
    )
    if isinstance(made, str):
        return MadeTask(made, new=False)
    leave_to_worker(home, made.event.task, starting(home.setup, {}), made.claim)
    return MadeTask(made.event.task, new=True)


def _one_line(text: str) -> str:
    return cut(" ".join("".join(sign if sign.isprintable() else " " for sign in text).split()), LONGEST_NAME)
