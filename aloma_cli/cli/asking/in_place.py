"""Ask a person at the terminal while a task runs: the live view makes room, and the run continues with the answer."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from aloma_cli.api.inbox import answer_to, is_same
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli.asking.dialog import NoAnswerError, ask
from aloma_cli.cli.asking.heading import heading
from aloma_cli.cli.asking.keyboard import Keyboard
from aloma_cli.cli.asking.who import typed_by
from aloma_cli.cli.next_steps import unsettled
from aloma_cli.cli.output import say
from aloma_cli.errors import AlomaError
from aloma_cli.explain import cures
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import Committed, Event, FiringVoided, TaskRested
from aloma_cli.view.base import View
from aloma_cli.view.format import clean

_PATIENCE = 2.0


class _WithdrawnError(Exception):
    """The question is no longer open, or the run ends."""


class AskInPlace:
    """Asks the open questions of a running task from a thread of its own, within its context.

    A question that a person leaves open (Ctrl-D) is not asked again; it is answered from another terminal.
    """

    def __init__(self, home: Workspace, task_id: str, view: View) -> None:
        self._home = home
        self._task = task_id
        self._view = view
        self._news = threading.Event()
        self._ended = False
        self._left: list[JsonObject] = []
        self._asked: JsonObject = {}
        self._thread = threading.Thread(target=self._ask_all, name="aloma-asking", daemon=True)

    def __enter__(self) -> Self:
        self._say_unsettled()
        self._news.set()
        self._who = typed_by()
        self._keyboard = Keyboard(self._check_open)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._news.set()
        self._thread.join(_PATIENCE)

    def emit(self, event: Event) -> None:
        """Take in an event of the run, and show it."""
        self._view.emit(event)
        match event:
            case Committed() if event.asked or event.answers:
                self._news.set()
            case FiringVoided(reason="asking") | TaskRested():
                self._news.set()
            case FiringVoided(reason="unknown"):
                self._say_unsettled()

    def _say_unsettled(self) -> None:
        """Say which calls the person must settle elsewhere."""
        for line in unsettled(self._home.task(self._task).record):
            say(f"  {line}")

    def _ask_all(self) -> None:
        while not self._ended:
            self._news.wait()
            self._news.clear()
            while not self._ended and (asked := self._next_question()) is not None:
                self._ask_one(asked)

    def _open(self) -> list[JsonObject]:
        try:
            found: list[JsonObject] = self._home.task(self._task).record["questions"]
        except AlomaError:  # the run itself says what is wrong
            return []
        return found

    def _next_question(self) -> JsonObject | None:
        return next((one for one in self._open() if not any(is_same(one, left) for left in self._left)), None)

    def _is_open(self, asked: JsonObject) -> bool:
        return any(is_same(one, asked) for one in self._open())

    def _check_open(self) -> None:
        """Raise _WithdrawnError if the question that is being asked is no longer open."""
        if self._ended:
            raise _WithdrawnError
        if self._news.is_set():
            self._news.clear()
            if not self._is_open(self._asked):
                self._news.set()
                raise _WithdrawnError

    def _ask_one(self, asked: JsonObject) -> None:
        self._asked = asked
        self._view.pause()
        try:
            self._take_answer(asked)
        except NoAnswerError:
            self._left.append(asked)
            self._keyboard.say(f"  left open; to answer it: {cures.answer(asked, several=True)}")
        except _WithdrawnError:
            if not self._ended:
                self._keyboard.say("  this question is no longer open")
        finally:
            self._view.resume()

    def _take_answer(self, asked: JsonObject) -> None:
        task = self._home.task(asked["task"])
        for line in heading(asked, task.name, self._home.clock.now()):
            self._keyboard.say(line)
        while True:
            value = ask(asked, self._keyboard)
            try:
                self._home.submit(asked["task"], answer_to(asked, value, self._who))
            except AlomaError as error:
                self._keyboard.say(f"  {clean(error)}")
                if not self._is_open(asked):
                    raise _WithdrawnError from None
            else:
                return
