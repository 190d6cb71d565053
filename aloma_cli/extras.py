"""What an extra of the package brings: imported where it is used, and missed in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from aloma_cli.errors import AlomaError, WorkspaceError


@contextmanager
def extra(name: str, what: str, error: type[AlomaError] = WorkspaceError) -> Iterator[None]:
    """Import in this block what the extra `name` brings. Raises `error` where it is not installed; `what`: its use."""
    try:
        yield
    except ImportError:
        raise error(f"{what} is not installed", hint=f"run `pip install 'aloma-cli[{name}]'`") from None
