"""A workspace in Python: open one from disk or make one from steps, and run tasks in it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from aloma_cli.api.orders import Order, on_another_day, resuming, starting
from aloma_cli.api.reader import AskedWorkspace
from aloma_cli.api.session import run_claim, write
from aloma_cli.api.setup import Intercept, Setup
from aloma_cli.api.task import Task, task_of
from aloma_cli.budget import LimitRequest
from aloma_cli.clock import Clock, to_iso
from aloma_cli.condition import compile_condition
from aloma_cli.content.step import Step
from aloma_cli.document.diff import clean_copy
from aloma_cli.document.paths import parse_path
from aloma_cli.engine.loop import Stay
from aloma_cli.engine.turn import Scheduler
from aloma_cli.errors import DocumentError, InputError, StepError
from aloma_cli.ids import new_task_id, root_of
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.later import Later
from aloma_cli.loader.answering import Answering, Past
from aloma_cli.loader.config import Config
from aloma_cli.loader.config_files import honours_path, read_user_config
from aloma_cli.loader.layout import DATA_FOLDER
from aloma_cli.loader.models import ModelChoice, resolve_models
from aloma_cli.loader.place import store_at
from aloma_cli.loader.release import release_of
from aloma_cli.loader.sources import ModelFlags
from aloma_cli.loader.workspace import Hide, LoadedWorkspace, load_workspace, no_redaction
from aloma_cli.record.events import Event, TaskCreated
from aloma_cli.redact import Redactor
from aloma_cli.store.open import open_store
from aloma_cli.threads import leave, loop_runs

if TYPE_CHECKING:
    from aloma_cli.api import handover
    from aloma_cli.connectors.settings import ModelSettings
    from aloma_cli.engine import limits as limiting
    from aloma_cli.engine.transaction import Emit
    from aloma_cli.record.tree import Tree
    from aloma_cli.store.protocol import Claim
else:
    handover = Later("aloma_cli.api.handover")
    limiting = Later("aloma_cli.engine.limits")


def _ignore(event: Event) -> None:
    """Drop an event."""


NO_LIMITS: Mapping[str, LimitRequest] = MappingProxyType({})

_PROGRAM = {"channel": "api"}
"""Who asks, where a program does (`record/who.py`)."""


class NewTask(NamedTuple):
    """A task that was just created, with its model server; `event` is the first of its record."""

    claim: Claim
    event: TaskCreated
    choice: ModelChoice


class Workspace(AskedWorkspace):
    """Steps, and the tasks they work on.

        workspace = Workspace.open("path/to/workspace")
        workspace = Workspace([Step("greet", {"name": str}, content)])     # in memory, unless `folder` is given
        task = await workspace.run("name", {"name": "Ada"})

    `connectors` are modules (or any objects) whose public functions steps call as `connectors.NAME.function`; one
    named `openai` replaces the built-in one. `models` chooses the model server; without it answers are simulated.
    """

    def __init__(
        self,
        steps: Iterable[Step] = (),
        *,
        folder: str | Path | None = None,
        store: str | Path | None = None,
        connectors: Mapping[str, Any] | None = None,
        models: ModelSettings | None = None,
        clock: Clock | None = None,
        loaded: LoadedWorkspace | None = None,
        choose: Callable[[Past], ModelChoice] | None = None,
        intercept: Intercept = lambda connectors: connectors,
        tells: bool = False,
    ) -> None:
        """`store`: where its tasks are kept; by default in `folder`.

        `choose`, `intercept` and `tells`: as for Setup.
        """
        if store is None:
            store = "memory:" if folder is None else Path(folder) / DATA_FOLDER
        loaded = loaded or LoadedWorkspace(steps=_by_name(steps), connector_modules=connectors or {})
        release = partial(release_of, loaded.config, loaded.root, loaded.steps.values())
        super().__init__(open_store(store, lru_cache(maxsize=1)(release)), loaded, clock=clock)
        redactor = Redactor((*self.loaded.secrets, *(models.secrets if models else ())))
        self.setup = Setup(
            self.loaded, self.steps, self.store, self.clock, redactor, choose or _fixed(models), intercept, tells
        )

    @classmethod
    def open(
        cls,
        path: str | Path | None = None,
        *,
        flags: ModelFlags | None = None,
        environ: Mapping[str, str] | None = None,
        hide: Hide = no_redaction,
    ) -> Workspace:
        """Open the workspace at `path`, or the one around the current folder.

        `hide` is called with the known secrets before any file of the workspace is run. Raises WorkspaceError,
        ConfigError and CredentialsError. A broken step file is reported by `Setup.check`, and so by the first run.
        """
        workspace = load(path, flags=flags, environ=environ, hide=hide)
        workspace.setup.choice()
        return workspace

    def create(
        self,
        name: str,
        data: JsonObject,
        *,
        tags: Iterable[str] = (),
        like: Tree | None = None,
        root: str | None = None,
    ) -> NewTask:
        """Create a task without running it; with `like`, it uses the model server of that tree.

        `root`: its id, if one was reserved.
        """
        choice = self.setup.check(like)
        if not name.strip() or not name.isprintable():
            raise InputError(f"invalid task name {name!r}: a name must be one line of text")
        now, redactor = self.clock.now(), self.setup.redactor
        created = TaskCreated(
            at=to_iso(now),
            task=root or new_task_id(now),
            name=redactor.text(name),
            data=redactor.value(_checked_document(data)),
            tags=tuple(map(redactor.text, (*self.loaded.config.tags, *tags))),
            answering=asdict(Answering.of(choice.settings, self.loaded.root)),
        )
        return NewTask(self.store.create(created.task, [created]), created, choice)

    async def run(
        self,
        name: str,
        data: JsonObject,
        *,
        tags: Iterable[str] = (),
        expect: JsonObject | None = None,
        emit: Emit = _ignore,
    ) -> Task:
        """Create a task and run it until nothing is left to do; `emit` gets each event once it is on record.

        `expect`: a condition, as JSON; a task whose document does not meet it ends as `incomplete` and not as `done`.
        Raises InputError if `data` is not a JSON object, ConditionError for an invalid condition, and what
        `Setup.check` raises; then nothing was created.
        """
        if expect is not None:
            compile_condition(expect, name="expect")
        return await self.start(self.create(name, data, tags=tags), emit, expect=expect)

    async def start(
        self,
        new: NewTask,
        emit: Emit = _ignore,
        *,
        limits: Mapping[str, LimitRequest] = NO_LIMITS,
        expect: JsonObject | None = None,
        wait: bool = False,
    ) -> Task:
        """Run a task that was just created.

        `limits`: by their names in `budget.LIMITS`. `expect` as in `run`. `wait`: keep running until open questions are
        answered.
        """
        emit(new.event)
        order = starting(self.setup, limits, expect)
        tree = await run_claim(new.claim, self.setup, emit, order, Stay(wait), settings=new.choice.settings)
        return task_of(self.store, tree, new.event.task, self.steps)

    async def resume(
        self,
        task_id: str,
        emit: Emit = _ignore,
        *,
        limits: Mapping[str, LimitRequest] = NO_LIMITS,
        expect: JsonObject | None = None,
        wait: bool = False,
        retry_failed: bool = False,
    ) -> Task:
        """Continue a task: interrupted, stopped, limited, in error, or without progress.

        The failed steps of a task in error are tried again; with `retry_failed` those of any other task, too. `limits`
        replace those of the task. Raises NotFoundError, TaskLockedError, and CredentialsError if a task with real
        answers would get simulated ones. A closed task is returned as it is.
        """
        self.loaded.check()
        task_id = self.find(task_id)
        order = resuming(self.setup, limits, expect, retry_failed=retry_failed)
        claim = self.store.claim(root_of(task_id))
        return await self.work_on(claim, Stay(wait), emit, before=order, task_id=task_id)

    async def answer(
        self, text: str, value: Json, *, into: str | None = None, call: int | None = None, emit: Emit = _ignore
    ) -> Task:
        """Answer a question of a task, and run the task. Raises as `apply_and_run`.

        Where there are several, `into` names the place of the answer, or `call` the call that waits for approval.
        """
        which = {name: value for name, value in {"into": into, "call": call}.items() if value is not None}
        request = {"kind": "answer", "value": value, **which, "who": _PROGRAM}
        return await self.apply_and_run(self.find(text), request, emit)

    async def settle(self, text: str, call: int, *, emit: Emit = _ignore, **outcome: Json) -> Task:
        """Say how a call ended whose outcome is unknown, and run the task. Raises as `apply_and_run`.

        `call`: its number, in `record["unsettled"]`. `outcome` is one of `done=` the answer, `failed=` why, as a
        string, and `again=True`: it was not carried out, and is to be sent again.
        """
        return await self.apply_and_run(
            self.find(text), {"kind": "settle", "call": call, **outcome, "who": _PROGRAM}, emit
        )

    async def set(
        self, text: str, values: Mapping[str, Json], *, unset: Iterable[str] = (), emit: Emit = _ignore
    ) -> Task:
        """Remove and then write values of a task's document, by their paths, and run the task.

        Raises as `apply_and_run`.
        """
        pairs = [(parse_path(path), value) for path, value in values.items()]
        request = {"kind": "set", "set": pairs, "unset": [*unset], "who": _PROGRAM}
        return await self.apply_and_run(self.find(text), request, emit)

    def stop(self, text: str, reason: str = "stopped by a person") -> Task | None:
        """Stop a task and its subtasks; as `submit`. `resume` continues one that is not a subtask."""
        return self.submit(text, {"kind": "stop", "reason": reason})

    def submit(self, text: str, request: JsonObject) -> Task | None:
        """Write a person's request (`docs/format.md`, Requests) into the record of a task, and start nothing.

        If another process runs the task, that process does it, and the result is None. Raises NotFoundError, and
        InputError for an invalid request.
        """
        task_id = self.find(text)
        handed = handover.hand_over(self.store, self.setup.redactor, root_of(task_id), {**request, "task": task_id})
        return None if handed.claim is None else self.write(handed.claim, task_id, handed.own)

    def write(self, claim: Claim, task_id: str, request: JsonObject | None) -> Task:
        """Carry out in a claimed tree what waits in its inbox, then `request`; start nothing, and close the claim."""
        return task_of(self.store, write(claim, self.setup, request), task_id, self.steps)

    async def apply_and_run(
        self,
        task_id: str,
        request: JsonObject | None,
        emit: Emit = _ignore,
        *,
        claim: Claim | None = None,
        limits: Mapping[str, LimitRequest] = NO_LIMITS,
        wait: bool = False,
    ) -> Task:
        """Carry out what waits in the inbox of a tree, then `request`, and run the tree; `claim`: if it is claimed.

        Raises NotFoundError, TaskLockedError, InputError for an invalid request, and what `Setup.check` raises.
        """
        self.loaded.check()

        def before(run: Scheduler) -> None:
            if limits:
                run.do(limiting.set_limits, limits)
            if request is not None:
                run.carry_out({**request, "task": task_id})

        claim = claim or self.store.claim(root_of(task_id))
        return await self.work_on(claim, Stay(wait), emit, before=before, task_id=task_id)

    async def work_on(
        self,
        claim: Claim,
        stay: Stay,
        emit: Emit = _ignore,
        *,
        before: Order | None = on_another_day,
        task_id: str | None = None,
    ) -> Task:
        """Run a claimed tree as far as it goes by itself, or as `stay` says, and close the claim.

        `before`: what is done to the tree first. `task_id`: the task to return; by default the root.
        """
        tree = await run_claim(claim, self.setup, emit, before, stay)
        return task_of(self.store, tree, task_id or claim.root, self.steps)


def load(
    path: str | Path | None = None,
    *,
    flags: ModelFlags | None = None,
    environ: Mapping[str, str] | None = None,
    hide: Hide = no_redaction,
) -> Workspace:
    """Like `Workspace.open`, without choosing a model server."""
    environ, flags = os.environ if environ is None else environ, flags or ModelFlags()
    user_config = read_user_config()
    loaded = load_workspace(path, Path.cwd(), environ, user_config=user_config, flags=flags, hide=hide)
    choose = partial(
        resolve_models,
        flags,
        environ,
        loaded.config,
        user_config,
        loaded.root,
        stored=loaded.stored,
        honours=honours_path,
    )
    store = None if loaded.root is None else store_at(loaded.root, environ, loaded.config)
    return Workspace(folder=loaded.root, store=store, loaded=loaded, choose=choose, tells=True)


def run(workspace: Workspace, name: str, data: JsonObject) -> Task:
    """`Workspace.run` for code that is not asynchronous. Raises RuntimeError where an event loop runs already.

    Unlike `asyncio.run(workspace.run(…))` it does not wait for a step that ignores its cancellation.
    """
    if loop_runs():
        raise RuntimeError("an event loop is already running; write `await workspace.run(…)`")
    loop = asyncio.new_event_loop()
    work = loop.create_task(workspace.run(name, data))
    try:
        return loop.run_until_complete(work)
    except KeyboardInterrupt:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(work)
        raise
    finally:
        leave(loop)


def _by_name(steps: Iterable[Step]) -> dict[str, Step]:
    named: dict[str, Step] = {}
    for step in steps:
        if named.setdefault(step.name, step) is not step:
            raise StepError(f"two steps are called {step.name!r}")
    return named


def _fixed(settings: ModelSettings | None) -> Callable[[Past], ModelChoice]:
    """A choice that is always `settings`; without them each task keeps its own model server."""
    if settings is not None:
        return lambda _: ModelChoice(settings)
    return partial(resolve_models, ModelFlags(), {}, Config(), Config(), None)


def _checked_document(data: Any) -> JsonObject:
    """A checked copy, so that invalid data is found before anything is created."""
    if not isinstance(data, dict):
        raise InputError(f"a task's data must be a JSON object, got {type(data).__name__}")
    try:
        document: JsonObject = clean_copy(data)
    except DocumentError as error:
        raise InputError(f"a task's data must be JSON: {error}") from None
    for key in ("$errors", "$children"):
        if key in document:
            raise InputError(f"{key} is managed by the engine and cannot be given in a task's data")
    return document
