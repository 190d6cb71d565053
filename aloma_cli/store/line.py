"""One journal line: a batch of events as JSON with a checksum of its own.

    {"seq":3,"events":[{"event":"committed",…}],"sum":"5d41402a"}

`sum` is the CRC-32 of the line's bytes before `,"sum"`, in eight hexadecimal digits. The first line also has
`format`, the version of the file format.
"""

from __future__ import annotations

import zlib

from aloma_cli.jsontext import Json, JsonError, JsonObject, dumps, reload
from aloma_cli.record.batch import Batch
from aloma_cli.record.events import Event, to_wire
from aloma_cli.record.wire import UnknownEventError, WireError, from_wire

FORMAT = 1

_TAIL = len(',"sum":"00000000"}')


class BrokenLineError(ValueError):
    """The line does not hold what was written."""


class UnknownLineError(ValueError):
    """The line holds what was written, and this program does not know what that means."""


def encode(batch: Batch) -> bytes:
    """The batch as a line, with its newline. Raises WireError for an event that no reader would take."""
    record: JsonObject = {"seq": batch.seq}
    if batch.seq == 0:
        record["format"] = FORMAT
    record["events"] = [to_wire(event) for event in batch.events]
    _read_events(record["events"])
    body = dumps(record)[:-1].encode()
    return body + b',"sum":"%08x"}\n' % zlib.crc32(body)


def decode(line: bytes) -> Batch:
    """The batch of a line (with or without newline). Raises BrokenLineError, UnknownLineError."""
    line = line.rstrip(b"\n")
    body, tail = line[:-_TAIL], line[-_TAIL:]
    if tail != b',"sum":"%08x"}' % zlib.crc32(body):
        raise BrokenLineError("its checksum does not fit")
    try:
        # The checksum vouches for the text, so the plain parser will do.
        return _read_record(reload(body + b"}"))
    except (JsonError, WireError) as error:
        raise BrokenLineError(str(error)) from None
    except UnknownEventError as error:
        raise UnknownLineError(f"it holds an event that this program does not know ({error})") from None


def _read_record(record: Json) -> Batch:
    match record:
        case {"format": version} if version != FORMAT:
            raise UnknownLineError(f"it has format {version}, and this program reads format {FORMAT}")
        case {"seq": int(seq), "events": list(events)} if not isinstance(seq, bool):
            return Batch(seq, _read_events(events))
    raise WireError("it has no number, or no list of events")


def _read_events(wires: list[JsonObject]) -> tuple[Event, ...]:
    return tuple(map(from_wire, wires))
