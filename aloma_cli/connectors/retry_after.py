"""How long a server asks to wait, in the headers of its answer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_PLAIN = (("retry-after-ms", 1000), ("retry-after", 1))
_RESET = re.compile(r"x-ratelimit-reset(-.+)?|ratelimit-reset")
_PART = re.compile(r"([0-9.]+)(ms|[dhms])")
_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_EPOCH = 1e9
"""A plain number above this is a time in seconds since 1970, and above a thousand times this in milliseconds."""


def wait_in(headers: Mapping[str, str], now: datetime) -> float:
    """The seconds to wait; 0 if the headers do not say.

    `Retry-After` in seconds or as a date, `retry-after-ms`, else the longest `x-ratelimit-reset-*`: a duration such as
    `6m0s`, seconds, or a time in seconds or milliseconds since 1970.
    """
    for name, divisor in _PLAIN:
        seconds = _seconds_in(headers.get(name, ""))
        if seconds is not None:
            return seconds / divisor
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        resets = (_reset(value, now) for name, value in headers.items() if _RESET.fullmatch(name.lower()))
        return max(resets, default=0.0)
    return max(0.0, (until.astimezone(UTC) - now).total_seconds())


def _reset(value: str, now: datetime) -> float:
    seconds = _seconds_in(value)
    if seconds is None:
        parts = _PART.findall(value) if re.fullmatch(rf"(?:{_PART.pattern})+", value) else []
        return sum((_seconds_in(amount) or 0.0) * _UNITS[unit] for amount, unit in parts)
    if seconds < _EPOCH:
        return seconds
    return max(0.0, (seconds / 1000 if seconds >= 1000 * _EPOCH else seconds) - now.timestamp())


def _seconds_in(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return 0.0 if math.isnan(seconds) else max(0.0, seconds)
