"""The full-screen view at a terminal. Textual reads the keys, draws, and leaves the terminal as it was."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.events import Key
from textual.timer import Timer
from textual.widget import Widget

from aloma_cli.cli.watching.stage import Stage
from aloma_cli.record.events import Event
from aloma_cli.view.width import Size

Follow = Callable[[Callable[[Event], None]], Coroutine[Any, Any, object]]


class _Picture(Widget):
    """The lines of a stage, in the size that the terminal has."""

    DEFAULT_CSS = "_Picture { width: 100%; height: 100%; background: ansi_default; color: ansi_default; }"

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def render(self) -> Text:
        return Text("\n", no_wrap=True).join(self._stage.frame(Size(self.size.width, self.size.height)))


class Watching(App[BaseException | int]):
    """Shows `stage` until it is ended. `follow` passes what happens meanwhile on; `is_held` tells whether a process
    runs the task. What it returns: an error that ended it, or the number of a signal."""

    CSS = "Screen { background: ansi_default; color: ansi_default; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[Any] = [("ctrl+c", "end", ""), ("ctrl+q", "end", "")]

    def __init__(self, stage: Stage, follow: Follow, is_held: Callable[[], bool]) -> None:
        super().__init__(ansi_color=True)
        self._stage, self._follow, self._is_held = stage, follow, is_held
        self._due: Timer | None = None

    def compose(self) -> ComposeResult:
        yield _Picture(self._stage)

    def on_mount(self) -> None:
        self.run_worker(self._keep_following(), exit_on_error=False)
        self.set_interval(_LOOK, self._look)

    def on_key(self, event: Key) -> None:
        event.stop()
        self._stage.press(event.key, event.character)
        self._draw_stage()

    def action_end(self) -> None:
        self.exit()

    async def _keep_following(self) -> None:
        try:
            await self._follow(self._take_event)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is raised when the terminal is as it was)
            self.exit(error)

    def _take_event(self, event: Event) -> None:
        self._stage.take(event)
        self._draw_stage()

    def _look(self) -> None:
        """See whether the process that runs the task is still there: if it dies, nothing comes from it."""
        held = self._is_held()
        if held != self._stage.held:
            self._stage.held = held
            self.query_one(_Picture).refresh()

    def _play(self) -> None:
        self._due = None
        self._stage.play()
        self._draw_stage()

    def _draw_stage(self) -> None:
        """Draw, and wait for the next entry where the run is played."""
        if self._stage.state.ended:
            self.exit()
        if self._due is not None:
            self._due.stop()
        seconds = self._stage.next_in
        self._due = None if seconds is None else self.set_timer(max(_SHORTEST, seconds), self._play)
        self.query_one(_Picture).refresh()

    def _handle_exception(self, error: Exception) -> None:
        """An error of the view ends it; the command reports it, not Textual."""
        super()._handle_exception(error) if self.is_headless else self.exit(error)


_SHORTEST = 0.02
_LOOK = 1.0


def show(stage: Stage, follow: Follow, is_held: Callable[[], bool]) -> int:
    """Show it at the terminal; returns the exit code. Raises what ended it."""
    ended = asyncio.run(_run_app(Watching(stage, follow, is_held)))
    if isinstance(ended, BaseException):
        raise ended
    return 0 if ended in (None, signal.SIGINT) else 128 + ended


async def _run_app(app: Watching) -> BaseException | int | None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.exit, number)
    return await app.run_async(mouse=False)
