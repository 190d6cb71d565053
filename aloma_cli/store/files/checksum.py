"""The checksum of a line of the journal, and of what is published."""

from __future__ import annotations

from zlib import crc32


def checksum(data: bytes) -> str:
    """CRC-32 in eight hexadecimal digits."""
    return f"{crc32(data):08x}"
