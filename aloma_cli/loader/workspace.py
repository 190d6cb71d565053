"""A workspace, read whole: what a run needs to know before its first firing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aloma_cli.errors import ConfigError, StepError
from aloma_cli.loader.config import Config, read_config
from aloma_cli.loader.environment import Environment
from aloma_cli.loader.find import find_workspace
from aloma_cli.loader.libraries import Libraries
from aloma_cli.loader.modules import LIBRARIES_FOLDER, load_folder
from aloma_cli.loader.steps import load_steps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

    from aloma_cli.step import Step

CONNECTORS_FOLDER = "connectors"
BUILT_IN_CONNECTORS = ("openai", "http")


@dataclass(frozen=True, slots=True)
class LoadedWorkspace:
    """What a workspace holds.

    `root`: None for one made in memory. `steps`: the good ones by name. `broken`: what is wrong with the other files.
    `lib` and `environment`: what steps ask for as `lib` and `config`. `connector_modules`: the workspace's own, by
    name.
    """

    root: Path | None = None
    config: Config = field(default_factory=Config)
    steps: Mapping[str, Step] = field(default_factory=dict)
    broken: tuple[StepError, ...] = ()
    lib: Libraries = field(default_factory=lambda: Libraries({}))
    connector_modules: Mapping[str, ModuleType] = field(default_factory=dict)
    environment: Environment = field(default_factory=Environment)

    def check(self) -> None:
        """Raise the first StepError there is: nothing may fire in a workspace with a broken file."""
        if not self.broken:
            return
        first, *others = self.broken
        if not others:
            raise first
        hint = "; ".join(filter(None, [first.hint, "`aloma step list` shows them all"]))
        raise StepError(f"{first} (and {len(others)} more)", hint=hint) from first


def load_workspace(path: str | Path | None, cwd: Path, environ: Mapping[str, str]) -> LoadedWorkspace:
    """Read the workspace at `path`, or around `cwd`, running its Python files.

    What is wrong with single files is in `broken`. Raises WorkspaceError when there is no workspace, and ConfigError.
    """
    root = find_workspace(path, cwd)
    config = read_config(root)
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
        environment=Environment(environ, config.environment),
    )


def _load_connectors(root: Path) -> tuple[dict[str, ModuleType], tuple[StepError, ...]]:
    folder = root / CONNECTORS_FOLDER
    for name in BUILT_IN_CONNECTORS:
        if (folder / f"{name}.py").exists():
            raise ConfigError(
                f"{CONNECTORS_FOLDER}/{name}.py: a connector `{name}` is built in", hint="rename the file"
            )
    return load_folder(folder, root)
