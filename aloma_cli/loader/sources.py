"""Where the choice of a model server comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.loader.answering import Answering, Past
from aloma_cli.loader.config import Config, ProviderConfig
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aloma_cli.connectors.providers.base import Provider

LIMITS = ("concurrency", "timeout", "max_retries")
"""The settings of a section that become settings of the server as they are."""

_NOTHING_KEPT = Answering()


@dataclass(frozen=True, slots=True)
class ModelFlags:
    """The options about models, from the command line or a caller in Python; None means "not set".

    `model` answers all calls, regardless of the model a step names. `require_real`: raise rather than simulate.
    `responses`: the folder of scripted answers. `delay`: seconds per simulated answer.
    """

    base_url: str | None = None
    api_key: str | None = None
    model: str | None = None
    offline: bool | None = None
    require_real: bool = False
    responses: Path | None = None
    delay: float | None = None


class Sources(NamedTuple):
    """Where the choice comes from.

    `name`: the provider's; `files`: the workspace's, then the user's. `stored`: the secrets of the workspace.
    """

    name: str
    flags: ModelFlags
    environ: Mapping[str, str]
    files: tuple[Config, Config]
    past: Past
    stored: Mapping[str, str]

    @property
    def kept(self) -> Answering:
        """What the task keeps of its way of answering; nothing for a new one."""
        return self.past.kept or _NOTHING_KEPT

    @property
    def provider(self) -> Provider:
        return PROVIDERS[self.name]

    @property
    def key(self) -> str:
        """The variable that holds the provider's key."""
        return self.provider.KEY_VARIABLE

    @property
    def go_real(self) -> str:
        """How to set up a real server."""
        return f"`export {self.key}=…` for {self.provider.TITLE}, or `--base-url URL` for another server"

    def value(self, variable: str | None) -> str:
        """The value of an environment variable, else of a secret; empty if there is none."""
        if not variable:
            return ""
        return self.environ.get(variable, "").strip() or self.stored.get(variable, "").strip()

    def said(self) -> list[tuple[Config, ProviderConfig]]:
        """Each file, with its section about the provider."""
        return [(file, file.section(self.name)) for file in self.files]
