"""Load a whole workspace before the first firing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, NoReturn

from aloma_cli.connectors.providers.table import BUILT_IN
from aloma_cli.errors import CredentialsError, StepError
from aloma_cli.later import Later
from aloma_cli.loader.config import Config
from aloma_cli.loader.config_files import read_config
from aloma_cli.loader.environment import Environment
from aloma_cli.loader.layout import CONNECTORS_FOLDER, LIBRARIES_FOLDER, find_workspace
from aloma_cli.loader.libraries import Libraries
from aloma_cli.loader.modules import load_folder
from aloma_cli.loader.secrets import read_secrets, secret_values
from aloma_cli.loader.steps import load_steps
from aloma_cli.redact import Redactor
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

    from aloma_cli.connectors.mcp.settings import McpSettings
    from aloma_cli.content.step import Step
    from aloma_cli.loader import mcp
    from aloma_cli.loader.sources import ModelFlags
    from aloma_cli.redact import NamedValue
else:
    mcp = Later("aloma_cli.loader.mcp")


@dataclass(frozen=True, slots=True)
class LoadedWorkspace:
    """The contents of a workspace.

    `root`: None for a workspace in memory. `steps`: the valid ones by name. `broken`: the errors of the other files.
    `lib` and `environment`: the parameters `lib` and `config` of steps. `connector_modules`: the workspace's own, by
    name. `secrets`: the values that no record may contain. `stored`: those set with `aloma secret set`, by name.
    """

    root: Path | None = None
    config: Config = field(default_factory=Config)
    steps: Mapping[str, Step] = field(default_factory=dict)
    broken: tuple[StepError, ...] = ()
    lib: Libraries = field(default_factory=lambda: Libraries({}))
    connector_modules: Mapping[str, ModuleType] = field(default_factory=dict)
    environment: Environment = field(default_factory=Environment)
    secrets: tuple[NamedValue, ...] = field(default=(), repr=False)
    stored: Mapping[str, str] = field(default_factory=dict, repr=False)

    def check(self) -> None:
        """Raise the error that prevents a run: StepError for a broken file, CredentialsError for a missing secret."""
        missing = [name for name in self.config.secrets if not self.environment(name, None)]
        if missing:
            raise CredentialsError(
                f"no value for {', '.join(missing)}, which {self.config.file} declares under `secrets`",
                hint=f"run `aloma secret set {missing[0]}` or `export {missing[0]}=…`",
            )
        if self.broken:
            self.refuse_broken()

    def refuse_broken(self) -> NoReturn:
        """Raise the StepError of the first broken file."""
        first, *others = self.broken
        if not others:
            raise first
        raise StepError(f"{first} (and {len(others)} more; `aloma step check` shows all)", hint=first.hint) from first

    def mcp_servers(self) -> tuple[McpSettings, ...]:
        """The MCP servers, ready to be opened. Raises ConfigError for a `${NAME}` without a value."""
        most = self.config.limits.max_answer_mb * 1_000_000
        return tuple(mcp.equipped(server, self.root, self.environment, most) for server in self.config.mcp)


Hide = Callable[[Redactor], object]
"""Receives the secrets, to redact them in all output."""


def no_redaction(_redactor: Redactor) -> None:
    """For callers that print nothing."""


def load_workspace(
    path: str | Path | None,
    cwd: Path,
    environ: Mapping[str, str],
    *,
    user_config: Config | None = None,
    flags: ModelFlags | None = None,
    hide: Hide = no_redaction,
) -> LoadedWorkspace:
    """Load the workspace at `path`, or at or above `cwd`, running its Python files.

    `hide` receives all secrets before any file runs, because files may print; `user_config` and `flags` hold further
    ones. Errors of single files are in `broken`. Raises ConfigError, and WorkspaceError if there is no
    workspace.
    """
    root = find_workspace(path, cwd)
    config, kept = read_config(root), read_secrets(root)
    secrets = secret_values(environ, (config, user_config or Config()), kept, flags)
    hide(Redactor(secrets))
    libraries, broken_libraries = load_folder(root / LIBRARIES_FOLDER, root)
    connectors, broken_connectors = load_folder(root / CONNECTORS_FOLDER, root, BUILT_IN)
    steps, broken_steps = load_steps(root)
    stored = {name: one.value for name, one in kept.items()}
    return LoadedWorkspace(
        root=root,
        config=config,
        steps=steps,
        broken=broken_libraries + broken_connectors + broken_steps,
        lib=Libraries(libraries),
        connector_modules=connectors,
        environment=Environment((environ, stored, config.environment)),
        secrets=secrets,
        stored=stored,
    )


def redactor_of(root: Path, environ: Mapping[str, str], user_config: Config) -> Redactor:
    """The Redactor of the workspace at `root`; runs none of its Python files.

    Raises WorkspaceError, ConfigError.
    """
    return Redactor(secret_values(environ, (read_config(root), user_config), read_secrets(root)))
