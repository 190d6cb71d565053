"""The browser, for the end-to-end tests here."""

from __future__ import annotations

from tests.servers import chromium

__all__ = ["chromium"]
