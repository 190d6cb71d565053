"""OpenAI, and every server that speaks its chat completions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aloma_cli.later import Later

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from aloma_cli.connectors import checkup as trials
    from aloma_cli.connectors.chat import server
    from aloma_cli.connectors.check_result import CheckResult
    from aloma_cli.connectors.honours import Honours
    from aloma_cli.connectors.providers import router
    from aloma_cli.connectors.providers.base import Model
    from aloma_cli.connectors.settings import ModelSettings
else:
    trials = Later("aloma_cli.connectors.checkup")
    server = Later("aloma_cli.connectors.chat.server")
    router = Later("aloma_cli.connectors.providers.router")

TITLE = "OpenAI"
URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
MODEL_VARIABLE = "OPENAI_MODEL"


def open(settings: ModelSettings) -> Model:  # noqa: A001  (the name that every provider has)
    """As `Provider.open`."""
    return router.Router(settings, partial(server.ChatServer, url=URL, key_variable=KEY_VARIABLE))


async def checkup(
    settings: ModelSettings, models: Sequence[str], honours: Honours, key: str
) -> AsyncIterator[CheckResult]:
    """As `Provider.checkup`."""
    checked = server.ChatServer(settings, url=URL, key_variable=KEY_VARIABLE)
    try:
        checks = trials.Checkup(checked, settings, settings.base_url or URL, models, honours, key)
        async for finding in checks.findings():
            yield finding
    finally:
        await checked.aclose()
