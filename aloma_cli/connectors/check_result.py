"""One finding of a check."""

from __future__ import annotations

from typing import Literal, NamedTuple


class CheckResult(NamedTuple):
    """`check`: what was looked at. `cure`: what to do about a warning or a failure."""

    check: str
    state: Literal["ok", "warning", "failed"]
    says: str
    cure: str | None = None
