"""Send spans to a collector, by OTLP over HTTP. The extra `otel` brings the library."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING

from aloma_cli.connectors.address import shown
from aloma_cli.errors import AlomaError
from aloma_cli.extras import extra
from aloma_cli.telemetry.settings import OtelSettings
from aloma_cli.telemetry.spans import Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

TIMEOUT = 10.0
"""Seconds for one batch, with its tries."""

BATCH = 500

_SECOND = 1_000_000_000


class TelemetryError(AlomaError):
    """A collector did not take the spans."""


class Collector:
    """A connection to a collector. Raises WorkspaceError where the extra is missing."""

    def __init__(self, settings: OtelSettings) -> None:
        with extra("otel", "the library for OpenTelemetry"):
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
        self._shown = shown(settings.endpoint)
        self._exporter = OTLPSpanExporter(settings.endpoint, headers=dict(settings.headers), timeout=TIMEOUT)
        # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say something else where they are set.
        known = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        self._resource = Resource.create({} if known else {"service.name": "aloma"})

    def send(self, spans: Iterable[Span]) -> int:
        """Send spans and give their number. Raises TelemetryError."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        sent, left = 0, iter(spans)
        while batch := [self._readable(span) for span in islice(left, BATCH)]:
            with _reasons() as reasons:
                result = self._exporter.export(batch)
            if result is not SpanExportResult.SUCCESS:
                reason = reasons[-1] if reasons else "it refused them"
                raise TelemetryError(f"{self._shown} did not take the spans: {reason}", hint="check the URL")
            sent += len(batch)
        return sent

    def close(self) -> None:
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: Span) -> ReadableSpan:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

        def context(number: int) -> SpanContext:
            return SpanContext(span.trace, number, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))

        failed = {} if span.error is None else {"error.type": span.error}
        return ReadableSpan(
            span.name,
            context(span.id),
            None if span.parent is None else context(span.parent),
            self._resource,
            {**span.attributes, **failed},
            kind=SpanKind.CLIENT if span.client else SpanKind.INTERNAL,
            status=Status(StatusCode.UNSET if span.error is None else StatusCode.ERROR, span.error),
            start_time=int(span.begin * _SECOND),
            end_time=int(span.end * _SECOND),
            instrumentation_scope=InstrumentationScope("aloma", version("aloma-cli")),
        )


@contextmanager
def _reasons() -> Iterator[list[str]]:
    """What the library logs in this block, which is the only place where it says what went wrong."""
    reasons: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: reasons.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("opentelemetry")
    before = logger.propagate
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield reasons
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
