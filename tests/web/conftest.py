from __future__ import annotations

from tests.servers.browser import chromium
from tests.workflows.test_desk import desk

__all__ = ["chromium", "desk"]
