"""When a tree is next to be run, by its published record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aloma_cli.budget import DAY
from aloma_cli.clock import from_iso
from aloma_cli.record.states import ACTIVE

if TYPE_CHECKING:
    from aloma_cli.jsontext import JsonObject


def due(record: JsonObject | None) -> float | None:
    """When a tree with this record is to be run, in seconds since 1970: 0 is at once, None never.

    A record that is missing or older than the journal (None) is of a tree that another process left.
    """
    if record is None:
        return 0.0
    if record.get("wake_at") is not None:
        return from_iso(record["wake_at"])
    if record["state"] == "limited" and (record.get("limit") or {}).get("name") == DAY:
        return begin_of_day(from_iso(record["updated_at"]), days=1)
    return 0.0 if record["state"] in ACTIVE else None


def begin_of_day(now: float, *, days: int = 0) -> float:
    """When the local day of `now` began, or one that is `days` later; both in seconds since 1970."""
    local = datetime.fromtimestamp(now).astimezone()
    midnight = datetime(local.year, local.month, local.day) + timedelta(days=days)  # noqa: DTZ001  (astimezone follows)
    return midnight.astimezone().timestamp()
