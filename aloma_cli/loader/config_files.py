"""The configuration files: where they are, and what they say. Most workspaces have none, so the tables wait."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.later import Later
from aloma_cli.loader.config import Config
from aloma_cli.loader.layout import CONFIG_FILE, MISNAMED_CONFIG

if TYPE_CHECKING:
    from aloma_cli.loader import config_table
else:
    config_table = Later("aloma_cli.loader.config_table")


def user_config_path() -> Path:
    """The path of the user's configuration, which may be missing."""
    return _folder("config", "XDG_CONFIG_HOME", ".config") / "config.yaml"


def honours_path() -> Path:
    """The file of `connectors.honours.Honours`, which may be missing."""
    return _folder("cache", "XDG_CACHE_HOME", ".cache") / "honours.json"


def _folder(kind: str, variable: str, usual: str) -> Path:
    if sys.platform != "linux":
        import platformdirs

        folder: Path = getattr(platformdirs, f"user_{kind}_path")("aloma")
        return folder
    # As platformdirs, whose import takes as long as the rest of a command that shows a task.
    given = os.environ.get(variable, "").strip()
    # The home folder may be unknown; `Path.expanduser` raises then.
    folder = given if given.startswith("/") else os.path.expanduser(f"~/{usual}")  # noqa: PTH111
    return Path(folder) / "aloma"


def read_config(root: Path) -> Config:
    """Read `root/aloma.yaml`, which may be missing. Raises ConfigError naming file, line and key."""
    missing = not _may_exist(root / CONFIG_FILE) and not _may_exist(root / MISNAMED_CONFIG)
    return Config() if missing else config_table.read_config(root)


def read_user_config(path: Path | None = None) -> Config:
    """Read the user's configuration: `models`, `offline` and the sections of providers. Raises ConfigError."""
    path = path or user_config_path()
    return config_table.read_user_config(path) if _may_exist(path) else Config(file=str(path))


def _may_exist(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # reading it says what is wrong
    return True
