"""A workspace, and a collector of somebody else's."""

from __future__ import annotations

from tests.cli.conftest import desk
from tests.servers import rotel

__all__ = ["desk", "rotel"]
