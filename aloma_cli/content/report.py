"""The error to raise for an invalid option of a step, with its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.errors import ConditionError, StepError
from aloma_cli.jsontext import cut
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.content.source import Source
    from aloma_cli.jsontext import Path


@dataclass(frozen=True, slots=True)
class Report:
    """`step`: the step's name, which may itself be invalid."""

    step: object
    source: Source | None

    def error(self, option: str, problem: str, hint: str | None = None) -> StepError:
        return StepError(f"{self._where(option)}: {problem}", hint=hint)

    def condition_error(self, error: ConditionError) -> ConditionError:
        place = self._where("condition", error.path)
        return ConditionError(f"{place}: {error}", path=error.path, hint=error.hint)

    def _where(self, option: str, path: Path = ()) -> str:
        return self.source.place(option, path) if self.source else f"step {shown(self.step)}"


def shown(value: object) -> str:
    """A value as messages show it: at most 60 characters."""
    return cut(repr(value), 60)
