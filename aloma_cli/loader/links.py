"""The key that signs the links of a workspace: `.aloma/links.key`, or the secret `ALOMA_LINK_KEY`."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from aloma_cli.errors import ConfigError
from aloma_cli.loader.layout import DATA_FOLDER
from aloma_cli.loader.secrets import refuse_open_file
from aloma_cli.store.files.atomic import private, refuse_links
from aloma_cli.store.files.dotfolder import prepare_folder
from aloma_cli.store.files.os_errors import refusing

if TYPE_CHECKING:
    from pathlib import Path

    from aloma_cli.loader.environment import Environment

NAME = "ALOMA_LINK_KEY"
"""For workers on several machines, which share no folder."""

_SIZE = 32


def link_key(root: Path, environment: Environment) -> bytes:
    """The key; the first call makes it. Raises ConfigError, StoreError, and WorkspaceError for one others may read."""
    given = environment(NAME, None)
    if given is not None:
        if len(given) < _SIZE:
            raise ConfigError(f"{NAME} has fewer than {_SIZE} characters")
        return given.encode()
    path = root / DATA_FOLDER / "links.key"
    while True:
        found = _read_bytes(path)
        if len(found) >= _SIZE:
            return found
        _write_unless_there(path)


def _read_bytes(path: Path) -> bytes:
    refuse_links(path)
    with refusing(path, "read"):
        try:
            with path.open("rb") as file:
                refuse_open_file(path, os.fstat(file.fileno()).st_mode)
                return file.read()
        except FileNotFoundError:
            return b""


def _write_unless_there(path: Path) -> None:
    """Write it under its name as a whole, unless another process was first."""
    prepare_folder(path.parent)
    written = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with refusing(path, "written"):
        try:
            with open(written, "xb", opener=private) as file:
                file.write(secrets.token_bytes(_SIZE))
                file.flush()
                os.fsync(file.fileno())
            if path.exists() and path.stat().st_size < _SIZE:
                path.unlink()  # torn by a loss of power
            os.link(written, path)
        except FileExistsError:
            return
        finally:
            written.unlink(missing_ok=True)
