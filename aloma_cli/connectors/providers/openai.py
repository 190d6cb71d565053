"""OpenAI, and every server that speaks its chat completions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aloma_cli.connectors.providers.base import Model
    from aloma_cli.connectors.settings import ModelSettings

TITLE = "OpenAI"
URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
MODEL_VARIABLE = "OPENAI_MODEL"


def open(settings: ModelSettings) -> Model:  # noqa: A001  (the name that every provider has)
    """As `Provider.open`."""
    # Imported here: settings and secrets are read without it.
    from aloma_cli.connectors.chat.server import ChatServer
    from aloma_cli.connectors.providers.router import Router

    return Router(settings, partial(ChatServer, url=URL, key_variable=KEY_VARIABLE))
