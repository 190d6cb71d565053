"""The document for a copy of a task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from aloma_cli.api.task import Task, document_at
from aloma_cli.document.changes import apply
from aloma_cli.document.reserved import READ_ONLY
from aloma_cli.engine.requests import assign
from aloma_cli.jsontext import Json, JsonObject, Path


def document_for_copy(
    task: Task, *, at: int | None = None, assignments: Iterable[tuple[Path, Json]] = ()
) -> JsonObject:
    """The document of a task: now, or after entry `at` of its log, with values changed.

    Raises InputError for an unknown entry, and for a value that cannot be written.
    """
    document = task.data if at is None else document_at(task, at)
    kept = {key: value for key, value in document.items() if key not in READ_ONLY}
    return cast("JsonObject", apply(kept, assign(kept, assignments)))
