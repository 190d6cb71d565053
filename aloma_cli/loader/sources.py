"""Where the choice of a model server comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.connectors.settings import DEFAULT_PROVIDER
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aloma_cli.connectors.providers.base import Provider
    from aloma_cli.loader.answering import Past
    from aloma_cli.loader.config import Config, ProviderConfig

LIMITS = ("concurrency", "timeout", "max_retries")
"""The settings of a section that become settings of the server as they are."""


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


def provider_set_up(values: Mapping[str, str], files: Sequence[Mapping[str, ProviderConfig]]) -> str:
    """The first provider of the table that a variable, a secret or a section of a file sets up, else the default one.

    `values`: the variables and the secrets by name. `files`: the sections of each.
    """
    return next((name for name in PROVIDERS if _is_set_up(name, values, files)), DEFAULT_PROVIDER)


def _is_set_up(name: str, values: Mapping[str, str], files: Sequence[Mapping[str, ProviderConfig]]) -> bool:
    if values.get(PROVIDERS[name].KEY_VARIABLE) or values.get(PROVIDERS[name].URL_VARIABLE):
        return True
    return any(said.base_url or said.api_key_env for file in files if (said := file.get(name)))


class Sources(NamedTuple):
    """Where the choice comes from.

    `name`: that of the `provider`. `files`: the workspace's, then the user's. `said`: those with a section about the
    provider, each with that section. `stored`: the secrets of the workspace.
    """

    name: str
    provider: Provider
    flags: ModelFlags
    environ: Mapping[str, str]
    files: tuple[Config, Config]
    said: Sequence[tuple[Config, ProviderConfig]]
    past: Past
    stored: Mapping[str, str]

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
