"""What model servers were found to honour, remembered in a file: calls start with what works.

The file is a cache. If it is missing, damaged or cannot be written, everything is found out again.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.connectors.address import split_login
from aloma_cli.jsontext import Json, JsonError, JsonObject, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT_FOR = 30 * 86_400.0
"""Seconds after which a finding is tried again, because servers are updated."""


class Honours:
    """The findings about each model of each server, as JSON objects.

    A finding has `form` (`json_schema`, `json_object` or `words`), `without` (keywords refused inside a schema),
    `tools` and `streaming` (true or false); what was not tried is missing. `path` None: nothing is remembered. `now`:
    seconds since 1970.
    """

    def __init__(self, path: Path | None, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now

    def load(self, base_url: str, model: str) -> JsonObject:
        """The finding about a model; empty if there is none or it is too old."""
        finding = self._all_entries().get(_entry_key(base_url, model), {})
        return {name: value for name, value in finding.items() if name != "at"}

    def save(self, base_url: str, model: str, **found: Json) -> None:
        """Remember `found` besides what else is known of the model."""
        known = self.load(base_url, model)
        if self._path is None or known == known | found:
            return
        findings = self._all_entries() | {_entry_key(base_url, model): {**known, **found, "at": self._now()}}
        with contextlib.suppress(OSError):
            _replace(self._path, dumps(findings))

    def forget(self, base_url: str, model: str) -> None:
        """Drop the finding about a model, so that it is found out again."""
        findings = self._all_entries()
        if self._path is not None and findings.pop(_entry_key(base_url, model), None) is not None:
            with contextlib.suppress(OSError):
                _replace(self._path, dumps(findings))

    def _all_entries(self) -> JsonObject:
        if self._path is None:
            return {}
        try:
            findings = loads(self._path.read_bytes())
        except (OSError, JsonError):
            return {}
        return (
            {name: one for name, one in findings.items() if self._is_fresh(one)} if isinstance(findings, dict) else {}
        )

    def _is_fresh(self, finding: Json) -> bool:
        at = finding.get("at") if isinstance(finding, dict) else None
        return isinstance(at, int | float) and 0 <= self._now() - at < KEPT_FOR


def _entry_key(base_url: str, model: str) -> str:
    return f"{split_login(base_url)[0].rstrip('/')} {model}"


def _replace(path: Path, text: str) -> None:
    """Write the file at once: another process may read it meanwhile."""
    import tempfile  # it is slow to import, and most commands write nothing

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, written = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(written).replace(path)
    except OSError:
        Path(written).unlink(missing_ok=True)
        raise
