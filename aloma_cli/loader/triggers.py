"""The `triggers:` section of `aloma.yaml`: what starts tasks by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aloma_cli.document.reserved import RESERVED
from aloma_cli.document.template import ROOT, check_template
from aloma_cli.errors import InputError, did_you_mean
from aloma_cli.jsontext import JsonObject
from aloma_cli.loader.layout import NAME
from aloma_cli.loader.settings import Setting, Table, json_value, list_of, one_of, positive, section, text, whole
from aloma_cli.record.states import ENDINGS
from aloma_cli.values import dataclass

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_EVENT: JsonObject = {ROOT: f"{{{ROOT}}}"}
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class TriggerConfig:
    """One trigger. `kind`: a word in KINDS. `said`: the settings of that kind.

    `task`, `data`, `tags` and `key` are templates over the event (`document/template.py`) for the task that it makes.
    Without a `key` each event is a new one, or has the key that its kind knows. `place`: where it is written.
    """

    name: str
    kind: str
    said: Mapping[str, Any]
    task: str
    data: JsonObject
    tags: tuple[str, ...]
    key: str | None
    place: Setting

    def setting(self, key: str) -> Setting:
        """The setting `key` of its kind, to raise an error at; the trigger itself where it is not written."""
        kind = dict(self.place.items())[self.kind]
        return dict(kind.items()).get(key, kind) if kind.node.id == "mapping" else kind


def triggers(entry: Setting) -> tuple[TriggerConfig, ...]:
    """Raises ConfigError. What needs an extra to be checked, or the disk, is checked when the trigger is opened."""
    return tuple(_trigger(name, item) for name, item in entry.items())


def _trigger(name: str, entry: Setting) -> TriggerConfig:
    if not _NAME.fullmatch(name):
        raise entry.error("is not a valid name for a trigger", hint="use up to 64 letters, digits, _ and -")
    said = section(entry, _TRIGGER)
    kinds = [kind for kind in KINDS if kind in said]
    if len(kinds) != 1:
        problem = "has no kind" if not kinds else f"has the kinds {' and '.join(kinds)}"
        raise entry.error(problem, hint=f"give it one of: {', '.join(KINDS)}")
    return TriggerConfig(
        name=name,
        kind=kinds[0],
        said=said[kinds[0]],
        task=said.get("task", name),
        data=said.get("data", _EVENT),
        tags=said.get("tags", ()),
        key=said.get("key"),
        place=entry,
    )


def _kind_settings(table: Table, shorthand: str) -> Callable[[Setting], dict[str, Any]]:
    """The settings of a kind; a plain value is that of `shorthand`, which must not be missing."""

    def check(entry: Setting) -> dict[str, Any]:
        if entry.node.id != "mapping":
            return _stands_for(entry, table, shorthand)
        said = section(entry, table)
        if shorthand and shorthand not in said:
            raise entry.error(f"needs `{shorthand}`")
        return said

    return check


def _stands_for(entry: Setting, table: Table, key: str) -> dict[str, Any]:
    """The settings that a plain value stands for."""
    reader = table.get(key)
    if not callable(reader):
        raise entry.mistaken("a mapping")
    return {key: reader(entry)}


def _template(check: Callable[[Setting], _Value]) -> Callable[[Setting], _Value]:
    def checked(entry: Setting) -> _Value:
        value = check(entry)
        _check_template(entry, value)
        return value

    return checked


def _check_template(entry: Setting, value: Any) -> None:
    try:
        check_template(list(value) if isinstance(value, tuple) else value)
    except InputError as error:
        raise entry.error(f"is not a valid template: {error}", hint=error.hint) from None


def _data(entry: Setting) -> JsonObject:
    data: JsonObject = {}
    for name, item in entry.items():
        if name in RESERVED:
            raise item.error("is a field of the engine", hint="`$via` is set by the trigger; leave it out")
        data[name] = _template(json_value)(item)
    return data


def _secret(entry: Setting) -> str:
    value = text(entry)
    if not NAME.fullmatch(value):
        # It may be the secret itself, so messages do not show it.
        raise entry.error("must be the name of a secret", hint="use a name such as ORDERS_SECRET, never the value")
    return value


def _header(entry: Setting) -> str:
    value = text(entry)
    if not re.fullmatch(r"[A-Za-z0-9-]+", value):
        raise entry.mistaken("the name of a header, such as X-Hub-Signature-256")
    return value.lower()


def _state(entry: Setting) -> str:
    state = text(entry)
    if state not in ENDINGS:
        hint = did_you_mean(state, ENDINGS) or f"use one of: {', '.join(ENDINGS)}"
        raise entry.error(f"is {state!r}, which is not the state of a task that has ended", hint=hint)
    return state


def _states(entry: Setting) -> tuple[str, ...]:
    return list_of(_state)(entry) if entry.node.id == "sequence" else (_state(entry),)


KINDS: dict[str, Callable[[Setting], dict[str, Any]]] = {
    "cron": _kind_settings({"at": text, "timezone": text, "missed": one_of("once", "skip")}, "at"),
    "files": _kind_settings(
        {
            "folder": text,
            "match": text,
            "by": one_of("content", "time"),
            "read": one_of("text", "json"),
            "settle": positive("seconds"),
        },
        "folder",
    ),
    "webhook": _kind_settings(
        {"secret": _secret, "header": _header, "signature": one_of("sha256"), "per_minute": whole(1)}, "secret"
    ),
    "done": _kind_settings({"state": _states, "tag": text, "name": text}, ""),
}
"""The kinds of triggers, and how the settings of each are read."""

_TRIGGER: Table = {
    **KINDS,
    "task": _template(text),
    "data": _data,
    "tags": _template(list_of(text)),
    "key": _template(text),
}
