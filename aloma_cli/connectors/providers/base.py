"""What the module of a provider holds, and what it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aloma_cli.connectors.base import Answer, Call
    from aloma_cli.connectors.check_result import CheckResult
    from aloma_cli.connectors.honours import Honours
    from aloma_cli.connectors.settings import ModelSettings


class Model(Protocol):
    """A model server, or a stand-in for one. It connects at the first call."""

    async def send(self, call: Call) -> Answer:
        """A chat completion in the OpenAI form, or the vectors of the `input`. Raises ConnectorError."""

    async def price(self, asked: str, input_tokens: int, output_tokens: int) -> float | None:
        """The price in US dollars of a call of the model that steps name `asked`; None if unknown."""

    async def aclose(self) -> None:
        """Close the connections."""


class Provider(Protocol):
    """A module. Its name in the table is that of its connector, and of its section in `aloma.yaml`.

    `KEY_VARIABLE`, `URL_VARIABLE`, `MODEL_VARIABLE`: the environment variables for the key, for the URL of another
    server, and for the model of calls that name none. `URL`: the provider's own server. `TITLE`: its name in messages.
    """

    TITLE: str
    URL: str
    KEY_VARIABLE: str
    URL_VARIABLE: str
    MODEL_VARIABLE: str

    def open(self, settings: ModelSettings) -> Model:
        """The server that `settings` choose. A run opens one provider.

        `settings.servers`: the servers under `providers:` in `aloma.yaml`, all of which speak OpenAI's protocol.
        """

    @property
    def checkup(self) -> ServerCheck | None:
        """What `aloma doctor` tries; None if there is nothing to try."""


class ServerCheck(Protocol):
    """The checks of one server: findings, each as soon as it is known."""

    def __call__(
        self, settings: ModelSettings, models: Sequence[str], honours: Honours, key: str
    ) -> AsyncIterator[CheckResult]:
        """`models`: the names that a run would use there. `key`: a new one for each checkup. Raises nothing."""
