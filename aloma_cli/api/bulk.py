"""Many tasks of one kind in one process: one for each object of a sequence, each of them made once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from aloma_cli.api.once import create_once
from aloma_cli.budget import LimitRequest, Used, amounts
from aloma_cli.document.paths import MISSING, get, parse_path
from aloma_cli.errors import AlomaError, InputError
from aloma_cli.jsontext import JsonError, JsonObject, Path, dumps, kind_of, loads, with_article
from aloma_cli.record.figures import Figures
from aloma_cli.record.states import ACTIVE, SUSPENDED
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.api.task import Task
    from aloma_cli.api.workspace import Workspace

AGAIN = {*ACTIVE, *SUSPENDED, "error"}
"""The states of a task that is continued when its line comes again."""


@dataclass(frozen=True, slots=True)
class BulkLine:
    """One object, from line `number`. `key` is its identity: the same line in a later run is the same task."""

    number: int
    key: str
    data: JsonObject


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a line: its task, or an error. `skipped`: its task had ended before."""

    number: int
    task: Task | None = None
    error: AlomaError | None = None
    skipped: bool = False


def read_lines(lines: Iterable[str], name: str, key_field: str | None) -> Iterator[BulkLine | Result]:
    """The objects in lines of JSON; empty lines are left out. An invalid line is a Result with its error.

    A line's key is the value at the path `key_field`; else it is made of the line itself, and of how often it came.
    """
    seen: Counter[str] = Counter()
    path = None if key_field is None else parse_path(key_field)
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        try:
            data = _line_object(text)
            key = _counted_digest(data, seen) if path is None else _line_key(data, path, key_field or "", seen)
        except InputError as error:
            yield Result(number, error=error)
        else:
            yield BulkLine(number, f"{name}\n{key}", data)


@dataclass(slots=True)
class Bulk:
    """Runs the tasks, `jobs` at one time; `tell` gets each result as its task ends.

    `limits`, by their names in `budget.LIMITS`, hold for all tasks of this run together: once one is reached, no more
    tasks are started. `expect`: the goal of each task, as in `Workspace.run`.
    """

    home: Workspace
    name: str
    tell: Callable[[Result], object]
    jobs: int = 20
    tags: tuple[str, ...] = ()
    limits: Mapping[str, LimitRequest] = field(default_factory=dict)
    expect: JsonObject | None = None
    reached: str | None = None
    _figures: Figures = field(default_factory=Figures)
    _began: float = field(default_factory=time.monotonic)

    async def run(self, lines: Iterable[BulkLine | Result]) -> None:
        """All lines, or as many as the limits allow: then `reached` names the limit."""
        self.home.setup.check()
        running: set[asyncio.Task[None]] = set()
        try:
            for line in lines:
                if isinstance(line, Result):
                    self.tell(line)
                    continue
                while len(running) >= self.jobs:
                    _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                self.reached = self._limit()
                if self.reached is not None:
                    break
                running.add(asyncio.create_task(self._work_on(line)))
                await asyncio.sleep(0)
            if running:
                await asyncio.wait(running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _work_on(self, line: BulkLine) -> None:
        try:
            result = await self._task_of(line)
        except AlomaError as error:
            result = Result(line.number, error=error)
        if result.task is not None and not result.skipped:
            self._figures = Figures.total([self._figures, Figures.recorded(result.task.record)])
        self.tell(result)

    async def _task_of(self, line: BulkLine) -> Result:
        made = create_once(self.home, line.key, self.name, line.data, self.tags)
        if not isinstance(made, str):
            return Result(line.number, await self.home.start(made, limits=self._remaining(), expect=self.expect))
        root, task = made, self.home.task(made)
        if task.state in AGAIN:
            return Result(line.number, await self.home.resume(root, expect=self.expect))
        return Result(line.number, task, skipped=True)

    def _remaining(self) -> dict[str, LimitRequest]:
        """What one more task may spend."""
        used = self._used()
        return {name: LimitRequest(max(0, limit.value - used[name])) for name, limit in self.limits.items()}

    def _limit(self) -> str | None:
        """The limit that is reached, in words."""
        used = self._used()
        for name, limit in self.limits.items():
            if 0 < limit.value <= used[name]:
                return f"{name}: {used[name]:.6g} of {limit.value:g}"
        return None

    def _used(self) -> dict[str, float]:
        return amounts(Used(self._figures, time.monotonic() - self._began))


def _line_object(text: str) -> JsonObject:
    try:
        value = loads(text)
    except JsonError as error:
        raise InputError(f"it is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"it is {with_article(kind_of(value))}, not an object")
    return value


def _counted_digest(data: JsonObject, seen: Counter[str]) -> str:
    digest = hashlib.sha256(dumps(data).encode()).hexdigest()
    seen[digest] += 1
    return f"{digest}.{seen[digest]}"


def _line_key(data: JsonObject, path: Path, key_field: str, seen: Counter[str]) -> str:
    value = get(data, path)
    if value is MISSING or isinstance(value, dict | list) or value is None:
        raise InputError(f"it has no key at {key_field}")
    key = dumps(value)
    seen[key] += 1
    if seen[key] > 1:
        raise InputError(f"{key_field} {key} appears in an earlier line, too")
    return key
