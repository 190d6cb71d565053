"""The servers under `providers:`, each with the key that was given for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aloma_cli.connectors.kinds import kind_of_server
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import CredentialsError
from aloma_cli.loader.answering import is_same_server
from aloma_cli.loader.sources import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aloma_cli.loader.config import ProviderConfig
    from aloma_cli.loader.sources import Sources


def named_servers(sources: Sources, common: dict[str, Any]) -> dict[str, ModelSettings]:
    """The servers under `providers:`, in the workspace's file first; then those that only the task's record names.

    A server that was given another name since then is known by its address.
    """
    found: dict[str, ModelSettings] = {}
    for file in sources.files:
        for name, section in file.named.items():
            found.setdefault(name, _named_server(name, section, sources, common))
    for name, url in sources.past.kept.servers.items():
        bare = ModelSettings(base_url=url, max_answer=common["max_answer"])
        same = (one for one in found.values() if is_same_server(one.base_url, url))
        found.setdefault(name, replace(next(same, bare), name=name))
    return found


def _named_server(name: str, section: ProviderConfig, sources: Sources, common: dict[str, Any]) -> ModelSettings:
    limits = {option: value for option in LIMITS if (value := getattr(section, option)) is not None}
    return ModelSettings(
        base_url=section.base_url or kind_of_server(section.kind).url,
        api_key=sources.value(section.key_variable) or None,
        name=name,
        kind=section.kind,
        api_version=section.api_version,
        key_variable=section.key_variable,
        max_answer=common["max_answer"],
        honours=common["honours"],
        **limits,
    )


def routed(sources: Sources, named: Mapping[str, ModelSettings], common: dict[str, Any]) -> dict[str, Any]:
    """`common` with the named servers and the fallbacks.

    A server given as a flag, and that of a task that was run with one alone, answers all calls by itself.
    """
    kept = sources.past.kept
    if sources.flags.base_url or (kept.server and not kept.servers):
        models = {name: _without(named, model) for name, model in common["models"].items()}
        return {**common, "models": models, "model": common["model"] and _without(named, common["model"])}
    workspace, user = sources.files
    return {**common, "servers": named, "fallbacks": {**user.fallbacks, **workspace.fallbacks}}


def _without(named: Iterable[str], model: str) -> str:
    """The name of a model without the name of its server."""
    server, slash, rest = model.partition("/")
    return rest if slash and server in named else model


def first_named(sources: Sources, named: Mapping[str, ModelSettings]) -> str | None:
    """The named server for models without a server in their name; None if another setting has precedence."""
    kept = sources.past.kept
    if sources.flags.base_url:
        return None
    if kept.server:
        return next((name for name, url in kept.servers.items() if is_same_server(url, kept.server)), None)
    plain = any(section.base_url and not section.kind for _, section in sources.said)
    return None if plain or sources.environ.get(sources.provider.URL_VARIABLE) else next(iter(named), None)


def named_choice(sources: Sources, server: ModelSettings, common: dict[str, Any]) -> ModelSettings:
    """The settings for a run with a named server. Raises CredentialsError if its key is not set."""
    key = sources.flags.api_key or server.api_key
    if server.key_variable and not key:
        raise CredentialsError(
            f"{server.key_variable} is not set, and the provider `{server.name}` requires it",
            hint=f"`export {server.key_variable}=…`, `aloma secret set {server.key_variable}`, "
            "or `--offline` for simulated answers",
        )
    own = ("models", "model", "responses", "servers", "fallbacks")
    return replace(server, api_key=key, **{option: common[option] for option in own})
