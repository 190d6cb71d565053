"""A provider of models, as another one than OpenAI would be written."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.settings import ModelSettings
from tests.connectors.support import completion

URL = "https://acme.test/v1"


class Acme:
    """A model server that says with what it was opened."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings

    async def send(self, _call: Call) -> Answer:
        return Answer(completion(f"from {self.settings.provider}"))

    async def price(self, *_: object) -> float:
        return 0.5

    async def aclose(self) -> None: ...


def module() -> Any:
    acme: Any = ModuleType("acme")
    acme.TITLE, acme.URL = "Acme", URL
    acme.KEY_VARIABLE, acme.URL_VARIABLE, acme.MODEL_VARIABLE = "ACME_KEY", "ACME_URL", "ACME_MODEL"
    acme.open, acme.checkup = Acme, None
    return acme
