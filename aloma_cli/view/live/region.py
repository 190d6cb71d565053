"""A few lines at the bottom of a terminal that are drawn again and again, while finished lines scroll away above.

rich's own Live is not used for three reasons. It erases all of its lines before it writes them, which flickers. It
counts the lines it wrote, not those they became when a narrower window wrapped them, which leaves debris in the
scrollback. And its thread dies of a closed terminal with a traceback.

Here each drawing is one write that starts and ends with the cursor on the free line under the region, overwrites
line by line, and erases only what is left over. The cursor is hidden within that write alone: a process that is
killed never leaves a terminal without one.

What is left: some terminals (tmux is one) push the lines they have just wrapped out of reach; making such a window
narrower can leave one old frame in the scrollback. Finished lines are never written twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from aloma_cli.view.terminal import Ink, size_of, write
from aloma_cli.view.width import Size

if TYPE_CHECKING:
    from rich.text import Text

_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_UP, _ERASE_REST_OF_LINE, _ERASE_BELOW = "\x1b[{}A", "\x1b[K", "\x1b[J"


class Region:
    """The region at the bottom of the terminal `stream`."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._ink = Ink(stream, environ)
        self._widths: list[int] = []
        self._size = size_of(stream)
        self._shown: tuple[str, Size] | None = None

    def draw(self, above: Sequence[Text], lines: Sequence[Text]) -> None:
        """Write `above` to the scrollback and `lines` as the region. Raises OSError when the terminal is gone."""
        body = "".join(f"{text}{_ERASE_REST_OF_LINE}\n" for text in self._ink.styled([*above, *lines]))
        size = size_of(self._stream)
        if not above and (body, size) == self._shown:
            return
        up = self._height(size)
        # Lines that a terminal has wrapped stay joined until they are erased, even if they are written over.
        erase = _ERASE_BELOW if size != self._size else ""
        write(self._stream, f"{_HIDE}\r{_UP.format(up) if up else ''}{erase}{body}{_ERASE_BELOW}{_SHOW}")
        self._widths = [line.cell_len for line in lines]
        self._size = size
        self._shown = None if above else (body, size)

    def _height(self, size: Size) -> int:
        """How many lines of the terminal the region fills, also after the window was made narrower and wrapped it."""
        height = sum(max(1, -(-width // size.width)) for width in self._widths)
        return min(height, size.height - 1)
