"""Send what is on record of a task to a collector of OpenTelemetry."""

from __future__ import annotations

from aloma_cli.store.protocol import Store
from aloma_cli.telemetry.otlp import Collector
from aloma_cli.telemetry.settings import OtelSettings
from aloma_cli.telemetry.spans import spans_of


def send_trace(store: Store, root: str, settings: OtelSettings) -> int:
    """Send the trace of a tree, and return the number of its spans.

    Raises NotFoundError, JournalDamagedError; TelemetryError where the collector does not take it.
    """
    collector = Collector(settings)
    events = (event for batch in store.read(root) for event in batch.events)
    try:
        return collector.send(spans_of(events, texts=settings.prompts))
    finally:
        collector.close()
