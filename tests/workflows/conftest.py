from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import aimock, aimock_server, llama, llama_tools
from tests.workflows.workspace import Workspace

__all__ = ["aimock", "aimock_server", "llama", "llama_tools"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A copy of the repository's workspace; no model server is set up, so answers are simulated."""
    return Workspace.copied_to(tmp_path)
