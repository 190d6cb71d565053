"""The content of a step, in any language."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from aloma_cli.document.draft import Drafts
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

    from aloma_cli.connectors.base import Connectors
    from aloma_cli.content.cancellation import Cancellation
    from aloma_cli.content.host import Host
    from aloma_cli.content.job import Job, Outcome, Raised


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What a workspace gives its steps."""

    connectors: Connectors
    lib: object
    config: Callable[..., Any]
    drafts: Drafts = field(default_factory=Drafts)


@runtime_checkable
class Content(Protocol):
    """What runs when a step fires."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """What it asks for, by the names in `function.PARAMETERS`."""

    @property
    def on_loop(self) -> bool:
        """Whether code of authors may run on the event loop: its own, or that of a connector which it calls."""

    @property
    def waits(self) -> bool:
        """Whether a run may have to wait for something. One that never does needs no task of its own."""

    @property
    def summary(self) -> str:
        """What it does, on one line; may be empty."""

    @property
    def fingerprint(self) -> str:
        """Changes when the code changes."""

    async def run(self, job: Job, toolbox: Toolbox, host: Host, cancellation: Cancellation) -> Outcome:
        """Run it on a draft of the job's document. Raises nothing but cancellation and Ctrl-C."""

    def failed(self, job: Job, error: BaseException, seconds: float) -> Raised:
        """The outcome of a run that `error` ended from outside."""
