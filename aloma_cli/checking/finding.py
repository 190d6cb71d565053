"""A mistake, where it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aloma_cli.jsontext import JsonObject

Severity = Literal["error", "warning"]
"""error: it cannot work. warning: it is probably not meant."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`kind`: the rule that found it. `place`: `file:line`. `step`: the step that it is about, if there is one."""

    place: str
    kind: str
    message: str
    cure: str | None = None
    step: str | None = None
    severity: Severity = "warning"

    def to_json(self) -> JsonObject:
        """As `aloma step check --json` prints it."""
        file, _, line = self.place.rpartition(":")
        return {
            "severity": self.severity,
            "kind": self.kind,
            "step": self.step,
            "file": file if line.isdigit() else self.place,
            "line": int(line) if line.isdigit() else None,
            "message": self.message,
            "cure": self.cure,
        }
