"""The `otel:` section of `aloma.yaml`: the collector that gets a trace of each run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aloma_cli.errors import ConfigError, PermanentError
from aloma_cli.loader.layout import CONFIG_FILE
from aloma_cli.loader.references import all_filled
from aloma_cli.loader.settings import Setting, Table, flag, mapping_of, section, text_or_number, url_like
from aloma_cli.telemetry.settings import OtelSettings

if TYPE_CHECKING:
    from aloma_cli.loader.environment import Environment


def otel(entry: Setting) -> OtelSettings:
    """The section as written; `${NAME}` in it is not replaced yet. Raises ConfigError."""
    values = section(entry, _OTEL)
    if "url" not in values:
        raise entry.error("needs a url", hint=f"write `url: {_URL}`")
    return OtelSettings(**values)


def equipped(settings: OtelSettings, environment: Environment) -> OtelSettings:
    """`settings`, ready to be used. Raises ConfigError for a `${NAME}` without a value."""
    try:
        return replace(settings, headers=all_filled(settings.headers, environment))
    except PermanentError as error:
        raise ConfigError(f"{CONFIG_FILE}: `otel`: {error}", hint=error.hint) from None


_URL = "http://127.0.0.1:4318"
_OTEL: Table = {"url": url_like(_URL), "headers": mapping_of(text_or_number), "prompts": flag}
