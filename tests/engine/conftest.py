"""These tests run as if every document were large; the tests of commands and workflows take them as they are."""

from __future__ import annotations

import pytest

from aloma_cli.document import draft
from aloma_cli.engine import arming
from tests.servers import postgres

__all__ = ["postgres"]


@pytest.fixture(autouse=True)
def every_document_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (draft, arming):
        monkeypatch.setattr(module, "LARGE", 0)
