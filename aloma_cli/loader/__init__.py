"""Everything that is read before a run: the workspace, its configuration, its steps and their helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aloma_cli.loader.answering import Answering, Past
    from aloma_cli.loader.config import Config, read_config, read_user_config, user_config_path
    from aloma_cli.loader.environment import Environment
    from aloma_cli.loader.find import find_workspace
    from aloma_cli.loader.libraries import Libraries
    from aloma_cli.loader.models import ModelChoice, ModelFlags, resolve_models, secrets_given
    from aloma_cli.loader.steps import LoadedSteps, load_steps
    from aloma_cli.loader.workspace import LoadedWorkspace, load_workspace

__all__ = [
    "Answering",
    "Config",
    "Environment",
    "Libraries",
    "LoadedSteps",
    "LoadedWorkspace",
    "ModelChoice",
    "ModelFlags",
    "Past",
    "find_workspace",
    "load_steps",
    "load_workspace",
    "read_config",
    "read_user_config",
    "resolve_models",
    "secrets_given",
    "user_config_path",
]

_HOMES = {
    "answering": ("Answering", "Past"),
    "config": ("Config", "read_config", "read_user_config", "user_config_path"),
    "environment": ("Environment",),
    "find": ("find_workspace",),
    "libraries": ("Libraries",),
    "models": ("ModelChoice", "ModelFlags", "resolve_models", "secrets_given"),
    "steps": ("LoadedSteps", "load_steps"),
    "workspace": ("LoadedWorkspace", "load_workspace"),
}


def __getattr__(name: str) -> Any:
    # A command that only reads the record needs `find_workspace`, and must not wait for the rest.
    from importlib import import_module

    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
