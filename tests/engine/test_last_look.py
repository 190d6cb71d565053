"""A request that comes while the last firings end is carried out before the run is over."""

from __future__ import annotations

from typing import Any

from aloma_cli.store import MemoryStore
from tests.support.play import play
from tests.support.record import ROOT
from tests.support.steps import puts, step


def test_a_request_posted_by_the_very_last_firing_is_not_left_behind() -> None:
    """Firings that end one after the other leave no pause in which requests are looked for."""
    store = MemoryStore()

    async def last(data: Any) -> None:
        data["last"] = True
        store.post(ROOT, {"kind": "set", "task": ROOT, "set": [[["note"], "n"]], "unset": []})

    played = play(
        [step("last", {"go": True}, last), step("after", {"note": "n"}, puts(after=1))], {"go": True}, store=store
    )
    assert played.data == {"go": True, "last": True, "note": "n", "after": 1}
