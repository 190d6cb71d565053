from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.forge import Forge
from tests.faults.order import write_order


@pytest.fixture(scope="session")
def forge() -> Iterator[Forge]:
    """A warm interpreter, for the whole session."""
    with Forge() as forge:
        yield forge


@pytest.fixture
def order(tmp_path: Path) -> Path:
    """The folder of a workspace with the small workflow."""
    return write_order(tmp_path)
