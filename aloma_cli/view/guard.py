"""Drop a view that fails; the run continues."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

from aloma_cli.record.events import Event
from aloma_cli.record.tree import Tree
from aloma_cli.view.base import View
from aloma_cli.view.format import clean


class Guarded(View):
    """`view` until it raises; then one note on `notes`, unless the terminal is gone, and silence."""

    def __init__(self, view: View, notes: TextIO) -> None:
        self._view = view
        self._notes = notes

    def __enter__(self) -> Self:
        with self._dropping():
            self._view.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._dropping():
            self._view.__exit__(kind, error, trace)

    def recall(self, tree: Tree) -> None:
        with self._dropping():
            self._view.recall(tree)

    def emit(self, event: Event) -> None:
        with self._dropping():
            self._view.emit(event)

    def pause(self) -> None:
        with self._dropping():
            self._view.pause()

    def resume(self) -> None:
        with self._dropping():
            self._view.resume()

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  (a fault of the view, of any kind, must not stop a run)
            self._drop(error)

    def _drop(self, error: Exception) -> None:
        view, self._view = self._view, View()
        with contextlib.suppress(Exception):
            view.__exit__(type(error), error, error.__traceback__)
        if not isinstance(error, OSError):
            reason = f"{type(error).__name__}: {clean(error)}"
            note = f"aloma: the view failed and is switched off; the run continues ({reason})"
            with contextlib.suppress(OSError, ValueError):
                self._notes.write(note + "\n")
                self._notes.flush()
