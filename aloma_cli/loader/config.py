"""`aloma.yaml` and the user's `config.yaml`, each as one frozen value.

A new setting is one line in a table of `config_table` and one field here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from aloma_cli.connectors.settings import MAX_ANSWER
from aloma_cli.later import Later
from aloma_cli.loader.layout import CONFIG_FILE, RESPONSES_FOLDER
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.budget import LimitRequest
    from aloma_cli.connectors import kinds
    from aloma_cli.connectors.mcp.settings import McpSettings
    from aloma_cli.loader.triggers import TriggerConfig
    from aloma_cli.loader.web import WebConfig
    from aloma_cli.notices.settings import NoticeSettings
    from aloma_cli.telemetry.settings import OtelSettings
else:
    kinds = Later("aloma_cli.connectors.kinds")


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
        return self.api_key_env or (kinds.kind_of_server(self.kind).key if self.kind and not self.base_url else None)


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
    answers, relative to the workspace. `offline`: None means "not set here". `mcp`: the MCP servers. `notify`: who gets
    notices of questions and ends. `store`: the URL of the database with the tasks; None: the folder of the workspace.
    `release`: the version of the code. `triggers`: what starts tasks by itself. `web`: where a worker answers HTTP;
    None means "not set here". `otel`: where spans are sent.
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
    otel: OtelSettings | None = None

    @property
    def named(self) -> dict[str, ProviderConfig]:
        """The providers under `providers:`."""
        return {name: section for name, section in self.providers.items() if section.kind}
