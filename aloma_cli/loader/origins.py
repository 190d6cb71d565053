"""Each setting with its value, and where that comes from: an option, the environment, a file, or the default."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

from aloma_cli.connectors.address import shown
from aloma_cli.connectors.mcp.settings import McpSettings
from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.jsontext import Json
from aloma_cli.loader.config import LimitsConfig, ProviderConfig
from aloma_cli.loader.config_table import provider_sections, written_settings, written_user_settings
from aloma_cli.loader.layout import CONFIG_FILE, DATA_FOLDER, RESPONSES_FOLDER
from aloma_cli.loader.place import VARIABLE
from aloma_cli.loader.secrets import read_secrets
from aloma_cli.loader.sources import ModelFlags, provider_set_up
from aloma_cli.loader.triggers import TriggerConfig
from aloma_cli.loader.web import WebConfig
from aloma_cli.notices.settings import NoticeSettings
from aloma_cli.telemetry.settings import OtelSettings

HIDDEN = "***"


class Origin(NamedTuple):
    """`key`: dotted, as in aloma.yaml. `origin`: flag, environment, secret, project, user or default. `place`: the
    option, the variable or the file."""

    key: str
    value: Json
    origin: str
    place: str | None


def origins(root: Path, flags: ModelFlags, environ: Mapping[str, str], user: Path) -> list[Origin]:
    """All settings of a workspace, by key. Secrets are hidden. Raises ConfigError, WorkspaceError."""
    project, own, secrets = written_settings(root), written_user_settings(user), read_secrets(root)
    values = {**{name: secret.value for name, secret in secrets.items()}, **environ}
    provider = provider_set_up(values, [provider_sections(file) for file in (project, own)])
    found: dict[str, Origin] = {}
    for origin in (
        *_flags(flags, provider),
        *_variables(environ, project, provider),
        *(Origin(f"secrets.{name}", HIDDEN, "secret", "aloma secret set") for name in secrets),
        *_origins_of(project, "project", CONFIG_FILE),
        *_origins_of(own, "user", str(user)),
        *_defaults(provider),
    ):
        found.setdefault(origin.key, origin)
    return [found[key] for key in sorted(found)]


def _flags(flags: ModelFlags, provider: str) -> Iterator[Origin]:
    given = {
        f"{provider}.base_url": ("--base-url", flags.base_url and shown(flags.base_url)),
        f"{provider}.api_key": ("--api-key", flags.api_key and HIDDEN),
        "model": ("--model", flags.model),
        "offline": ("--offline", flags.offline),
        "responses": ("--responses", flags.responses and str(flags.responses)),
        "delay": ("--delay", flags.delay),
    }
    for key, (option, value) in given.items():
        if value is not None:
            yield Origin(key, value, "flag", option)


def _variables(environ: Mapping[str, str], project: Mapping[str, Any], provider: str) -> Iterator[Origin]:
    wanted = {"offline": "ALOMA_OFFLINE", "store": VARIABLE, "models.default": PROVIDERS[provider].MODEL_VARIABLE}
    for name, one in PROVIDERS.items():
        wanted |= {f"{name}.base_url": one.URL_VARIABLE, f"{name}.api_key": one.KEY_VARIABLE}
    wanted |= {f"environment.{name}": name for name in project.get("environment", ())}
    wanted |= {f"secrets.{name}": name for name in project.get("secrets", ())}
    for key, variable in wanted.items():
        if value := environ.get(variable, "").strip():
            secret = key.startswith("secrets.") or key.endswith(".api_key")
            yield Origin(key, HIDDEN if secret else _public_value(value), "environment", variable)


def _origins_of(values: Mapping[str, Any], origin: str, place: str) -> Iterator[Origin]:
    for key, value in _flat(values):
        if key == "secrets":
            yield from (Origin(f"secrets.{name}", None, origin, place) for name in value)
        else:
            yield Origin(key, _public_value(value), origin, place)


def _defaults(provider: str) -> Iterator[Origin]:
    models, limits = ModelSettings(), LimitsConfig()
    values = {
        "offline": None,
        "store": f"{DATA_FOLDER}/",
        "responses": RESPONSES_FOLDER,
        f"{provider}.base_url": PROVIDERS[provider].URL,
        f"{provider}.api_key_env": PROVIDERS[provider].KEY_VARIABLE,
        **{f"{provider}.{name}": getattr(models, name) for name in ("timeout", "max_retries", "concurrency")},
        "limits.concurrency": limits.concurrency,
        "limits.max_answer_mb": limits.max_answer_mb,
    }
    yield from (Origin(key, value, "default", None) for key, value in values.items())


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The values in sections, by dotted keys."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{key}.")
        elif isinstance(value, ProviderConfig | WebConfig | OtelSettings):
            yield from _flat(_settings_of(value), f"{above}{key}.")
        elif key in ("mcp", "triggers"):
            yield from ((f"{key}.{one.name}", one) for one in value)
        elif key == "notify":
            yield from ((f"notify[{number}]", one) for number, one in enumerate(value))
        else:
            yield f"{above}{key}", value


def _settings_of(section: ProviderConfig | WebConfig | OtelSettings) -> dict[str, Any]:
    said = {one.name: getattr(section, one.name) for one in fields(section)}
    if isinstance(section, OtelSettings):
        said["headers"] = dict.fromkeys(section.headers, HIDDEN)
    return {name: value for name, value in said.items() if value is not None}


def _public_value(value: Any) -> Json:
    """A value without what may be secret in it."""
    if isinstance(value, McpSettings):
        return shown(value.url) if value.url else list(value.command[:1])
    if isinstance(value, TriggerConfig):
        return {value.kind: {name: _public_value(one) for name, one in value.said.items()}}
    if isinstance(value, NoticeSettings):
        return value.label or value.way.label
    if isinstance(value, str):
        return shown(value) if "://" in value else value
    return list(value) if isinstance(value, Iterable) else value
