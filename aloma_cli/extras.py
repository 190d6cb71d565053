"""What an extra of the package brings: imported where it is used, and missed in one sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aloma_cli.errors import AlomaError, WorkspaceError


@contextmanager
def extra(name: str, what: str, error: type[AlomaError] = WorkspaceError) -> Iterator[None]:
    """Import in this block what the extra `name` brings. Raises `error` where it is not installed; `what`: its use."""
    try:
        yield
    except ImportError:
        problem = f"{what} needs the extra `{name}`, which is not installed"
        raise error(problem, hint=f"run `{_installer()} 'aloma-cli[{name}]'`") from None


def _installer() -> str:
    """The command that installs into the environment of this program."""
    found = (command for receipt, command in _INSTALLERS.items() if Path(sys.prefix, receipt).exists())
    return next(found, "pip install")


_INSTALLERS = {"uv-receipt.toml": "uv tool install", "pipx_metadata.json": "pipx install --force"}
"""For environments that a program manages, by the file that it keeps there."""
