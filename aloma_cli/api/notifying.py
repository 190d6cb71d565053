"""Send notices about a running tree: at most one of each occasion, because it is recorded before it is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from dataclasses import field
from hashlib import sha256
from typing import TYPE_CHECKING

from aloma_cli.clock import to_iso
from aloma_cli.document.reserved import unhandled_errors
from aloma_cli.engine.local import LOOK
from aloma_cli.engine.loop import until_durable
from aloma_cli.errors import AlomaError, StoreError
from aloma_cli.loader.links import link_key
from aloma_cli.notices.due import Occasion, occasions
from aloma_cli.notices.links import PATH, ticket_for, token_of
from aloma_cli.notices.message import message
from aloma_cli.notices.send import NoticeError, send
from aloma_cli.record.events import Committed, Event, FiringVoided, NoticeFailed, NoticeSent
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.clock import Clock
    from aloma_cli.engine.transaction import Emit
    from aloma_cli.engine.turn import Scheduler
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.loader.workspace import LoadedWorkspace
    from aloma_cli.notices.settings import NoticeSettings

PAUSES = (1.0, 5.0)
"""Seconds before each further try."""


@dataclass(frozen=True, slots=True)
class Notices:
    """Who gets the notices of a workspace of this name.

    `link`: makes the address at which `to` can answer a question.
    """

    entries: tuple[NoticeSettings, ...]
    workspace: str
    link: Callable[[JsonObject, str], str | None] = lambda _question, _to: None


def notices_of(loaded: LoadedWorkspace, entries: tuple[NoticeSettings, ...], clock: Clock) -> Notices:
    """The notices of a workspace; with links, where a worker answers HTTP. Raises as `link_key`."""
    web, root = loaded.config.web, loaded.root
    name = loaded.config.name or (root.name if root is not None else "in memory")
    if web is None or root is None:
        return Notices(entries, name)
    base, key = web.url or f"http://{web.host}:{web.port}", link_key(root, loaded.environment)

    def link(asked: JsonObject, to: str) -> str:
        return f"{base}{PATH}{token_of(ticket_for(asked, to, clock.now()), key)}"

    return Notices(entries, name, link)


@dataclass(slots=True)
class Notifier:
    """Sends the notices of one run, while it runs. `show` gets all events, `open` the run before its first one.

    A notice that was under way when a run ended or died is not sent again.
    """

    notices: Notices
    show: Emit
    _run: Scheduler | None = None
    _sending: set[asyncio.Task[None]] = field(default_factory=set)
    _noted: bool = False

    def open(self, run: Scheduler) -> None:
        """The run whose events are seen from now on."""
        self._run = run

    def emit(self, event: Event) -> None:
        """Show an event, and send the notice of a question as soon as the turn has ended."""
        self.show(event)
        if (isinstance(event, Committed) and event.asked) or (
            isinstance(event, FiringVoided) and event.reason == "asking"
        ):
            asyncio.get_running_loop().call_soon(self._tell_early)

    async def settle(self, run: Scheduler) -> bool:
        """Send all due notices now that nothing runs; returns whether a request came in meanwhile."""
        self._tell_due(run)
        self._publish(run)
        while self._sending:
            await asyncio.wait(self._sending, timeout=LOOK)
            self._publish(run)
            if run.take_requests():
                return True
        return False

    async def close(self) -> None:
        """Send no more."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _publish(self, run: Scheduler) -> None:
        if self._noted:
            self._noted = False
            run.publish_again()

    def _tell_early(self) -> None:
        with contextlib.suppress(StoreError):  # the next turn raises it
            if self._run is not None:
                self._tell_due(self._run)

    def _tell_due(self, run: Scheduler) -> None:
        """Record the due notices, and begin to send them. Raises StoreError; then none is sent."""
        at, due = to_iso(run.clock.now()), list(self._due(run))
        for occasion, entry in due:
            run.note(NoticeSent(at=at, task=occasion.task, word=occasion.word, key=occasion.key, to=entry.label))
        if due:
            run.flush()
            self._noted = True
        for occasion, entry in due:
            task = asyncio.create_task(self._send_notice(run, occasion, entry, at), name=f"notice {entry.label}")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _due(self, run: Scheduler) -> Iterator[tuple[Occasion, NoticeSettings]]:
        tags = run.tree.root.tags
        entries = [entry for entry in self.notices.entries if entry.only is None or entry.only in tags]
        for occasion in occasions(run.tree):
            told = run.tree.noticed.get(occasion.key, ())
            for entry in entries:
                if occasion.word in entry.when and entry.label not in told:
                    yield occasion, entry

    async def _send_notice(self, run: Scheduler, occasion: Occasion, entry: NoticeSettings, at: str) -> None:
        errors = unhandled_errors(run.tree.root.document)
        link = self.notices.link(occasion.question, entry.label) if occasion.question is not None else None
        told = message(run.tree, occasion, self.notices.workspace, errors, link)
        key = sha256(f"{run.tree.root_id} {occasion.key} {entry.label} {at}".encode()).hexdigest()[:32]
        try:
            if run.behind is not None:
                await until_durable(run.behind)
        except AlomaError:
            return  # the run ends with it
        try:
            await _deliver(entry, told, key)
        except Exception as error:  # noqa: BLE001  (no task fails because of a notice)
            reason = str(error) if isinstance(error, NoticeError) else f"{type(error).__name__}: {error}"
            at = to_iso(run.clock.now())
            run.note(NoticeFailed(at=at, task=occasion.task, key=occasion.key, to=entry.label, reason=reason))
            self._noted = True


async def _deliver(entry: NoticeSettings, told: JsonObject, key: str) -> None:
    """Raises NoticeError after the last try."""
    for pause in PAUSES:
        try:
            return await send(entry.way, told, key, entry.timeout)
        except NoticeError as error:
            if not error.again:
                raise
        await asyncio.sleep(pause)
    return await send(entry.way, told, key, entry.timeout)
