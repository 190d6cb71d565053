"""Play tasks in memory: no key, no disk, no waiting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aloma_cli.api.task import Task
from aloma_cli.api.workspace import Workspace
from aloma_cli.budget import LimitRequest
from aloma_cli.clock import from_iso
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.content.step import Step
from aloma_cli.jsontext import Json, JsonObject, loads
from aloma_cli.loader.environment import Environment
from aloma_cli.loader.workspace import LoadedWorkspace, load_workspace
from aloma_cli.testing.played import PlayedFiring, PlayedRecord, mismatches, story, unknown
from aloma_cli.testing.script import Script
from aloma_cli.testing.timeline import RealTime, Timeline

NOW = "2026-01-01T09:00:00.000Z"
NO_LIMITS: Mapping[str, float] = MappingProxyType({})


class Home:
    """The workspace under test. `root`: its folder, None for one made of steps in the test."""

    def __init__(self, loaded: LoadedWorkspace) -> None:
        self.loaded = loaded
        self.root = loaded.root
        self.steps: Mapping[str, Step] = loaded.steps

    @classmethod
    def open(cls, path: str | Path) -> Home:
        """The workspace at `path`. Raises WorkspaceError, ConfigError, and StepError for a broken file."""
        return cls(load_workspace(path, Path.cwd(), {}))

    @classmethod
    def of(cls, steps: Iterable[Step], **connectors: Any) -> Home:
        """A workspace of these steps and connectors (objects with functions)."""
        return cls(LoadedWorkspace(steps={step.name: step for step in steps}, connector_modules=connectors))

    def example(self, name: str) -> Any:
        """The data in `examples/NAME.json`."""
        return loads(((self.root or Path()) / "examples" / f"{name}.json").read_bytes())


class Play:
    """Plays tasks of a workspace with the answers of a script; called with the data of a task.

        played = play({"message": "Are you open?"})
        played = play(workspace.example("letter"), config={"SHOP": "Sol"}, now="2026-03-01T08:00:00Z")

    `plays` are all that were made, for the report of a test that failed. `models`: the server of a live play.
    """

    def __init__(self, home: Home, script: Script, *, models: ModelSettings | None = None) -> None:
        self._home = home
        self._script = script
        self._models = models
        self.plays: list[Played] = []

    def __call__(
        self,
        data: JsonObject,
        *,
        name: str = "test",
        config: Mapping[str, str] | None = None,
        now: str = NOW,
        concurrency: int | None = None,
        limits: Mapping[str, float] = NO_LIMITS,
    ) -> Played:
        """Run a task until it is at rest. `config`: values for `config(…)`; the environment is not read.

        `limits`: what it may spend, by the names in `budget.LIMITS`.

        Raises AssertionError if a step made a call that is not scripted, and what `Workspace.run` raises.
        """
        # Else the first answers would be read in threads meanwhile, whose time is real.
        import jsonschema  # noqa: F401

        timeline = RealTime() if self._models else Timeline(from_iso(now))
        workspace = Workspace(
            loaded=_prepared(self._home.loaded, config or {}, concurrency),
            models=self._models or ModelSettings(offline=True, models=self._home.loaded.config.models),
            clock=timeline,
            intercept=self._script.intercept,
        )
        new = workspace.create(name, data)
        wanted = {limit: LimitRequest(value) for limit, value in limits.items()}
        task = timeline.run(workspace.start(new, limits=wanted))
        played = Played(workspace, timeline, self._script, task)
        self.plays.append(played)
        return played.checked()


class Played(PlayedRecord):
    """A task that was played, and can continue: be answered, changed, resumed later."""

    def __init__(self, workspace: Workspace, timeline: Timeline | RealTime, script: Script, task: Task) -> None:
        self._workspace = workspace
        self._timeline = timeline
        self._script = script
        self._take_task(task)

    def _take_task(self, task: Task) -> None:
        self._task = task
        super().__init__(task.tree_journal)

    @property
    def id(self) -> str:
        return self._task.id

    @property
    def state(self) -> str:
        """done, question, error, ignored, …: see `aloma task list`."""
        return self._task.state

    @property
    def data(self) -> JsonObject:
        """The document."""
        return self._task.data

    @property
    def result(self) -> Json:
        """What `task.complete` was given."""
        return self._task.result

    @property
    def record(self) -> JsonObject:
        """What `aloma task show --json` prints, without the document."""
        return self._task.record

    @property
    def seconds(self) -> float:
        """How long the task took, by its own clock; a wait of a day is a day."""
        return from_iso(self.events[-1].at) - from_iso(self.events[0].at)

    @property
    def questions(self) -> list[str]:
        """The open questions."""
        return [asked["question"] for asked in self.record["questions"]]

    @property
    def subtasks(self) -> dict[str, Task]:
        """The subtasks by name, at any depth; each has `state`, `data` and `result`."""
        tasks = (self._workspace.task(task) for task in {event.task for event in self.events} if task != self.id)
        return {task.name: task for task in tasks}

    def answer(self, value: Json, *, into: str | None = None) -> Played:
        """Answer the first open question, or the one whose answer goes `into` a place, and continue."""
        if not self.record["questions"]:
            raise AssertionError(f"the task has no open question; it is {self.state}\n\n{self.story()}")
        asked = next((one for one in self.record["questions"] if into in (None, one["into"])), None)
        if asked is None:
            raise AssertionError(f"there is no open question for {into}; {self.record['questions']}")
        which = {"into": asked["into"], "call": asked.get("call")}
        self._timeline.run(self._workspace.answer(asked["task"], value, **which))
        return self._again()

    def set(self, **values: Json) -> Played:
        """Write into the document, as `aloma task set` does, and continue: `played.set(**{"order.paid": True})`."""
        self._timeline.run(self._workspace.set(self.id, values))
        return self._again()

    def later(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> Played:
        """Let time pass while no process runs the task, then resume it."""
        self._timeline.jump(seconds + 60 * minutes + 3600 * hours + 86_400 * days)
        return self.resume()

    def resume(self) -> Played:
        """Resume the task, as `aloma task resume` does."""
        self._timeline.run(self._workspace.resume(self.id))
        return self._again()

    def prompt(self, step: str) -> str:
        """The prompt of the first call of a step."""
        calls = self.calls_of(step)
        if not calls:
            raise AssertionError(f"{step} made no call: {self.why_not(step)}\n\n{self.story()}")
        return calls[0].prompt

    def firing(self, step: str) -> PlayedFiring:
        """The first firing of a step that ended."""
        found = next((firing for firing in self.firings if firing.step == step), None)
        if found is None:
            raise AssertionError(f"{step} did not fire: {self.why_not(step)}\n\n{self.story()}")
        return found

    def assert_fired(self, *steps: str) -> None:
        """These steps fired, in the order of their commits, and no others did."""
        if list(steps) == self.fired:
            return
        missing = [step for step in dict.fromkeys(steps) if step not in self.fired]
        reasons = [f"  {step} did not fire: {self.why_not(step)}" for step in missing]
        found, wanted = ", ".join(self.fired) or "none", ", ".join(steps) or "none"
        raise AssertionError("\n".join([f"fired: {found}", f"wanted: {wanted}", *reasons, "", self.story()]))

    def assert_data(self, pattern: dict[str, Any]) -> None:
        """The document matches `pattern`, which is written as a condition."""
        wrong = mismatches(pattern, self.data)
        if wrong:
            raise AssertionError(
                "\n".join(["the document does not match:", *map("  {}".format, wrong), "", self.story()])
            )

    def why_not(self, step: str) -> str:
        """Why the condition of a step does not hold on the document of the task."""
        if step not in self._workspace.steps:
            return unknown(step, self._workspace.steps)
        found = self._workspace.steps[step].condition.mismatches(self.data)
        return "; ".join(map(str, found)) or "its condition holds, and it has fired, failed or looked before"

    def story(self) -> str:
        """The log, the document and the steps that came nearest, for a test that failed."""
        seen = {firing.step for firing in self.firings}
        steps = [step for step in self._workspace.steps.values() if step.name not in seen and step.enabled]
        nearest = sorted(steps, key=lambda step: step.condition.nearness(self.data), reverse=True)[:3]
        lines = [f"{step.name}: {self.why_not(step.name)}" for step in nearest]
        unused = [f"no call used the answers for {step!r}" for step in self._script.unused]
        return "\n".join([story(self.log(), self.data, lines), *unused])

    def checked(self) -> Played:
        """The same. Raises AssertionError if a step made a call that is not scripted."""
        calls, self._script.unscripted = self._script.unscripted, []
        if calls:
            cure = self._script.cure
            lines = [f"{call.step} called {call.name}, which is not scripted; {cure(call)}" for call in calls]
            raise AssertionError("\n".join([*dict.fromkeys(lines), "", self.story()]))
        return self

    def _again(self) -> Played:
        self._take_task(self._workspace.task(self.id))
        return self.checked()


def _prepared(loaded: LoadedWorkspace, config: Mapping[str, str], concurrency: int | None) -> LoadedWorkspace:
    """A workspace whose secrets are made up, and whose `config` is that of the test and of aloma.yaml."""
    invented = {name: f"test-{name}" for name in loaded.config.secrets}
    settings = loaded.config
    if concurrency is not None:
        settings = replace(settings, limits=replace(settings.limits, concurrency=concurrency))
    environment = Environment((config, settings.environment, invented))
    return replace(loaded, config=settings, environment=environment)
