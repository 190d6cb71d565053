"""A workspace, read whole: what a run needs to know before its first firing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aloma_cli.errors import ConfigError, CredentialsError, StepError
from aloma_cli.loader.config import Config, read_config
from aloma_cli.loader.environment import Environment
from aloma_cli.loader.layout import CONNECTORS_FOLDER, LIBRARIES_FOLDER, find_workspace
from aloma_cli.loader.libraries import Libraries
from aloma_cli.loader.modules import load_folder
from aloma_cli.loader.secrets import PROVIDER_KEY, Secret, known_values, read_secrets
from aloma_cli.loader.steps import load_steps
from aloma_cli.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

    from aloma_cli.content.step import Step
    from aloma_cli.redact import NamedValue

BUILT_IN_CONNECTORS = ("openai", "http")


@dataclass(frozen=True, slots=True)
class LoadedWorkspace:
    """What a workspace holds.

    `root`: None for one made in memory. `steps`: the good ones by name. `broken`: what is wrong with the other files.
    `lib` and `environment`: what steps ask for as `lib` and `config`. `connector_modules`: the workspace's own, by
    name. `secrets`: the values that no record may hold.
    """

    root: Path | None = None
    config: Config = field(default_factory=Config)
    steps: Mapping[str, Step] = field(default_factory=dict)
    broken: tuple[StepError, ...] = ()
    lib: Libraries = field(default_factory=lambda: Libraries({}))
    connector_modules: Mapping[str, ModuleType] = field(default_factory=dict)
    environment: Environment = field(default_factory=Environment)
    secrets: tuple[NamedValue, ...] = field(default=(), repr=False)

    def check(self) -> None:
        """Raise what keeps every step from firing: a broken file (StepError), a missing secret (CredentialsError)."""
        self._refuse_missing_secrets()
        if not self.broken:
            return
        first, *others = self.broken
        if not others:
            raise first
        hint = "; ".join(filter(None, [first.hint, "`aloma step list` shows them all"]))
        raise StepError(f"{first} (and {len(others)} more)", hint=hint) from first

    def _refuse_missing_secrets(self) -> None:
        missing = [name for name in self.config.secrets if not self.environment(name, None)]
        if missing:
            raise CredentialsError(
                f"no value for {', '.join(missing)}, which {self.config.file} declares under `secrets`",
                hint=f"`aloma secret set {missing[0]}`, or `export {missing[0]}=…`",
            )


Hide = Callable[[Redactor], object]
"""Is told of the secrets there are, to keep them from being printed."""


def hide_nothing(_redactor: Redactor) -> None:
    """For those who print nothing."""


def load_workspace(
    path: str | Path | None,
    cwd: Path,
    environ: Mapping[str, str],
    *,
    keys: Iterable[str] = (),
    hide: Hide = hide_nothing,
) -> LoadedWorkspace:
    """Read the workspace at `path`, or around `cwd`, running its Python files.

    `keys` name more variables of the environment that are secret. `hide` is told of all secrets before any of the
    files is run, which may print them. What is wrong with single files is in `broken`. Raises WorkspaceError when there
    is no workspace, and ConfigError.
    """
    root = find_workspace(path, cwd)
    config, stored, secrets = _read_secrets(root, environ, keys)
    hide(Redactor(secrets))
    libraries, broken_libraries = load_folder(root / LIBRARIES_FOLDER, root)
    connectors, broken_connectors = _load_connectors(root)
    loaded = load_steps(root)
    return LoadedWorkspace(
        root=root,
        config=config,
        steps={step.name: step for step in loaded.steps},
        broken=broken_libraries + broken_connectors + loaded.broken,
        lib=Libraries(libraries),
        connector_modules=connectors,
        environment=Environment(environ, {name: secret.value for name, secret in stored.items()}, config.environment),
        secrets=secrets,
    )


def redactor_of(root: Path, environ: Mapping[str, str], keys: Iterable[str] = ()) -> Redactor:
    """What keeps the secrets of the workspace at `root` out of records; none of its Python files is run.

    Raises WorkspaceError, ConfigError.
    """
    return Redactor(_read_secrets(root, environ, keys)[2])


def _read_secrets(
    root: Path, environ: Mapping[str, str], keys: Iterable[str]
) -> tuple[Config, dict[str, Secret], tuple[NamedValue, ...]]:
    config = read_config(root)
    stored = read_secrets(root)
    names = filter(None, (*config.secrets, PROVIDER_KEY, config.openai.api_key_env, *keys))
    return config, stored, known_values(stored, names, environ)


def _load_connectors(root: Path) -> tuple[dict[str, ModuleType], tuple[StepError, ...]]:
    folder = root / CONNECTORS_FOLDER
    for name in BUILT_IN_CONNECTORS:
        if (folder / f"{name}.py").exists():
            raise ConfigError(
                f"{CONNECTORS_FOLDER}/{name}.py: a connector `{name}` is built in", hint="rename the file"
            )
    return load_folder(folder, root)
