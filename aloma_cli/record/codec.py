"""Events as JSON, and a batch of them as one line of a journal with a checksum of its own.

    {"seq":3,"events":[{"event":"committed",…}],"sum":"5d41402a"}

`sum` is the CRC-32 of the line's bytes before `,"sum"`, in eight hexadecimal digits. The first line also has
`format`, the version of the file format.

Events that are read are checked at every depth for what their readers rely on. What a newer program of the same format
version added is ignored, and what has the wrong type is refused. Events are checked before they are written as well, so
that their writer can read them; but for those that are written most often and hold nothing that came from outside.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import MAXYEAR, datetime
from functools import cache, lru_cache, partial
from json.encoder import encode_basestring as _quoted
from operator import attrgetter
from types import UnionType
from typing import Any, NamedTuple, cast, get_origin, get_type_hints

from aloma_cli.budget import LIMITS
from aloma_cli.jsontext import Json, JsonError, JsonObject, dumps, escape_surrogates, kind_of, one_line, reload_line
from aloma_cli.record.batch import Batch
from aloma_cli.record.counts import sound_usage
from aloma_cli.record.events import KINDS, Committed, Event, FiringStarted
from aloma_cli.record.repeats import Call, Earlier, Repeats, UnknownBeginningError
from aloma_cli.record.states import STATES

FORMAT = 1

_TAIL = len(',"sum":"00000000"}')


class WireError(ValueError):
    """A JSON value is not a valid event of its kind."""


class UnknownEventError(ValueError):
    """An event has a kind that this program does not know."""


class BrokenLineError(ValueError):
    """The line is not as it was written."""


class UnknownLineError(ValueError):
    """The line is intact, but this program does not understand it."""


class WireType(NamedTuple):
    """What a value must be: of one of these types, its items or values of the type `inner`, its fields of theirs.

    Other fields are free, null too.
    """

    kinds: tuple[type, ...]
    inner: WireType | None = None
    fields: Mapping[str, WireType] | None = None


class FieldReader(NamedTuple):
    """How the field `name` of an event is written and read. `place`: its kind and name.

    `also`: what must hold besides its type. `plain`: a type that needs no test.
    """

    place: str
    name: str
    default: object
    wanted: WireType
    also: Callable[[Any], bool] | None
    is_tuple: bool
    plain: type | None


def encode(batch: Batch, repeats: Repeats | None = None) -> bytes:
    """The batch as a line, with its newline. Raises WireError, JsonError for an event that no reader would take.

    `repeats`: what the lines before hold, which is not written again.
    """
    start = f'{{"seq":{batch.seq},"format":{FORMAT}' if batch.seq == 0 else f'{{"seq":{batch.seq}'
    text = f'{start},"events":[{",".join([_event_text(event, repeats) for event in batch.events])}]'
    try:
        body = text.encode()
    except UnicodeEncodeError:
        body = escape_surrogates(text).encode()
    return body + b',"sum":"%08x"}\n' % zlib.crc32(body)


def _event_text(event: Event, repeats: Repeats | None) -> str:
    write = _FAST.get(type(event))
    if write is not None:
        try:
            text = write(event)
        except (TypeError, ValueError, RecursionError):
            text = None  # the slow way says what is wrong
        if text is not None:
            return text
    if repeats is None or not isinstance(event, Call):
        return checked_text(event)
    short, begins = repeats.short(event)
    text = checked_text(short)
    return f'{text[:-1]},"begins":{dumps(begins)}}}' if begins else text


def checked_text(event: Event) -> str:
    """The event as JSON text. Raises WireError, JsonError for an event that no reader would take."""
    text = f'{{"event":"{event.KIND}"'
    for key, reader, value in _set_fields(event):
        if type(value) is not reader.plain:
            _read_field(reader, value)
        write = _SCALARS.get(type(value), dumps)
        text += f',"{key}":{write(value)}'
    return text + "}"


def decode(line: bytes, earlier: Earlier | None = None) -> Batch:
    """The batch of a line (with or without newline). Raises BrokenLineError, UnknownLineError.

    `earlier`: what the lines before hold. Without it, lists in `arguments` may lack their beginnings.
    """
    line = line.rstrip(b"\n")
    body, tail = line[:-_TAIL], line[-_TAIL:]
    if tail != b',"sum":"%08x"}' % zlib.crc32(body):
        raise BrokenLineError("its checksum does not fit")
    try:
        # The checksum vouches for the text, so the plain parser will do.
        record = reload_line(str(body, "utf-8", "surrogatepass") + "}")
        return _read_record(record, earlier if b'"begins":' in body else None)
    except (JsonError, WireError, UnknownBeginningError, UnicodeDecodeError) as error:
        raise BrokenLineError(str(error)) from None
    except UnknownEventError as error:
        raise UnknownLineError(f"it holds an event that this program does not know ({error})") from None


def decode_readable(lines: Iterable[bytes]) -> Iterator[Event]:
    """The events of those lines of a damaged journal that can be read alone."""
    for line in lines:
        try:
            yield from decode(line).events
        except (BrokenLineError, UnknownLineError, ValueError):
            continue


def renamed(line: bytes, old: str, new: str) -> bytes:
    """The line (with its newline) with another task id of the same length, wherever it has the old one."""
    body = line[: -_TAIL - 1].replace(old.encode(), new.encode())
    return body + b',"sum":"%08x"}\n' % zlib.crc32(body)


def _read_record(record: Json, earlier: Earlier | None) -> Batch:
    if not isinstance(record, dict):
        raise WireError("it is not an object")
    if record.get("format", FORMAT) != FORMAT:
        raise UnknownLineError(f"it has format {record['format']}, and this program reads format {FORMAT}")
    seq, events = record.get("seq"), record.get("events")
    if type(seq) is not int or not isinstance(events, list):
        raise WireError("it has no number, or no list of events")
    return Batch(seq, tuple(map(from_wire if earlier is None else partial(_whole, earlier), events)))


def _whole(earlier: Earlier, wire: Json) -> Event:
    event = from_wire(wire)
    return earlier.whole(event, wire["begins"]) if "begins" in wire else event


def to_wire(event: Event) -> JsonObject:
    """The event as a JSON object: `event` (its kind) and the fields that differ from their default."""
    values = {key: list(value) if isinstance(value, tuple) else value for key, _, value in _set_fields(event)}
    return {"event": event.KIND, **values}


def _set_fields(event: Event) -> Iterator[tuple[str, FieldReader, Any]]:
    """The fields of an event that differ from their default, each with its key."""
    for key, reader in readers_of(event.KIND).items():
        value, default = getattr(event, reader.name), reader.default
        # An answer of 0 must not count as the default False.
        if value is not default and (type(value) is not type(default) or value != default):
            yield key, reader, value


def _started_text(event: FiringStarted) -> str:
    text = (
        f'{{"event":"firing_started","at":"{event.at}","task":"{event.task}","firing":{event.firing}'
        f',"step":{_quoted(event.step)},"version":{event.version}'
    )
    if event.attempt != 1:
        text += f',"attempt":{event.attempt}'
    if event.run != 1:
        text += f',"run":{event.run}'
    if event.continues is not None:
        text += f',"continues":{event.continues}'
    if event.condition:
        text += f',"condition":{_quoted(event.condition)}'
    if event.code:
        text += f',"code":{_quoted(event.code)}'
    return text + "}"


def _committed_text(event: Committed) -> str | None:
    """The text of a commit by a firing or a landing that asks its task for nothing but to be complete; else None."""
    if _rarely(event) != _RARELY or event.by not in ("firing", "landing") or type(event.seconds) is not float:
        return None
    text = f'{{"event":"committed","at":"{event.at}","task":"{event.task}","version":{event.version},"by":"{event.by}"'
    if event.changes:
        text += f',"changes":[{",".join(map(_change_text, event.changes))}]'
    if event.armed:
        text += f',"armed":[{",".join(map(_quoted, event.armed))}]'
    if event.firing is not None:
        text += f',"firing":{event.firing}'
    if event.step is not None:
        text += f',"step":{_quoted(event.step)}'
    if event.seconds:
        text += f',"seconds":{event.seconds!r}'
    if event.redo:
        text += ',"redo":true'
    if event.completed is not None:
        text += f',"completed":{one_line(event.completed)}'
    if event.child is not None:
        text += f',"child":"{event.child}"'
    if event.read:
        text += f',"read":[{",".join(map(_quoted, event.read))}]'
    return text + "}"


def _change_text(change: JsonObject) -> str:
    text = f'{{"op":"{change["op"]}","path":{_quoted(change["path"])}'
    if "value" not in change:
        return text + "}"
    value = change["value"]
    write = _SCALARS.get(type(value), one_line)
    return f'{text},"value":{write(value)}}}'


def from_wire(wire: Json) -> Event:
    """The event that `to_wire` wrote. Raises UnknownEventError, and WireError naming the field."""
    kind = wire.get("event") if isinstance(wire, dict) else None
    if not isinstance(kind, str):
        raise WireError("an event has no kind")
    readers = readers_of(kind)
    values: dict[str, Any] = {}
    for key, value in wire.items():
        reader = readers.get(key)
        if reader is not None:
            values[reader.name] = value if type(value) is reader.plain else _read_field(reader, value)
    try:
        return KINDS[kind](**values)
    except TypeError:
        required = (reader.name for reader in readers.values() if reader.default is MISSING)
        raise WireError(f"{kind} lacks {next(name for name in required if name not in values)}") from None


def _read_field(reader: FieldReader, value: Json) -> Any:
    if reader.is_tuple and isinstance(value, list):
        value = tuple(value)
    if reader.place == "call_answered.usage":
        value = sound_usage(value)
    if not fits(value, reader.wanted) or not (reader.also is None or reader.also(value)):
        raise WireError(f"{reader.place} has the wrong type ({kind_of(value)}), or something in it has")
    return value


@cache
def readers_of(kind: str) -> dict[str, FieldReader]:
    """How each field of a kind of events is read, by its name in the file format. Raises UnknownEventError."""
    if kind not in KINDS:
        raise UnknownEventError(kind)
    hints, readers = get_type_hints(KINDS[kind]), {}
    for field in fields(KINDS[kind]):
        name, place = field.name, f"{kind}.{field.name}"
        part, also = _PARTS.get(place), _is_time if name in _TIMES else _ODDITIES.get(place)
        wanted = _wire_type(hints[name], part)
        plain = None if part or also else next((one for one in (str, int, float) if one in wanted.kinds), None)
        reader = FieldReader(place, name, field.default, wanted, also, tuple in wanted.kinds, plain)
        readers[_KEYS.get((kind, name), name)] = reader
    return readers


def _wire_type(hint: Any, part: Mapping[str, Any] | None = None) -> WireType:
    """The type that `hint` names, in which an object has the fields of `part`."""
    if hint is Any:
        return WireType((object, bool))
    kinds: list[type] = []
    inner = fields = None
    for one in hint.__args__ if isinstance(hint, UnionType) else (hint,):
        match get_origin(one):
            case None:
                kinds += (int, float) if one is float else (one,)
            case origin if origin is dict:
                kinds.append(dict)
                fields = part and {name: _wire_type(each) for name, each in part.items()}
                inner = None if one.__args__[1] is Any else _wire_type(one.__args__[1])
            case _:
                kinds += (tuple, list)
                inner = _wire_type(one.__args__[0], part)
    return WireType(tuple(kinds), inner, fields)


def fits(value: Any, wanted: WireType) -> bool:
    """Whether a value has this type."""
    kinds, inner, fields = wanted
    if type(value) not in kinds and (isinstance(value, bool) or not isinstance(value, kinds)):
        return False
    if inner is not None and value:
        for one in value.values() if isinstance(value, dict) else value:
            if not fits(one, inner):
                return False
    if fields is not None and value is not None:
        for name in fields:
            if not fits(value.get(name), fields[name]):
                return False
    return True


@lru_cache(maxsize=256)  # the events of one turn have one time
def _is_time(value: str | None) -> bool:
    """Whether this is a time in ISO 8601, or no time. Times must be left that come after it."""
    try:
        return value is None or datetime.fromisoformat(value).year < MAXYEAR
    except ValueError:
        return False


def _keep_an_object(changes: Any) -> bool:
    """Whether these are changes of places in a document, and it is an object after them as well."""
    return all(
        change["path"][:1] == "/" or (change["path"] == "" and isinstance(change.get("value"), dict))
        for change in changes
    )


_KEYS = {("firing_looked", "rearmed"): "armed"}
"""The fields that have another name in the file format, which must never change."""

_TIMES = ("at", "retry_at", "parked_until", "expires_at")

_ANSWERING: Mapping[str, Any] = {
    "server": str | None,
    "model": str | None,
    "models": dict[str, str] | None,
    "responses": str | None,
    "delay": float | None,
    "with_key": bool | None,
    "key_check": str | None,
    "servers": dict[str, str] | None,
}

_WHO: Mapping[str, Any] = {"channel": str, "user": str | None, "to": str | None}

_PARTS: Mapping[str, Mapping[str, Any]] = {
    "committed.who": _WHO,
    "call_answered.who": _WHO,
    "call_released.who": _WHO,
    "steps_armed.who": _WHO,
    "task_created.answering": _ANSWERING,
    "answering_set.answering": _ANSWERING,
    "call_answered.error": {
        "type": str,
        "message": str,
        "retryable": bool,
        "status": int | None,
        "hint": str | None,
        "again": bool | None,
    },
    "call_answered.about": {
        "server": str | None,
        "provider": str | None,
        "model": str | None,
        "entry": str | None,
        "fallback": str | None,
        "instead_of": list[dict[str, Any]] | None,
    },
    "firing_failed.error": {
        "type": str,
        "message": str,
        "place": str | None,
        "hint": str | None,
        "misfits": list[str] | None,
        "retry_after": float | None,
    },
    "committed.changes": {"op": str, "path": str},
    "committed.settings": {
        "concurrency": int | None,
        "models": dict[str, str] | None,
        "retries": dict[str, int] | None,
    },
    "committed.asked": {"question": str, "into": list[str | int], "until": str | None},
    "limits_set.limits": {limit.name: int | None if limit.whole else float | None for limit in LIMITS},
    "task_rested.missing": {"step": str, "missing": list[str], "more": int},
    "task_rested.cycle": {"version": int, "step": str | None, "changes": list[dict[str, Any]]},
}
"""What readers look for inside of the fields that hold objects."""

_ODDITIES: Mapping[str, Callable[[Any], bool]] = {
    "committed.changes": _keep_an_object,
    "task_rested.state": STATES.__contains__,
}
"""What else must hold of a field that has the right type."""

_SCALARS: Mapping[type, Callable[[Any], str]] = {
    str: _quoted,
    int: int.__repr__,
    bool: lambda value: "true" if value else "false",
    type(None): lambda _: "null",
}
"""The text of values that need no encoder, because each use makes a new encoder."""

_OFTEN = "at task version by changes armed firing step seconds redo completed child read"
"""The fields of a commit that `_committed_text` writes."""

_rarely = attrgetter(*[field.name for field in fields(Committed) if f" {field.name} " not in f" {_OFTEN} "])
_RARELY = _rarely(Committed("", "", 0, ""))
"""The other fields, as they mostly are."""

_FAST = cast(
    "Mapping[type[Event], Callable[[Event], str | None]]", {FiringStarted: _started_text, Committed: _committed_text}
)
"""Of the events that are written most often: the same text in a fifth of the time."""
