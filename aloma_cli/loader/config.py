"""`aloma.yaml` and the user's `config.yaml`, each as one frozen value.

A new setting is one line in a table and one field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from aloma_cli.budget import LIMITS, Limit, LimitRequest
from aloma_cli.connectors.address import is_url, split_login
from aloma_cli.connectors.kinds import COMPATIBLE, KINDS, azure_url, kind_of_server
from aloma_cli.connectors.providers.table import PROVIDERS, key_variables
from aloma_cli.connectors.settings import ALL, DEFAULT_PROVIDER, MAX_ANSWER
from aloma_cli.errors import ConfigError, did_you_mean
from aloma_cli.loader.layout import CONFIG_FILE, NAME, RESPONSES_FOLDER
from aloma_cli.loader.mcp import servers
from aloma_cli.loader.settings import (
    Checker,
    Refused,
    Setting,
    Table,
    flag,
    list_of,
    mapping_of,
    positive,
    read_yaml,
    seconds,
    section,
    text,
    text_or_number,
    whole,
)
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from aloma_cli.connectors.mcp.settings import McpSettings
    from aloma_cli.loader.triggers import TriggerConfig
    from aloma_cli.loader.web import WebConfig
    from aloma_cli.notices.settings import NoticeSettings


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """The section of one provider of models, such as `openai:`; None means "not set here".

    `api_key_env`: the environment variable, or the secret, that holds the key. `timeout`: seconds for one try.
    `concurrency`: calls at one time. `kind`: a word in `kinds.KINDS` or COMPATIBLE, for one under `providers:`, whose
    models are named `PROVIDER/MODEL`. `api_version`: of Azure's older interface.
    """

    base_url: str | None = None
    api_key_env: str | None = None
    timeout: float | None = None
    max_retries: int | None = None
    concurrency: int | None = None
    kind: str | None = None
    api_version: str | None = None

    @property
    def key_variable(self) -> str | None:
        """Where its key is: the variable that it names, else the one of its kind at the kind's own URL."""
        return self.api_key_env or (kind_of_server(self.kind).key if self.kind and not self.base_url else None)


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """The `limits:` section.

    `concurrency`: firings of one task at one time. `max_answer_mb`: megabytes of one answer over HTTP, unpacked.
    `per_day`: US dollars that all tasks of the workspace may spend on one day. `budget`: what a task may spend, by the
    names in `budget.LIMITS`; their keys are in the file.
    """

    concurrency: int = 8
    per_day: float | None = None
    max_answer_mb: int = MAX_ANSWER // 1_000_000
    budget: Mapping[str, LimitRequest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """The contents of a configuration file.

    `file`: how messages name it. `models`: from the names steps use to the server's. `providers`: by name. `fallbacks`:
    for a name in `models`, or ALL, the models to ask next, in this order. `environment`: values for
    `config("NAME")`. `secrets`: the names of those whose values are secret. `responses`: the folder of scripted
    answers, relative to the workspace. `offline`: None means "not set here". `mcp`: the MCP servers. `notify`: whom to
    tell of questions and ends. `store`: the URL of the database with the tasks; None: the folder of the workspace.
    `release`: the version of the code. `triggers`: what starts tasks by itself. `web`: where a worker answers HTTP;
    None means "not set here".
    """

    file: str = CONFIG_FILE
    name: str | None = None
    tags: tuple[str, ...] = ()
    models: Mapping[str, str] = field(default_factory=dict)
    providers: Mapping[str, ProviderConfig] = field(default_factory=dict)
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    environment: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    responses: str = RESPONSES_FOLDER
    offline: bool | None = None
    mcp: tuple[McpSettings, ...] = ()
    notify: tuple[NoticeSettings, ...] = ()
    store: str | None = None
    release: str | None = None
    triggers: tuple[TriggerConfig, ...] = ()
    web: WebConfig | None = None

    def section(self, provider: str) -> ProviderConfig:
        """The section of a provider; an empty one if it is missing."""
        return self.providers.get(provider, _NO_SECTION)

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The environment variables named as those of keys."""
        return tuple(section.key_variable for section in self.providers.values() if section.key_variable)

    @property
    def hook_secrets(self) -> tuple[str, ...]:
        """The names of the secrets of webhooks."""
        return tuple(trigger.said["secret"] for trigger in self.triggers if trigger.kind == "webhook")

    @property
    def named(self) -> dict[str, ProviderConfig]:
        """The providers under `providers:`."""
        return {name: section for name, section in self.providers.items() if section.kind}


_NO_SECTION = ProviderConfig()


def read_config(root: Path) -> Config:
    """Read `root/aloma.yaml`, which may be missing. Raises ConfigError naming file, line and key."""
    misnamed = root / "aloma.yml"
    if misnamed.exists() and not (root / CONFIG_FILE).exists():
        raise ConfigError("aloma.yml is not read", hint=f"rename it to {CONFIG_FILE}")
    config = _config(written_settings(root), CONFIG_FILE)
    _refuse_written_secrets(config)
    return config


def written_settings(root: Path) -> dict[str, Any]:
    """What `root/aloma.yaml` says: values by key, sections as dicts. Raises ConfigError."""
    return read_yaml(root / CONFIG_FILE, {**_WORKSPACE, "responses": _folder_in(root)}, shown=CONFIG_FILE)


def written_user_settings(path: Path) -> dict[str, Any]:
    """The same of the user's configuration."""
    return read_yaml(path, _USER, shown=str(path))


def read_user_config(path: Path) -> Config:
    """Read the user's configuration: `models`, `offline` and the sections of providers. Raises ConfigError."""
    return _config(written_user_settings(path), str(path))


def user_config_path() -> Path:
    """The path of the user's configuration, which may be missing."""
    import platformdirs

    return platformdirs.user_config_path("aloma") / "config.yaml"


def user_cache_path() -> Path:
    """The user's folder for what can be found out again; it may be missing."""
    import platformdirs

    return platformdirs.user_cache_path("aloma")


def _config(values: dict[str, Any], file: str) -> Config:
    named = values.pop("providers", {})
    for name in named.keys() & values.keys() & PROVIDERS.keys():
        raise ConfigError(f"{file}: `{name}` and `providers.{name}` set up one provider twice", hint="keep one of them")
    sections: dict[str, Any] = {
        "providers": {name: ProviderConfig(**said) for name in PROVIDERS if (said := values.pop(name, None))} | named,
        "limits": _limits(**values.pop("limits", {})),
    }
    return Config(file=file, **sections, **values)


def _limits(**said: Any) -> LimitsConfig:
    budget = {limit.name: LimitRequest(said.pop(limit.key)) for limit in LIMITS if limit.key in said}
    return LimitsConfig(budget=budget, **said)


def _refuse_written_secrets(config: Config) -> None:
    for name in config.secrets:
        if name in config.environment:
            raise ConfigError(
                f"{config.file}: `environment.{name}` sets a value that `secrets` declares as secret, "
                "and others may read this file",
                hint=f"remove it, and run `aloma secret set {name}`",
            )


_URL = "http://127.0.0.1:11434/v1"


def _url(entry: Setting) -> str:
    value = text(entry)
    if not is_url(split_login(value)[0]):
        if "@" in value:  # perhaps with a password before it, so it is not shown
            raise entry.error(f"must be a URL such as {_URL}", hint="percent-encode the user name and the password")
        raise entry.mistaken(f"a URL such as {_URL}")
    return value


def _store(entry: Setting) -> str:
    """The URL of a database. Anything else may be a password, so messages do not show it."""
    value = text(entry)
    if not value.startswith(("postgresql://", "postgres://")):
        raise entry.error("must be a URL such as postgresql://db.example.com/aloma")
    login = split_login(value)[1]
    if login is not None and login.password:
        hint = "remove it, and set PGPASSWORD, write ~/.pgpass, or put the whole URL into ALOMA_STORE"
        raise entry.error("has a password, and others may read this file", hint=hint)
    return value


def _folder_in(root: Path) -> Checker:
    """A folder of the workspace. The default one may be missing: then nothing is scripted."""

    def check(entry: Setting) -> str:
        if text(entry) != RESPONSES_FOLDER and not (root / text(entry)).is_dir():
            raise entry.error(
                f"names the folder `{entry.written}`, which does not exist", hint="create it, or remove the line"
            )
        return text(entry)

    return check


def _named_providers(entry: Setting) -> dict[str, ProviderConfig]:
    return {name: _named_provider(name, item) for name, item in entry.items()}


def _named_provider(name: str, entry: Setting) -> ProviderConfig:
    if "/" in name or not name.strip():
        raise entry.error("is not a name for a provider", hint="use a name without /, such as `local`")
    said = section(entry, _NAMED_PROVIDER)
    kind = said.pop("kind", name if name in KINDS else COMPATIBLE)
    if kind_of_server(kind).url is None and not said.get("base_url"):
        known = did_you_mean(name, KINDS) or f"or name its kind: {', '.join(KINDS)}"
        hint = f"add `base_url: {_URLS.get(kind, _URL)}`" + (f"; {known}" if kind == COMPATIBLE else "")
        raise entry.error("needs a base_url", hint=hint)
    if said.get("api_version") and kind != "azure":
        raise entry.error("has an api_version, which only the kind azure has")
    if kind == "azure":
        said["base_url"] = azure_url(said["base_url"], said.get("api_version"))
    return ProviderConfig(kind=kind, **said)


_URLS = {"azure": "https://NAME.openai.azure.com"}


def _kind(entry: Setting) -> str:
    value = text(entry)
    if value not in {*KINDS, COMPATIBLE}:
        hint = did_you_mean(value, KINDS) or f"known kinds: {', '.join(KINDS)}, {COMPATIBLE}"
        raise entry.error(f"is {value!r}, which is not a known kind of server", hint=hint)
    return value


def _fallbacks(entry: Setting) -> dict[str, tuple[str, ...]]:
    if entry.node.id == "sequence":
        return {ALL: list_of(text)(entry)}
    return {name: list_of(text)(item) for name, item in entry.items()}


def _date(entry: Setting) -> str:
    """A text such as 2024-10-21, which YAML reads as a date."""
    return entry.written if entry.written and entry.tag == "timestamp" else text(entry)


def _variable(entry: Setting) -> str:
    value = text(entry)
    if not NAME.fullmatch(value):
        # It may be the key itself, so messages do not show it.
        raise entry.error(
            "must be the name of an environment variable",
            hint=f"use a name such as {key_variables()[0]}, never the key itself",
        )
    return value


def _secrets(entry: Setting) -> tuple[str, ...]:
    """Names. Anything else may be the secret itself, so messages do not show it."""
    if entry.tag == "null":
        return ()
    if entry.node.id != "sequence":
        raise entry.error("must be a list of names", hint=_SECRETS_HINT)
    return tuple(map(_secret, entry.elements()))


def _secret(entry: Setting) -> str:
    if entry.written is None or not NAME.fullmatch(entry.written) or entry.tag != "str":
        raise entry.error("must be the name of a secret", hint=_SECRETS_HINT)
    return entry.written


_SECRETS_HINT = "write `secrets: [CRM_TOKEN]`; set the value with `aloma secret set CRM_TOKEN`, never in this file"


def _environment(entry: Setting) -> dict[str, str]:
    any_name: Table = dict.fromkeys((name for name, _ in entry.items()), text_or_number)
    return section(entry, {**any_name, **{PROVIDERS[name].KEY_VARIABLE: _no_key(name) for name in PROVIDERS}})


def _no_key(provider: str) -> Refused:
    return Refused(
        "is a secret, and others may read this file",
        hint=f"run `export {PROVIDERS[provider].KEY_VARIABLE}=…`, or name another variable in `{provider}.api_key_env`",
    )


_PROVIDER: Table = {
    "base_url": _url,
    "api_key_env": _variable,
    "timeout": seconds,
    "max_retries": whole(0),
    "concurrency": whole(1),
}

_NAMED_PROVIDER: Table = {
    "kind": _kind,
    **_PROVIDER,
    "api_version": _date,
    "api_key": Refused("is a secret, and others may read this file", "name the variable that holds it: `api_key_env`"),
}

_USER: Table = {
    "models": mapping_of(text),
    "providers": _named_providers,
    "fallbacks": _fallbacks,
    **{name: {**_PROVIDER, "api_key": _no_key(name)} for name in PROVIDERS},
    "offline": flag,
    "api_key": _no_key(DEFAULT_PROVIDER),
}


def _notify(entry: Setting) -> tuple[NoticeSettings, ...]:
    from aloma_cli.loader.notify import notices  # few workspaces tell anybody

    return notices(entry)


def _triggers(entry: Setting) -> tuple[TriggerConfig, ...]:
    from aloma_cli.loader.triggers import triggers  # few workspaces have any

    return triggers(entry)


def _web(entry: Setting) -> WebConfig:
    from aloma_cli.loader.web import web

    return web(entry)


def _reader(limit: Limit) -> Any:
    if limit.unit == "SECONDS":
        return seconds
    return whole(0) if limit.whole else positive("dollars")


_WORKSPACE: Table = {
    "name": text,
    "tags": list_of(text),
    **_USER,
    "limits": {
        "concurrency": whole(1),
        **{limit.key: _reader(limit) for limit in LIMITS},
        "per_day": positive("dollars"),
        "max_answer_mb": whole(1),
    },
    "environment": _environment,
    "secrets": _secrets,
    "responses": text,
    "mcp": servers,
    "notify": _notify,
    "store": _store,
    "release": text,
    "triggers": _triggers,
    "web": _web,
}
