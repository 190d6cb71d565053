"""JSON pointers (RFC 6901), which name the places of operations on record."""

from __future__ import annotations

from collections.abc import Iterable


def pointer_of(path: Iterable[str | int]) -> str:
    """`("a/b", 0)` as `/a~1b/0`."""
    return "".join(["/" + str(key).replace("~", "~0").replace("/", "~1") for key in path])


def keys_of(pointer: str) -> list[str]:
    """`/a~1b/0` as `["a/b", "0"]`; whatever comes before the first slash is left out."""
    keys = pointer.split("/")[1:]
    return [key.replace("~1", "/").replace("~0", "~") for key in keys] if "~" in pointer else keys
