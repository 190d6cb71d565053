"""One journal line: a batch of events as JSON with a checksum of its own.

    {"seq":3,"events":[{"event":"committed",…}],"sum":"5d41402a"}

`sum` is the CRC-32 of the line's bytes before `,"sum"`, in eight hexadecimal digits. The first line also has
`format`, the version of the file format.
"""

from __future__ import annotations

import json
import zlib

from aloma_cli import events
from aloma_cli.jsontext import JsonObject, dumps
from aloma_cli.store.protocol import Batch

FORMAT = 1

_TAIL = len(',"sum":"00000000"}')


class BrokenLineError(ValueError):
    """The line does not hold what was written."""


class UnknownLineError(ValueError):
    """The line holds what was written, and this program does not know what that means."""


def encode(batch: Batch) -> bytes:
    """The batch as a line, with its newline."""
    record: JsonObject = {"seq": batch.seq}
    if batch.seq == 0:
        record["format"] = FORMAT
    record["events"] = [events.to_wire(event) for event in batch.events]
    body = dumps(record)[:-1].encode()
    return body + b',"sum":"%08x"}\n' % zlib.crc32(body)


def decode(line: bytes) -> Batch:
    """The batch of a line (with or without newline). Raises BrokenLineError, UnknownLineError."""
    line = line.rstrip(b"\n")
    body, tail = line[:-_TAIL], line[-_TAIL:]
    if tail != b',"sum":"%08x"}' % zlib.crc32(body):
        raise BrokenLineError("its checksum does not fit")
    # The checksum vouches for the text, so the plain parser will do.
    record: JsonObject = json.loads(body + b"}")
    if record.get("format", FORMAT) != FORMAT:
        raise UnknownLineError(f"it has format {record['format']}, and this program reads format {FORMAT}")
    try:
        return Batch(record["seq"], tuple(map(events.from_wire, record["events"])))
    except (KeyError, TypeError) as error:
        raise UnknownLineError(f"it holds an event this program does not know ({error})") from None
