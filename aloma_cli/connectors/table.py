"""The table of connectors."""

from __future__ import annotations

from collections.abc import Mapping

from aloma_cli.connectors.base import Connector, Connectors
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.server import OpenAIServer
from aloma_cli.connectors.http import Http
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.simulated.offline import Offline
from aloma_cli.connectors.workspace import module_connector


def open_connectors(
    settings: ModelSettings, modules: Mapping[str, object], used: Mapping[str, int] | None = None
) -> Connectors:
    """What a run can call; close it at the end. Nothing is connected before the first call.

    `modules` are the workspace's own connectors by name: modules, or any objects with functions. One called like a
    built-in takes its place. `used` counts, by the `entry` in the recorded `about`, the calls that scripted answers
    gave before. Raises ConfigError for a scripted answer that cannot be used.
    """
    http = Http(max_answer=settings.max_answer)
    model: Offline | OpenAIServer = Offline(settings, used or {}) if settings.offline else OpenAIServer(settings)
    closers = [http.aclose] if isinstance(model, Offline) else [http.aclose, model.aclose]
    built_in: dict[str, Connector] = {
        "openai": {
            "chat": Chat(model.send, concurrency=settings.concurrency, price=model.price),
        },
        "http": http.functions,
    }
    own = {name: module_connector(name, module) for name, module in modules.items()}
    return Connectors(built_in | own, closers)
