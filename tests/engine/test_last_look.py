"""Requests that come while a run ends are carried out all the same."""

from __future__ import annotations

from typing import Any

from aloma_cli import Workspace
from aloma_cli.jsontext import JsonObject
from aloma_cli.store.memory import MemoryStore
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


def test_a_request_to_a_process_that_ends_in_that_moment_is_carried_out() -> None:
    """It was locked when it was asked, and nobody runs it any more once the request is there."""

    class Ending(MemoryStore):
        def post(self, root: str, body: JsonObject) -> str:
            posted = super().post(root, body)
            claim.close()
            return posted

    workspace = Workspace([step("after", {"note": "n"}, puts(after=1))])
    workspace.store = Ending()
    claim, created, _ = workspace.create("a task", {})
    written = workspace.submit(created.task, {"kind": "set", "set": [[["note"], "n"]], "unset": []})
    assert written is not None
    assert written.data == {"note": "n"}
    assert workspace.store.claim(created.task).requests() == []
