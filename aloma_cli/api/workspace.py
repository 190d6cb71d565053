"""A workspace in Python: open one from disk or make one from steps, and run tasks in it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from aloma_cli.api.records import Records, file_store
from aloma_cli.api.session import Equipment, run_claim
from aloma_cli.api.task import Task, document_at, read_tree, task_of
from aloma_cli.budget import Wish
from aloma_cli.clock import Clock, to_iso
from aloma_cli.connectors import ModelSettings, open_connectors
from aloma_cli.document import apply, clean_copy
from aloma_cli.engine.fields import KEPT
from aloma_cli.engine.ledger import Emit
from aloma_cli.engine.persons import assign, read_request
from aloma_cli.engine.plan import Plan, start_order
from aloma_cli.engine.run import Run
from aloma_cli.engine.scrubbing import clean_request
from aloma_cli.engine.state import TaskState, Tree
from aloma_cli.errors import DocumentError, InputError, NotFoundError, StepError, TaskLockedError
from aloma_cli.events import Event, TaskCreated
from aloma_cli.ids import new_task_id, root_of
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.jsontext import Path as Keys
from aloma_cli.loader import LoadedWorkspace, ModelFlags, load_workspace, read_user_config, resolve_models
from aloma_cli.loader.config import user_config_path
from aloma_cli.loader.workspace import Hide, hide_nothing
from aloma_cli.scrub import Scrubber
from aloma_cli.step import Step
from aloma_cli.store import Claim, MemoryStore


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
        self.models = models or ModelSettings(offline=True)
        self.notice: str | None = None
        """What the user should know about the choice of the model server."""
        super().__init__(MemoryStore() if folder is None else file_store(Path(folder)), clock=clock)

    @classmethod
    def open(
        cls,
        path: str | Path | None = None,
        *,
        flags: ModelFlags | None = None,
        environ: Mapping[str, str] | None = None,
        hide: Hide = hide_nothing,
    ) -> Workspace:
        """Open the workspace at `path`, or the one around the current folder.

        `hide` is told of the secrets there are as soon as they are known, before any file of the workspace is run.
        Raises WorkspaceError where there is none, ConfigError and CredentialsError. A broken step file is reported
        by `check`, and so by the first run.
        """
        environ = os.environ if environ is None else environ
        workspace = cls.loading(path, environ=environ, hide=hide)
        loaded, user_config = workspace.loaded, read_user_config(user_config_path())
        choice = resolve_models(flags or ModelFlags(), environ, loaded.config, user_config, loaded.root)
        workspace.models, workspace.notice = choice
        return workspace

    @classmethod
    def loading(
        cls,
        path: str | Path | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        hide: Hide = hide_nothing,
    ) -> Workspace:
        """Like `open`, for those who call no model."""
        key = read_user_config(user_config_path()).openai.api_key_env
        environ = os.environ if environ is None else environ
        loaded = load_workspace(path, Path.cwd(), environ, keys=[key] if key else [], hide=hide)
        return cls(folder=loaded.root, loaded=loaded)

    @property
    def scrubber(self) -> Scrubber:
        """What keeps secrets out of records and views."""
        keys = [("api-key", self.models.api_key)] if self.models.api_key else []
        return Scrubber((*self.loaded.secrets, *keys))

    def check(self) -> None:
        """Raise what would keep any task from running: the StepError of a broken file, a ConfigError."""
        self.loaded.check()
        open_connectors(self.models, self.loaded.connector_modules)

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
        return await self.carry_on(claim, emit, before=lambda run: run.set_limits(wishes), wait=wait)

    def document_of(
        self, task: Task, *, at: int | None = None, assignments: Iterable[tuple[Keys, Json]] = ()
    ) -> JsonObject:
        """The document of a task for a copy of it: now, or after entry `at` of its log, with values changed.

        Raises InputError for an entry that is not there, and for a value that cannot be written.
        """
        document = task.data if at is None else document_at(task, at)
        kept = {key: value for key, value in document.items() if key not in KEPT}
        return cast("JsonObject", apply(kept, assign(kept, assignments)))

    def create(self, name: str, data: JsonObject, *, tags: Iterable[str] = ()) -> tuple[Claim, TaskCreated]:
        """Create a task without running it."""
        self.check()
        now, scrubber = self.clock.now(), self.scrubber
        created = TaskCreated(
            at=to_iso(now),
            task=new_task_id(now),
            name=scrubber.text(_name(name)),
            data=scrubber.value(_document(data)),
            tags=tuple(map(scrubber.text, (*self.loaded.config.tags, *tags))),
        )
        return self.store.create(created.task, [created]), created

    async def resume(
        self,
        task_id: str,
        emit: Emit = _ignore,
        *,
        limits: Mapping[str, Wish] = MappingProxyType({}),
        wait: bool = False,
    ) -> Task:
        """Go on with a task: interrupted, limited, in error (its failed steps are tried again), or without progress.

        `limits` takes the place of those the task has. Raises NotFoundError, TaskLockedError. A closed task is given
        back as it is.
        """
        self.check()
        task_id = self.find(task_id)
        claim = self.store.claim(root_of(task_id))

        def before(run: Run) -> None:
            run.set_limits(limits)
            run.retry_failed()
            run.go_round_again()

        return await self.carry_on(claim, emit, before=before, task_id=task_id, wait=wait)

    def is_over(self, task: Task) -> bool:
        """Whether nothing in the tree of a task is under way: the subtasks of one that completed may be."""
        return all(one.rest is not None for one in Tree.of(task.tree_journal).tasks.values())

    def republish(self, task: Task) -> None:
        """Put the record of a tree where readers find it quickly, if a kill came before that."""
        root = root_of(task.id)
        if self.store.summary(root) is not None:
            return
        with contextlib.suppress(TaskLockedError), contextlib.closing(self.store.claim(root)) as claim:
            Run(claim, Plan(()), clock=self.clock, emit=_ignore).publish()

    def changed_steps(self, journal: Iterable[Event]) -> dict[str, str]:
        """The steps that fired in a tree, by its journal, and are not any more what they were then.

        Each with what is different: its condition (so that it is armed again), its content, or that it is gone.
        """
        tasks = Tree.of(journal).tasks.values()
        found = {name: self._difference(name, task) for task in tasks for name in task.codes}
        return {name: difference for name, difference in sorted(found.items()) if difference is not None}

    def _difference(self, name: str, task: TaskState) -> str | None:
        step = self.loaded.steps.get(name)
        if step is None:
            return "gone"
        if step.condition.fingerprint != task.conditions[name]:
            return "condition"
        return None if step.code == task.codes[name] else "content"

    def stop(self, text: str, reason: str = "stopped by a person") -> Task | None:
        """Stop a task and its subtasks; as `submit`."""
        return self.submit(text, {"kind": "stop", "reason": reason})

    def submit(self, text: str, request: JsonObject) -> Task | None:
        """Write what a person asks of a task (`docs/format.md`, Requests) into its record, and start nothing.

        Where another process runs the task, that process is asked to, and None is given: it will be done soon.
        Raises NotFoundError, and InputError for a request that makes no sense.
        """
        task_id = self.find(text)
        request = {**request, "task": task_id}
        try:
            claim = self.store.claim(root_of(task_id))
        except TaskLockedError:
            request = clean_request(self.scrubber, request)
            read_request(read_tree(self.store, root_of(task_id)), request)
            self.store.post(root_of(task_id), request)
            return self._write_what_was_left(task_id)
        return self._write(claim, task_id, lambda run: run.carry_out(request))

    def _write_what_was_left(self, task_id: str) -> Task | None:
        """Carry out what was asked of a process that ended in that very moment; None where it did that itself."""
        try:
            claim = self.store.claim(root_of(task_id))
        except TaskLockedError:
            return None
        if not claim.requests():  # it has done it, as the last thing before it ended
            claim.close()
            return None
        return self._write(claim, task_id, lambda run: run.take_requests())

    def _write(self, claim: Claim, task_id: str, what: Callable[[Run], object]) -> Task:
        """Do `what` to a claimed tree, start nothing, and give the claim up."""
        with contextlib.closing(claim):
            plan = Plan(self.loaded.steps.values())
            run = Run(claim, plan, clock=self.clock, emit=_ignore, scrubber=self.scrubber)
            what(run)
            run.write()
            return task_of(self.store, run.tree, task_id)

    async def go_on(self, text: str, request: JsonObject, emit: Emit = _ignore) -> Task:
        """Carry out what a person asks of a task, and run the task on. Raises as `submit`, and TaskLockedError."""
        self.check()
        task_id = self.find(text)
        request = {**request, "task": task_id}
        claim = self.store.claim(root_of(task_id))
        return await self.carry_on(claim, emit, before=lambda run: run.carry_out(request), task_id=task_id)

    async def carry_on(
        self,
        claim: Claim,
        emit: Emit = _ignore,
        *,
        before: Callable[[Run], object] = lambda _: None,
        task_id: str | None = None,
        wait: bool = False,
    ) -> Task:
        """Run a claimed tree until it is at rest, and give the claim up."""
        tree = await run_claim(claim, self._equipment(), emit, before=before, wait=wait)
        return task_of(self.store, tree, task_id or claim.root)

    def _equipment(self) -> Equipment:
        return Equipment(
            steps=self.loaded.steps,
            settings=self.models,
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

    from aloma_cli.engine.leaving import leave

    if _loop_runs():
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


def _loop_runs() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _by_name(steps: Iterable[Step]) -> dict[str, Step]:
    named: dict[str, Step] = {}
    for step in steps:
        if named.setdefault(step.name, step) is not step:
            raise StepError(f"two steps are called {step.name!r}")
    return named


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
