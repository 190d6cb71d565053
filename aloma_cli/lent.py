"""Text streams lent to the code of steps, which cannot close or detach them."""

from __future__ import annotations

import codecs
import contextlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from typing_extensions import Buffer  # for the type checker alone

_displaced: list[object] = []


class Lent(io.TextIOBase):
    """Writes to `original`; to close it, to wrap its `buffer` or to detach that does the original no harm."""

    def __init__(self, original: TextIO) -> None:
        self.original = original
        self.buffer = _Bytes(self)

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only here, writable in TextIOBase
        return self.original.encoding

    def write(self, text: str) -> int:
        return self.original.write(text)

    def flush(self) -> None:
        self.original.flush()

    def close(self) -> None:
        """Nothing: the owner closes it."""

    def detach(self) -> Any:
        return self.buffer

    def reconfigure(self, **_options: object) -> None:
        """Nothing: how it writes is its owner's decision."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self.original.isatty()

    def fileno(self) -> int:
        return self.original.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _Bytes(io.BufferedIOBase):
    """The `buffer` of a lent stream: UTF-8, written as the text it is."""

    def __init__(self, stream: Lent) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: Buffer) -> int:
        given = bytes(data)
        self._stream.write(self._decoder.decode(given))
        return len(given)

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """Nothing, as for the stream."""

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


@contextmanager
def lent_stderr() -> Iterator[None]:
    """Both standard streams are standard error within, and lent; what is done to them is undone at the end."""
    own = {"stdout": sys.stdout, "stderr": sys.stderr}
    sys.stdout = sys.stderr = own["stderr"] if isinstance(own["stderr"], Lent) else Lent(own["stderr"])
    try:
        yield
    finally:
        for name, stream in own.items():
            put_back(name, stream)


def put_back(name: str, stream: object) -> None:
    """Make `stream` sys.stdout or sys.stderr again.

    A stream that other code put in its place is kept, because its last reference might close a descriptor.
    """
    found = getattr(sys, name)
    if found is not stream and not isinstance(found, Lent):
        with contextlib.suppress(Exception):
            found.flush()
        _displaced.append(found)
    setattr(sys, name, stream)
