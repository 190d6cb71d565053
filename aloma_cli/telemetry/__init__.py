"""A run as a trace for OpenTelemetry: spans from the record, sent by OTLP over HTTP."""
