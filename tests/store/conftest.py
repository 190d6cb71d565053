"""The real database, for the tests of the store in it."""

from __future__ import annotations

from tests.servers import postgres

__all__ = ["postgres"]
