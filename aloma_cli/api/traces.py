"""Send what is on record of a task to a collector of OpenTelemetry."""

from __future__ import annotations

from contextlib import closing

from aloma_cli.store.protocol import Store
from aloma_cli.telemetry.otlp import Collector
from aloma_cli.telemetry.settings import OtelSettings
from aloma_cli.telemetry.spans import spans_of


def send_trace(store: Store, root: str, settings: OtelSettings) -> int:
    """Send the trace of a tree, and return the number of its spans.

    Raises NotFoundError, JournalDamagedError; TelemetryError where the collector does not take it.
    """
    events = (event for batch in store.read(root) for event in batch.events)
    with closing(Collector(settings)) as collector:
        return collector.send(spans_of(events, texts=settings.prompts))
