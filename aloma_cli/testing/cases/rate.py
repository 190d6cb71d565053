"""A pass rate, and how far it can be trusted."""

from __future__ import annotations

import math

_Z = 1.959964
"""Of the normal distribution, for 95 %."""


def wilson(passed: int, runs: int) -> tuple[float, float]:
    """The interval in which the true pass rate lies with 95 % confidence (Wilson's score interval)."""
    if not runs:
        return 0.0, 1.0
    share, square = passed / runs, _Z * _Z
    middle = share + square / (2 * runs)
    spread = _Z * math.sqrt(share * (1 - share) / runs + square / (4 * runs * runs))
    scale = 1 + square / runs
    # The share lies in it, but for the rounding.
    return max(0.0, min(share, (middle - spread) / scale)), min(1.0, max(share, (middle + spread) / scale))
