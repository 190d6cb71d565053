"""Work of a step that would be lost silently: it fails the firing, with the line and the fix."""

from __future__ import annotations

import ast
import asyncio
import inspect
import textwrap
import weakref
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from aloma_cli.content.authors import called_from, is_own, place
from aloma_cli.content.function import StepFunction
from aloma_cli.content.streams import Inside, current
from aloma_cli.errors import ContentError
from aloma_cli.values import dataclass


class ConnectorCall(Coroutine[Any, Any, Any]):
    """A call of a connector in an `async def`. It begins when it is awaited."""

    def __init__(self, name: str, begin: Callable[[], Coroutine[Any, Any, Any]], at: str | None) -> None:
        self.name = name
        self.at = at
        self.begun = False
        self.__name__ = self.__qualname__ = f"connectors.{name}"  # as warnings of asyncio call it
        self._begin = begin
        self._work: Coroutine[Any, Any, Any] | None = None

    def __await__(self) -> Any:
        return self._begun().__await__()

    def send(self, value: Any) -> Any:
        return self._begun().send(value)

    def throw(self, *error: Any) -> Any:
        return self._begun().throw(*error)

    def close(self) -> None:
        self.begun = True
        if self._work is not None:
            self._work.close()

    def drop(self) -> None:
        """Never begin it: a task that still holds it ends as cancelled, and Python does not warn as well."""
        self._begin = _dropped

    def _begun(self) -> Coroutine[Any, Any, Any]:
        if self._work is None:
            self.begun = True
            self._work = self._begin()
        return self._work


async def _dropped() -> Any:
    raise asyncio.CancelledError


@dataclass(slots=True)
class Loose:
    """The calls and tasks that one run of a firing has begun and may leave behind."""

    content: StepFunction
    calls: Sequence[ConnectorCall] = ()
    tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], str | None] | None = None

    def call(self, name: str, begin: Callable[[], Coroutine[Any, Any, Any]]) -> ConnectorCall:
        """A call that must be awaited before the step returns."""
        made = ConnectorCall(name, begin, called_from(self.content.source))
        self.calls = [*(call for call in self.calls if not call.begun), made]
        return made

    def refuse(self, returned: object) -> None:
        """Raise ContentError for lost work, after the step has returned."""
        if self.calls:
            self.refuse_forgotten()
        for _, at in self._left() if self.tasks else ():
            raise _lost(
                f"{self.content.step} returned while a task that it had started was still running",
                at,
                "await the task before the step returns",
            )
        if returned is not None:
            raise _returned(self.content, returned)

    def refuse_forgotten(self, error: BaseException | None = None) -> None:
        """Raise ContentError for a call that was not awaited, if it caused `error`."""
        left = [call for call in self.calls if not call.begun]
        if left and (error is None or ConnectorCall.__name__ in str(error)):
            for one in left:
                one.drop()
            call = f"connectors.{left[0].name}"
            cure = f'write "await {call}(…)"'
            raise _lost(f"{self.content.step} called {call} without await", left[0].at, cure) from None

    def cancel(self) -> None:
        """Cancel the tasks that are left."""
        for task, _ in self._left() if self.tasks else ():
            task.cancel()

    def started(self, task: asyncio.Task[Any]) -> None:
        """Enter a task that the step started."""
        if self.tasks is None:
            self.tasks = weakref.WeakKeyDictionary()
        self.tasks[task] = called_from(self.content.source)

    def _left(self) -> list[tuple[asyncio.Task[Any], str | None]]:
        begun = list((self.tasks or {}).items())
        return [(task, at) for task, at in begun if not task.done() and not task.cancelling() and _is_own_task(task)]


def _is_own_task(task: asyncio.Task[Any]) -> bool:
    """Whether an author wrote the task, or what it waits for; tasks of libraries are left alone."""
    work: Any = task.get_coro()
    while work is not None:
        if isinstance(work, ConnectorCall):
            return True
        code = getattr(work, "cr_code", None)
        if code is not None and is_own(code.co_filename):
            return True
        work = getattr(work, "cr_await", None)
    return False


def _lost(what: str, at: str | None, cure: str) -> ContentError:
    return ContentError(f"{what}{f' ({at})' if at else ''}: {cure}", place=at)


def _returned(content: StepFunction, value: object) -> ContentError:
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # it is refused, so that Python does not warn as well
        cure = "write it as `async def content(…)`"
        return _lost(f"{content.step} returned an awaitable", place_in_content(content, lambda _: False), cure)
    at = place_in_content(content, lambda node: isinstance(node, ast.Return) and node.value is not None)
    cure = "write into data"
    return _lost(f"{content.step} returned {kind_of_value(value)}; the return value of content is ignored", at, cure)


def kind_of_value(value: object) -> str:
    """`a dict`, `an int`."""
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"


def place_in_content(content: StepFunction, wanted: Callable[[ast.AST], bool]) -> str | None:
    """`file:line` of the first node of the step's content that is `wanted`, else of its first line."""
    try:
        function: Any = inspect.unwrap(content.function)
        lines, first = inspect.getsourcelines(function)
        nodes = _own_nodes(ast.parse(textwrap.dedent("".join(lines))).body[0])
        line = next((node.lineno + first - 1 for node in nodes if wanted(node) and hasattr(node, "lineno")), first)
        return place(function.__code__.co_filename, line, content.source)
    except (AttributeError, OSError, SyntaxError, TypeError):  # typed at a prompt, a partial, a lambda in an expression
        return None


def _own_nodes(function: ast.AST) -> Iterator[Any]:
    """The nodes of a function, without those of inner functions."""
    for node in ast.iter_child_nodes(function):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield from _own_nodes(node)


# -- which tasks a firing starts ---------------------------------------------------------------------------------------

_unwatched: ContextVar[Inside | None] = ContextVar("aloma_unwatched", default=None)


@contextmanager
def unwatched() -> Iterator[None]:
    """A context in which started tasks are not reported to the current firing."""
    token = _unwatched.set(current())
    try:
        yield
    finally:
        _unwatched.reset(token)


@contextmanager
def tasks_noticed(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let `loop` report to firings the tasks that are started inside of them, until the end."""
    factory = loop.get_task_factory()
    if not isinstance(factory, _Factory):  # of many runs on one loop the first installs it
        factory = _Factory(factory)
        loop.set_task_factory(factory)
    factory.runs += 1
    try:
        yield
    finally:
        factory.runs -= 1
        # What others installed on top of it stays, and so does it: it is taken out when it is on top.
        while isinstance(top := loop.get_task_factory(), _Factory) and not top.runs:
            loop.set_task_factory(top.before)


class _Factory:
    def __init__(self, before: Any) -> None:
        self.before = before
        self.runs = 0

    def __call__(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> Any:
        task = self.before(loop, work, **options) if self.before else asyncio.Task(work, loop=loop, **options)
        inside = current() if self.runs else None
        if inside is not None and inside is not _unwatched.get():
            inside.started(task)
        return task
