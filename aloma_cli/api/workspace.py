"""A workspace in Python: open one from disk or make one from steps, and run tasks in it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from aloma_cli.api.handover import Handed, hand_over, loop_runs
from aloma_cli.api.records import Records
from aloma_cli.api.session import Equipment, run_claim, write
from aloma_cli.api.task import Task, document_at, task_of
from aloma_cli.budget import Wish
from aloma_cli.clock import Clock, to_iso
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.content.step import Step
from aloma_cli.document.changes import apply
from aloma_cli.document.diff import clean_copy
from aloma_cli.document.reserved import READ_ONLY
from aloma_cli.engine import failure, requests
from aloma_cli.engine.limits import set_limits
from aloma_cli.engine.plan import Plan, start_order
from aloma_cli.engine.requests import assign
from aloma_cli.engine.transaction import Emit
from aloma_cli.engine.turn import Scheduler
from aloma_cli.engine.working import WorkingTask, WorkingTree
from aloma_cli.errors import DocumentError, InputError, NotFoundError, StepError, TaskLockedError
from aloma_cli.ids import new_task_id, root_of
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.jsontext import Path as Keys
from aloma_cli.loader.answering import Answering, Past
from aloma_cli.loader.config import Config, read_user_config, user_config_path
from aloma_cli.loader.layout import DATA_FOLDER
from aloma_cli.loader.models import ModelChoice, ModelFlags, resolve_models, secrets_given
from aloma_cli.loader.workspace import Hide, LoadedWorkspace, load_workspace, no_redaction
from aloma_cli.record.events import Event, TaskCreated
from aloma_cli.record.tree import Tree
from aloma_cli.redact import Redactor
from aloma_cli.store.open import open_store
from aloma_cli.store.protocol import Claim


def _ignore(event: Event) -> None:
    """Nobody watches."""


class Workspace(Records):
    """Steps, and the tasks they work on.

        workspace = Workspace.open("path/to/workspace")
        workspace = Workspace([Step("greet", {"name": str}, content)])     # in memory, unless `folder` is given
        task = await workspace.run("name", {"name": "Ada"})

    `connectors` are modules (or any objects) whose public functions steps call as `connectors.NAME.function`; one
    named `openai` takes the place of the built-in. `models` says which model server is used; without it answers
    are simulated.
    """

    def __init__(
        self,
        steps: Iterable[Step] = (),
        *,
        folder: str | Path | None = None,
        connectors: Mapping[str, Any] | None = None,
        models: ModelSettings | None = None,
        clock: Clock | None = None,
        loaded: LoadedWorkspace | None = None,
    ) -> None:
        self.loaded = loaded or LoadedWorkspace(steps=_by_name(steps), connector_modules=connectors or {})
        self._models = _given(models)
        self._secrets = models.secrets if models else ()
        super().__init__(open_store("memory:" if folder is None else Path(folder) / DATA_FOLDER), clock=clock)

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

        `hide` is told of the secrets there are as soon as they are known, before any file of the workspace is run.
        Raises WorkspaceError where there is none, ConfigError and CredentialsError. A broken step file is reported
        by `check`, and so by the first run.
        """
        workspace = cls.loading(path, flags=flags, environ=environ, hide=hide)
        workspace.choice()
        return workspace

    @classmethod
    def loading(
        cls,
        path: str | Path | None = None,
        *,
        flags: ModelFlags | None = None,
        environ: Mapping[str, str] | None = None,
        hide: Hide = no_redaction,
    ) -> Workspace:
        """Like `open`, for those who create no task: which model server is used follows from the task."""
        user_config = read_user_config(user_config_path())
        environ = os.environ if environ is None else environ
        loaded = load_workspace(path, Path.cwd(), environ, keys=user_config.key_variables, hide=hide)
        workspace, flags = cls(folder=loaded.root, loaded=loaded), flags or ModelFlags()
        workspace._secrets = secrets_given(flags, environ, loaded.config, user_config)
        hide(Redactor(workspace._secrets))
        workspace._models = partial(resolve_models, flags, environ, loaded.config, user_config, loaded.root)
        return workspace

    def choice(self, like: Tree | None = None) -> ModelChoice:
        """Which model server is used: by a new task, or by one that has the past of `like`.

        Raises CredentialsError, also where a task with real answers would get simulated ones; InputError, ConfigError.
        """
        return self._models(Past() if like is None else _past_of(like))

    @property
    def scrubber(self) -> Redactor:
        """What keeps secrets out of records and views."""
        return Redactor((*self.loaded.secrets, *self._secrets))

    def check(self, like: Tree | None = None) -> None:
        """Raise what would keep a task from running: the StepError of a broken file, a ConfigError.

        The task is a new one, or one that has the past of `like`.
        """
        self.loaded.check()
        open_connectors(self.choice(like).settings, self.loaded.connector_modules)

    @property
    def steps(self) -> dict[str, Step]:
        """The steps by name."""
        return dict(self.loaded.steps)

    async def run(self, name: str, data: JsonObject, *, tags: Iterable[str] = (), emit: Emit = _ignore) -> Task:
        """Create a task and run it until nothing is left to do; `emit` is told each event once it is durable.

        Raises InputError where `data` is no JSON object, and what `check` raises; nothing was created then.
        """
        claim, created = self.create(name, data, tags=tags)
        return await self.begin(claim, created, emit)

    async def begin(
        self,
        claim: Claim,
        created: TaskCreated,
        emit: Emit = _ignore,
        *,
        limits: Mapping[str, Wish] = MappingProxyType({}),
        wait: bool = False,
    ) -> Task:
        """Run a task that was just created.

        `limits`: what it may spend, by the names in `budget.Limits`. `wait`: also while only a person is waited for.
        """
        emit(created)
        wishes = {**self.loaded.config.limits.budget(), **limits}
        return await self.carry_on(claim, emit, before=lambda run: run.do(set_limits, wishes), wait=wait)

    def document_of(
        self, task: Task, *, at: int | None = None, assignments: Iterable[tuple[Keys, Json]] = ()
    ) -> JsonObject:
        """The document of a task for a copy of it: now, or after entry `at` of its log, with values changed.

        Raises InputError for an entry that is not there, and for a value that cannot be written.
        """
        document = task.data if at is None else document_at(task, at)
        kept = {key: value for key, value in document.items() if key not in READ_ONLY}
        return cast("JsonObject", apply(kept, assign(kept, assignments)))

    def create(
        self, name: str, data: JsonObject, *, tags: Iterable[str] = (), like: Tree | None = None
    ) -> tuple[Claim, TaskCreated]:
        """Create a task without running it; with `like`, its model calls are answered as those of that one."""
        self.check(like)
        now, scrubber = self.clock.now(), self.scrubber
        created = TaskCreated(
            at=to_iso(now),
            task=new_task_id(now),
            name=scrubber.text(_name(name)),
            data=scrubber.value(_document(data)),
            tags=tuple(map(scrubber.text, (*self.loaded.config.tags, *tags))),
            answering=self._answering(self.choice(like).settings).to_json(),
        )
        return self.store.create(created.task, [created]), created

    async def resume(
        self,
        task_id: str,
        emit: Emit = _ignore,
        *,
        limits: Mapping[str, Wish] = MappingProxyType({}),
        wait: bool = False,
        retry_failed: bool = False,
    ) -> Task:
        """Continue a task: interrupted, stopped, limited, in error, or without progress.

        The failed steps of one that had come to rest in error are tried again; with `retry_failed` those of any other
        as well. `limits` takes the place of those the task has. Raises NotFoundError, TaskLockedError, and
        CredentialsError where a task with real answers would get simulated ones. A closed task is given back as it is.
        """
        self.loaded.check()
        task_id = self.find(task_id)
        claim = self.store.claim(root_of(task_id))

        def before(run: Scheduler) -> None:
            run.do(requests.resume)
            run.do(set_limits, limits)
            if run.failed or retry_failed:
                run.do(failure.retry_failed)
            run.do(requests.release_cycles)

        return await self.carry_on(claim, emit, before=before, task_id=task_id, wait=wait)

    def _answering(self, settings: ModelSettings) -> Answering:
        return Answering.of(settings, self.loaded.root)

    def _answer(self, run: Scheduler) -> ModelSettings:
        """The model server that a run uses; a change of it goes on record."""
        settings = self.choice(run.tree).settings
        now, kept = self._answering(settings), run.tree.answering
        reason = Answering.from_json(kept).changes_to(now) if kept is not None else f"model server: {now.words}"
        run.do(requests.set_answering, now.to_json(), reason)
        return settings

    def is_over(self, task: Task) -> bool:
        """Whether nothing in the tree of a task is under way: the subtasks of one that completed may be."""
        return all(one.rest is not None for one in Tree.of(task.tree_journal).tasks.values())

    def republish(self, task: Task) -> None:
        """Put the record of a tree where readers find it quickly, if a kill came before that."""
        root = root_of(task.id)
        if self.store.published(root) is not None:
            return
        with contextlib.suppress(TaskLockedError), contextlib.closing(self.store.claim(root)) as claim:
            Scheduler(claim, Plan(()), clock=self.clock, emit=_ignore).publish()

    def changed_steps(self, journal: Iterable[Event]) -> dict[str, str]:
        """The steps that fired in a tree, by its journal, and are not any more what they were then.

        Each with what is different: its condition (so that it is armed again), its content, or that it is gone.
        """
        tasks = WorkingTree.of(journal).tasks.values()
        found = {name: self._difference(name, task) for task in tasks for name in task.codes}
        return {name: difference for name, difference in sorted(found.items()) if difference is not None}

    def _difference(self, name: str, task: WorkingTask) -> str | None:
        step = self.loaded.steps.get(name)
        if step is None:
            return "gone"
        if step.condition.fingerprint != task.conditions[name]:
            return "condition"
        return None if step.content.fingerprint == task.codes[name] else "content"

    def stop(self, text: str, reason: str = "stopped by a person") -> Task | None:
        """Stop a task and its subtasks; as `submit`. `resume` continues one that is not a subtask."""
        return self.submit(text, {"kind": "stop", "reason": reason})

    def submit(self, text: str, request: JsonObject) -> Task | None:
        """Write what a person asks of a task (`docs/format.md`, Requests) into its record, and start nothing.

        Where another process runs the task, that process does it, and None is given. Raises NotFoundError, and
        InputError for a request that makes no sense.
        """
        task_id = self.find(text)
        handed = self.hand_over(task_id, request)
        return None if handed.claim is None else self.write(handed.claim, task_id, handed.own)

    def hand_over(
        self, task_id: str, request: JsonObject, waiting: Callable[[float], object] = lambda _: None
    ) -> Handed:
        """Hand a request to the process that runs a task, or get the claim to carry it out; as `handover.hand_over`."""
        request = {**request, "task": task_id}
        return hand_over(self.store, self.scrubber, root_of(task_id), request, waiting=waiting)

    def write(self, claim: Claim, task_id: str, request: JsonObject | None) -> Task:
        """Carry out in a claimed tree what waits in its inbox, then `request`; start nothing, and give the claim up."""
        tree = write(claim, Plan(self.loaded.steps.values()), self.clock, self.scrubber, request)
        return task_of(self.store, tree, task_id)

    async def go_on(self, text: str, request: JsonObject, emit: Emit = _ignore) -> Task:
        """Carry out what a person asks of a task, and run the task on. Raises as `submit`, and TaskLockedError."""
        self.loaded.check()
        task_id = self.find(text)
        claim = self.store.claim(root_of(task_id))
        return await self.carry_out(claim, task_id, {**request, "task": task_id}, emit)

    async def carry_out(self, claim: Claim, task_id: str, request: JsonObject | None, emit: Emit = _ignore) -> Task:
        """Carry out in a claimed tree what waits in its inbox, then `request`, and run the tree."""

        def before(run: Scheduler) -> None:
            if request is not None:
                run.carry_out(request)

        return await self.carry_on(claim, emit, before=before, task_id=task_id)

    async def carry_on(
        self,
        claim: Claim,
        emit: Emit = _ignore,
        *,
        before: Callable[[Scheduler], object] = lambda _: None,
        task_id: str | None = None,
        wait: bool = False,
    ) -> Task:
        """Run a claimed tree until it is at rest, and give the claim up."""
        tree = await run_claim(claim, self._equipment(), emit, answering=self._answer, before=before, wait=wait)
        return task_of(self.store, tree, task_id or claim.root)

    def _equipment(self) -> Equipment:
        return Equipment(
            steps=self.loaded.steps,
            modules=self.loaded.connector_modules,
            lib=self.loaded.lib,
            config=self.loaded.environment,
            concurrency=self.loaded.config.limits.concurrency or 8,
            clock=self.clock,
            scrubber=self.scrubber,
        )

    def ordered_steps(self) -> list[Step]:
        """The steps in the order in which they start when several may; disabled ones as well."""
        return sorted(self.loaded.steps.values(), key=start_order)

    def step(self, name: str) -> Step:
        """The step called `name`. Raises NotFoundError."""
        try:
            return self.loaded.steps[name]
        except KeyError:
            raise NotFoundError(f"there is no step {name!r}", hint="aloma step list shows the names") from None


