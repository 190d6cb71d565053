"""Where the tasks of a workspace are kept: in its folder, or where `ALOMA_STORE` or `store` in aloma.yaml says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from aloma_cli.errors import ConfigError
from aloma_cli.later import Later
from aloma_cli.loader.layout import CONFIG_FILE, DATA_FOLDER
from aloma_cli.store.open import example_urls, named_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aloma_cli.loader import config_files
    from aloma_cli.loader.config import Config
else:
    config_files = Later("aloma_cli.loader.config_files")

VARIABLE = "ALOMA_STORE"


def store_at(root: Path, environ: Mapping[str, str], config: Config | None = None) -> str | Path:
    """What names the store of the workspace at `root`, for `open_store`. `config`: its settings, if they were read.

    Raises ConfigError.
    """
    if config is None and (VARIABLE in environ or _may_name_store(root)):
        config = config_files.read_config(root)
    written = environ.get(VARIABLE) or (config.store if config else None)
    if written is None or config is None:
        return root / DATA_FOLDER
    if named_kind(written) is None:
        # It may hold a password, so the message does not show it.
        raise ConfigError(
            f"{VARIABLE}, or `store` in {CONFIG_FILE}, is not the URL of a store",
            hint=f"use a URL such as {example_urls()}",
        )
    if "workspace=" in written:
        return written
    return f"{written}{'&' if '?' in written else '?'}workspace={quote(config.name or root.name)}"


def _may_name_store(root: Path) -> bool:
    try:
        return b"store" in (root / CONFIG_FILE).read_bytes()
    except OSError:
        return False
