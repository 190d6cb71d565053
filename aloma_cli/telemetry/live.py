"""Send the spans of runs while they run, from one thread: a collector never holds up or fails a task."""

from __future__ import annotations

import atexit
import logging
import queue
import threading
from collections.abc import Callable

from aloma_cli.record.events import Event
from aloma_cli.record.tree import Tree
from aloma_cli.telemetry.otlp import BATCH, Collector, TelemetryError
from aloma_cli.telemetry.spans import Span, Spans

MOST = 10_000
"""The most spans that wait to be sent; further ones are dropped."""

GRACE = 5.0
"""Seconds that the last spans get when the process ends."""

Emit = Callable[[Event], None]

_log = logging.getLogger(__name__)


class Followed:
    """The events of one run become spans. `open` gets the tree of the run before its first event."""

    def __init__(self, show: Emit, put: Callable[[Span], None], *, texts: bool) -> None:
        self._show, self._enqueue, self._texts = show, put, texts
        self._spans: Spans | None = None

    def open(self, tree: Tree) -> None:
        self._spans = Spans(tree, self._texts)

    def emit(self, event: Event) -> None:
        self._show(event)
        for span in self._spans.of(event) if self._spans is not None else ():
            self._enqueue(span)


class LiveTraces:
    """Sends spans to a collector; `texts`: with prompts and answers. What goes wrong is logged once."""

    def __init__(self, collector: Collector, *, texts: bool) -> None:
        self._collector, self._texts = collector, texts
        self._waiting: queue.Queue[Span | None] = queue.Queue(MOST)
        self._has_failed = False
        self._thread = threading.Thread(target=self._send_batches, name="aloma-otel", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def follow(self, show: Emit) -> Followed:
        """What takes the events of one run, and shows them to `show`."""
        return Followed(show, self._enqueue, texts=self._texts)

    def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        atexit.unregister(self.close)
        self._enqueue(None)
        self._thread.join(GRACE)

    def _enqueue(self, span: Span | None) -> None:
        try:
            self._waiting.put_nowait(span)
        except queue.Full:
            self._fail(f"more than {MOST:,} spans wait for the collector, and the others are dropped")

    def _send_batches(self) -> None:
        ended = False
        while not ended:
            batch = [self._waiting.get()]
            while len(batch) < BATCH and not self._waiting.empty():
                batch.append(self._waiting.get())
            ended = None in batch
            try:
                self._collector.send(span for span in batch if span is not None)
            except TelemetryError as error:
                self._fail(str(error))
        self._collector.close()

    def _fail(self, reason: str) -> None:
        if not self._has_failed:
            self._has_failed = True
            _log.warning("%s", reason)
