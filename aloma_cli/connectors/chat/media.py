"""What pictures, sounds and files take of a prompt: measured from their bytes, counted by the provider's rule."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

_USUAL = (1024, 1024)
"""Pixels of a picture that is known by its address only."""

_BYTES_PER_SECOND = 16_000
_TOKENS_PER_SECOND = 10
_TOKENS_PER_PAGE = 1000
_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")

_PATCHES = ((r"gpt-(4\.1|5[\w.]*)-mini", 1.62), (r"gpt-(4\.1|5[\w.]*)-nano", 2.46), (r"o4-mini", 1.72))
"""OpenAI's small models count patches of 32 × 32 pixels, at most 1536, times a factor."""

_TILES = ((r"gpt-4o-mini", 2833, 5667), (r"gpt-5", 70, 140), (r"o[13]", 75, 150), (r"", 85, 170))
"""The others count a base, and tiles of 512 × 512 pixels. Most compatible servers take about as much."""


class Measure(NamedTuple):
    """`size`: width and height of a picture; `seconds` of a sound; `pages` of a file. None where not known."""

    size: tuple[int, int] | None = None
    seconds: float | None = None
    pages: int | None = None


def measured(media: str, data: bytes) -> Measure:
    """The facts of some bytes of a media type such as `image/png`."""
    if media.startswith("image/"):
        return Measure(size=next(_sizes(data), None))
    if media.startswith("audio/"):
        rate = int.from_bytes(data[28:32], "little") if data[:4] == b"RIFF" else 0
        return Measure(seconds=round(len(data) / (rate or _BYTES_PER_SECOND), 1))
    return Measure(pages=max(1, len(_PAGE.findall(data))))


def picture_tokens(model: str, size: tuple[int, int] | None, *, low: bool = False) -> int:
    """The tokens of a picture; `low` is the `detail` that OpenAI's models may be asked for."""
    width, height = size or _USUAL
    name = model.rpartition("/")[2]
    if "claude" in name:
        scale = min(1.0, 1568 / max(width, height))
        return min(1600, math.ceil(width * height * scale**2 / 750))
    if "gemini" in name:
        small = max(width, height) <= 384
        return 258 if small else 258 * math.ceil(width / 768) * math.ceil(height / 768)
    for pattern, factor in _PATCHES:
        if re.match(pattern, name):
            return math.ceil(factor * min(1536, math.ceil(width / 32) * math.ceil(height / 32)))
    base, tile = next((base, tile) for pattern, base, tile in _TILES if re.match(pattern, name))
    return base if low else base + tile * _tiles(width, height)


def sound_tokens(seconds: float | None) -> int:
    return max(1, math.ceil(_TOKENS_PER_SECOND * (seconds or 0)))


def file_tokens(pages: int | None) -> int:
    return _TOKENS_PER_PAGE * (pages or 1)


def _tiles(width: int, height: int) -> int:
    """Tiles of 512 pixels, after the picture was made to fit 2048 pixels, and its shorter side 768."""
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    return math.ceil(width * scale / 512) * math.ceil(height * scale / 512)


def _sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height, if these bytes begin a PNG, GIF, WebP or JPEG."""
    found = (0, 0)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        found = _big(data[16:20]), _big(data[20:24])
    elif data[:4] == b"GIF8":
        found = _little(data[6:8]), _little(data[8:10])
    elif data[8:15] == b"WEBPVP8":
        found = _webp(data)
    elif data[:2] == b"\xff\xd8":
        found = _jpeg(data)
    if min(found) > 0:
        yield found


def _webp(data: bytes) -> tuple[int, int]:
    match data[15:16]:
        case b"X":
            return 1 + _little(data[24:27]), 1 + _little(data[27:30])
        case b"L":
            bits = _little(data[21:25])
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return _little(data[26:28]) & 0x3FFF, _little(data[28:30]) & 0x3FFF


def _jpeg(data: bytes) -> tuple[int, int]:
    """The size in the first frame header, found by going from segment to segment."""
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return _big(data[place + 7 : place + 9]), _big(data[place + 5 : place + 7])
        place += 2 + max(2, _big(data[place + 2 : place + 4]))
    return 0, 0


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