def run(workspace: Workspace, name: str, data: JsonObject) -> Task:
    """`Workspace.run` for code that is not asynchronous. Raises RuntimeError where an event loop runs already.

    Unlike `asyncio.run(workspace.run(…))` it does not wait for a step that ignores that it is cancelled.
    """
    import asyncio

    from aloma_cli.engine.shutdown import leave

    if loop_runs():
        raise RuntimeError("an event loop runs here already; write `await workspace.run(…)`")
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


def _given(settings: ModelSettings | None) -> Callable[[Past], ModelChoice]:
    """The choice of who opens a workspace in Python: `settings`; without them each task keeps its own way."""
    if settings is not None:
        return lambda _: ModelChoice(settings)
    return partial(resolve_models, ModelFlags(), {}, Config(), Config(), None)


def _past_of(tree: Tree) -> Past:
    kept = None if tree.answering is None else Answering.from_json(tree.answering)
    total = tree.root.total
    return Past(kept, real=total.answers > total.simulated, simulated=total.simulated > 0)


def _name(name: str) -> str:
    if not name.strip() or not name.isprintable():
        raise InputError(f"{name!r} cannot name a task: a name is one line of text")
    return name


def _document(data: Any) -> JsonObject:
    """A checked copy: what is wrong with it is found before anything is created."""
    if not isinstance(data, dict):
        raise InputError(f"a task's data must be a JSON object, got {type(data).__name__}")
    try:
        document: JsonObject = clean_copy(data)
    except DocumentError as error:
        raise InputError(f"a task's data must be JSON: {error}") from None
    for key in ("$errors", "$children"):
        if key in document:
            raise InputError(f"{key} is kept by the engine and cannot be given in a task's data")
    return document
