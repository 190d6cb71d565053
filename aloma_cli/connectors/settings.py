"""The choice of a model server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from aloma_cli.connectors.address import Login, split_login
from aloma_cli.redact import NamedValue
from aloma_cli.values import dataclass

DEFAULT_PROVIDER = "openai"
MAX_ANSWER = 50_000_000

ALL = "*"
"""In `fallbacks`: the models to ask where a name has none of its own."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The resolved choice of a model server.

    `provider`: its name in the table. `base_url`: None is the provider's own. `models` maps the names that steps use to
    the server's (`default` is the name for a step that names none), unless `model` answers all of them. `concurrency`:
    calls at one time. `timeout`: seconds for each try, of which there are `max_retries` + 1. `offline`: answers come
    from `responses`, a folder of scripts, or are simulated, each after about `delay` seconds. `max_answer`: bytes of an
    answer of any server, uncompressed. `honours`: the file for `honours.Honours`; None remembers nothing.

    `servers`: further servers by name, each with its own settings; a model of theirs is named `SERVER/MODEL`. `name`:
    the name of this one, `kind`: the word for it in `kinds.KINDS`. `api_version`: of Azure's older interface.
    `key_variable`: where its key is expected; None requires no key. `fallbacks`: for a model as steps name it, or ALL,
    the models to ask next when it cannot answer.

    A user and a password in `base_url` are removed from it and become `login`, which is sent where there is no key.
    """

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 16
    timeout: float = 90.0
    max_retries: int = 2
    offline: bool = False
    responses: Path | None = None
    delay: float = 0.0
    max_answer: int = MAX_ANSWER
    provider: str = DEFAULT_PROVIDER
    login: Login | None = field(default=None, repr=False)
    honours: Path | None = None
    servers: Mapping[str, ModelSettings] = field(default_factory=dict)
    name: str | None = None
    kind: str | None = None
    api_version: str | None = None
    key_variable: str | None = None
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        url, login = split_login(self.base_url) if self.base_url else ("", None)
        if login is not None:
            object.__setattr__(self, "base_url", url)
            object.__setattr__(self, "login", login)

    @property
    def secrets(self) -> tuple[NamedValue, ...]:
        """The values that no record or message may contain."""
        key = (("api-key", self.api_key),) if self.api_key else ()
        others = (secret for server in self.servers.values() for secret in server.secrets)
        return (*key, *(self.login.secrets("base-url") if self.login else ()), *others)
