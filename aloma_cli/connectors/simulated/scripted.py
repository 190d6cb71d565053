"""Scripted answers: `responses/<step>.json` in a workspace. `docs/responses.md` describes the files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aloma_cli.clock import DURATION, is_duration
from aloma_cli.condition import compile_condition
from aloma_cli.errors import ConditionError, ConfigError, did_you_mean
from aloma_cli.jsontext import Json, JsonError, JsonObject, kind_of, loads
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.condition import Condition

_REPLY_KEYS = ("answer", "tool_calls", "error")
_ENTRY_KEYS = ("when", *_REPLY_KEYS, "calls", "delay")


@dataclass(frozen=True, slots=True)
class Error:
    """A scripted failure, as if a server had answered with this HTTP status."""

    status: int
    message: str


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """A turn in which the model calls tools: each is an object with `name` and `arguments`."""

    calls: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one call, after `delay` seconds.

    `content`: an object to be completed, a raw string, calls of tools, or an error.
    """

    content: JsonObject | str | ToolCalls | Error
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class ScriptEntry:
    """One entry of a file. Its k-th call gets the k-th of `replies`, the last one repeats. `name` is `FILE#INDEX`."""

    name: str
    when: Condition | None
    replies: tuple[Reply, ...]


class Scripts:
    """The scripted answers of a workspace. `used` counts, by the entry's name, the calls answered before.

    Raises ConfigError, naming file and entry, for an invalid file.
    """

    def __init__(self, folder: Path, used: Mapping[str, int]) -> None:
        self._used = Counter(used)
        self._entries = {
            file.relative_to(folder).with_suffix("").as_posix(): _load(file, folder)
            for file in sorted(folder.rglob("*.json"))
        }

    @property
    def steps(self) -> frozenset[str]:
        """The names of the steps that have a file."""
        return frozenset(self._entries)

    def next_reply(self, step: str, document: JsonObject) -> tuple[str, Reply] | None:
        """The entry's name and the reply for the next call of `step`; None if no entry applies."""
        for entry in self._entries.get(step, ()):
            if entry.when is None or entry.when.matches(document):
                reply = entry.replies[min(self._used[entry.name], len(entry.replies) - 1)]
                self._used[entry.name] += 1
                return entry.name, reply
        return None


def _load(file: Path, folder: Path) -> tuple[ScriptEntry, ...]:
    name = file.relative_to(folder).as_posix()
    try:
        entries = loads(file.read_bytes())
    except JsonError as error:
        raise ConfigError(f"{file}: {error}") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    if not isinstance(entries, list):
        raise ConfigError(f"{file} contains a JSON {kind_of(entries)}, not a list of answers")
    return tuple(_entry(entry, f"{name}#{index}", f"{file}, entry {index}") for index, entry in enumerate(entries))


def _entry(entry: Json, name: str, place: str) -> ScriptEntry:
    _check_keys(entry, _ENTRY_KEYS, place)
    if "calls" in entry:
        if set(entry) & set(_REPLY_KEYS) or not isinstance(entry["calls"], list) or not entry["calls"]:
            raise ConfigError(f"{place}: `calls` must be a list of replies, with no other reply beside it")
        calls = [_reply(reply, f"{place}, call {call}", entry) for call, reply in enumerate(entry["calls"])]
    else:
        calls = [_reply({key: entry[key] for key in entry if key in _REPLY_KEYS}, place, entry)]
    return ScriptEntry(name, _when(entry, place), tuple(calls))


def _when(entry: JsonObject, place: str) -> Condition | None:
    if "when" not in entry:
        return None
    try:
        return compile_condition(entry["when"], name="when")
    except ConditionError as error:
        raise ConfigError(f"{place}: {error}", hint=error.hint) from None


def _reply(reply: Json, place: str, entry: JsonObject) -> Reply:
    _check_keys(reply, (*_REPLY_KEYS, "delay"), place)
    delay = reply.get("delay", entry.get("delay"))
    if delay is not None and not is_duration(delay):
        raise ConfigError(f"{place}: `delay` must be {DURATION}, not {delay!r}")
    if "tool_calls" in reply and not {"answer", "error"} & reply.keys():
        return Reply(_tool_calls(reply["tool_calls"], place), delay)
    match reply.get("answer"), reply.get("error"):
        case dict() | str() as answer, None:
            return Reply(answer, delay)
        case None, {"status": int(status), "message": str(message)} if 400 <= status <= 599:
            return Reply(Error(status, message), delay)
        case None, dict() as error:
            raise ConfigError(f'{place}: {error!r} is not an error; write {{"status": 429, "message": "..."}}')
    raise ConfigError(f"{place}: it needs one `answer` (an object or a string), one `tool_calls` or one `error`")


def _tool_calls(calls: Json, place: str) -> ToolCalls:
    if not isinstance(calls, list) or not calls or not all(map(_is_tool_call, calls)):
        raise ConfigError(
            f"{place}: `tool_calls` must be a list of calls",
            hint='write each as {"name": "look_up", "arguments": {"customer": "Acme"}}',
        )
    return ToolCalls(tuple(calls))


def _is_tool_call(call: Json) -> bool:
    return isinstance(call, dict) and isinstance(call.get("name"), str) and call.keys() <= {"name", "arguments"}


def _check_keys(entry: Any, known: tuple[str, ...], place: str) -> None:
    if not isinstance(entry, dict):
        raise ConfigError(f"{place}: an entry is an object, not {kind_of(entry)}")
    for key in entry:
        if key not in known:
            raise ConfigError(f"{place}: unknown key {key!r}", hint=did_you_mean(key, known))
