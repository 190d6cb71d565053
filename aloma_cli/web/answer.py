"""Answers of routes."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from aloma_cli.jsontext import Json, dumps


def answer(value: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON, on one line."""
    return Response(dumps(value) + "\n", status, headers, media_type="application/json")
