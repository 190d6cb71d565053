"""The tables by which `aloma.yaml` and the user's `config.yaml` are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aloma_cli.budget import LIMITS, Limit, LimitRequest
from aloma_cli.connectors.address import is_url, split_login
from aloma_cli.connectors.kinds import COMPATIBLE, KINDS, azure_url, kind_of_server
from aloma_cli.connectors.providers.table import PROVIDERS, key_variables
from aloma_cli.connectors.settings import ALL, DEFAULT_PROVIDER
from aloma_cli.errors import ConfigError, did_you_mean
from aloma_cli.later import Later
from aloma_cli.loader.config import Config, LimitsConfig, ProviderConfig
from aloma_cli.loader.layout import CONFIG_FILE, MISNAMED_CONFIG, NAME, RESPONSES_FOLDER
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
from aloma_cli.store.open import example_urls, named_kind

if TYPE_CHECKING:
    from pathlib import Path

    from aloma_cli.loader import notify, otel, triggers, web
else:
    notify = Later("aloma_cli.loader.notify")
    triggers = Later("aloma_cli.loader.triggers")
    otel = Later("aloma_cli.loader.otel")
    web = Later("aloma_cli.loader.web")


def read_config(root: Path) -> Config:
    """As `config_files.read_config`, which calls it where there may be a file."""
    if (root / MISNAMED_CONFIG).exists() and not (root / CONFIG_FILE).exists():
        raise ConfigError(f"{MISNAMED_CONFIG} is not read", hint=f"rename it to {CONFIG_FILE}")
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
    """As `config_files.read_user_config`, which calls it where there may be a file."""
    return _config(written_user_settings(path), str(path))


def _config(values: dict[str, Any], file: str) -> Config:
    for name in values.get("providers", {}).keys() & values.keys() & PROVIDERS.keys():
        raise ConfigError(
            f"{file}: `{name}` and `providers.{name}` configure the same provider", hint="keep one of them"
        )
    rest = {key: value for key, value in values.items() if key not in PROVIDERS}
    return Config(
        file=file, **{**rest, "providers": provider_sections(values), "limits": _limits(**values.get("limits", {}))}
    )


def provider_sections(values: Mapping[str, Any]) -> dict[str, ProviderConfig]:
    """The sections about providers and named servers in written settings, by name."""
    own = {name: ProviderConfig(**said) for name in PROVIDERS if (said := values.get(name))}
    return {**own, **values.get("providers", {})}


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
    """The URL of a store. Anything else may be a password, so messages do not show it."""
    value = text(entry)
    kind = named_kind(value)
    if kind is None:
        raise entry.error(f"must be a URL such as {example_urls()}")
    login = split_login(value)[1]
    if login is not None and login.password:
        variable = f"set {kind.login_variable}, or " if kind.login_variable else ""
        hint = f"remove it, and {variable}put the whole URL into ALOMA_STORE"
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


def _server_kind(entry: Setting) -> str:
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


def _secret_names(entry: Setting) -> tuple[str, ...]:
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
    "kind": _server_kind,
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


def _by(checker: Callable[[], Checker]) -> Checker:
    """The checker of a section that few workspaces have: its module is imported only for these."""

    def check(entry: Setting) -> Any:
        return checker()(entry)

    return check


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
    "secrets": _secret_names,
    "responses": text,
    "mcp": servers,
    "notify": _by(lambda: notify.notices),
    "store": _store,
    "release": text,
    "triggers": _by(lambda: triggers.triggers),
    "web": _by(lambda: web.web),
    "otel": _by(lambda: otel.otel),
}
