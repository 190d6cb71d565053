"""Ages and sizes as people type them."""

from __future__ import annotations

import re

from aloma_cli.clock import DURATION, is_duration
from aloma_cli.errors import InputError

_NUMBER = r"([0-9]+(?:\.[0-9]+)?) ?"
_AGE = re.compile(_NUMBER + "([smhdw])")
_SIZE = re.compile(_NUMBER + "([kmgt]?)(i?)b?")

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def seconds_of(text: str, option: str) -> float:
    """`90s`, `15m`, `12h`, `30d`, `2w` in seconds. Raises InputError naming `option`."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise InputError(f"{option} {text!r} is not an age", hint="use a number with s, m, h, d or w: 12h, 30d, 2w")
    seconds = float(found[1]) * _SECONDS[found[2]]
    if not is_duration(seconds):
        raise InputError(f"{option} {text!r} is not {DURATION}")
    return seconds


def bytes_of(text: str, option: str) -> int:
    """`830`, `500kB`, `10MB` (millions), `1GiB` (of 1024 MiB) in bytes. Raises InputError naming `option`."""
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None or (found[3] and not found[2]):
        raise InputError(f"{option} {text!r} is not a size", hint="use a number with kB, MB or GB: 500kB, 10MB")
    step = 1024 if found[3] else 1000
    return int(float(found[1]) * step ** " kmgt".index(found[2] or " "))
