"""What is needed of the value at one place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from aloma_cli.condition.nodes import Leaf, Node
from aloma_cli.document.paths import MISSING

NOTHING: Any = type("Nothing", (), {"__repr__": lambda _: "NOTHING", "__slots__": ()})()
"""No value meets what is needed."""


class Need(NamedTuple):
    """A node that must match, or must not."""

    node: Node
    wanted: bool = True

    def met(self, found: Any) -> bool:
        return self.node.test(found) is self.wanted


PRESENT = Need(Leaf("present", lambda found: found is not MISSING, is_decided=True))


class Solve(Protocol):
    """What finds values for places further down. `is_sure`: a value that was not found does not exist."""

    is_sure: bool

    def solve(self, needs: Iterable[Need], found: Any) -> Any:
        """The value nearest to `found` that meets the needs, or NOTHING."""
