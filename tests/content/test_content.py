"""Whatever runs a step's content: what it is given, and what is made for it."""

from __future__ import annotations

from typing import Any

import pytest

from aloma_cli.content import firing
from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.content import Toolbox
from aloma_cli.content.host import Host
from aloma_cli.content.job import NO_EFFECTS, Job, Outcome, Raised, Returned
from aloma_cli.content.step import Step
from aloma_cli.document.draft import Draft
from tests.support.stage import Stage
from tests.support.steps import puts, step


class Upper:
    """Content in another language than Python."""

    parameters = ("data",)
    on_loop = False
    waits = False
    summary = "Shout."
    fingerprint = "1"

    async def run(self, job: Job, _toolbox: Toolbox, _host: Host, _cancellation: Cancellation) -> Outcome:
        draft = Draft(job.base)
        draft.data["said"] = f"{job.step}!".upper()
        return Returned(job.firing, draft.changes(), NO_EFFECTS, 0.0)

    def failed(self, job: Job, error: BaseException, seconds: float) -> Raised:
        return Raised(job.firing, {"type": "Error", "message": str(error)}, retryable=False, seconds=seconds)


def test_content_need_not_be_python() -> None:
    stage = Stage([Step("hello", {"said": None}, Upper())], {})
    stage.end("hello")
    assert (stage.data, stage.root.state) == ({"said": "HELLO!"}, "done")


def test_content_that_asks_for_data_alone_has_nothing_else_made_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("nobody asked for this")

    for name in ("Effects", "Log"):
        monkeypatch.setattr(firing, name, refuse)
    for module in ("calling", "handed", "steps", "tasks"):
        monkeypatch.setattr(firing, module, None)
    stage = Stage([step("a", {}, puts(x=1))], {})
    stage.end("a")
    assert (stage.data, stage.root.state) == ({"x": 1}, "done")
    assert not NO_EFFECTS.trace
