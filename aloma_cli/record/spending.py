"""What calls took, by step, model, task or day."""

from __future__ import annotations

from typing import NamedTuple

from aloma_cli.record.events import CallAnswered


class Role(NamedTuple):
    """A model as a step names it, and the one that answered; both are None for a call of another system."""

    asked: str | None
    served: str | None
    function: str

    @property
    def shown(self) -> str:
        """`gpt-4 → gpt-5-mini`, `gpt-5-mini` where both are the same, `http.get` for another system."""
        if self.asked is None:
            return self.served or self.function
        return self.asked if self.served in (None, self.asked) else f"{self.asked} → {self.served}"


def role_of(call: CallAnswered) -> Role:
    """Which model a call was for."""
    asked, served = call.arguments.get("model"), (call.about or {}).get("model")
    is_named = isinstance(asked, str), isinstance(served, str)
    return Role(asked if is_named[0] else None, served if is_named[1] else None, call.call)
