"""The table of connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.connectors.base import Connectors
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.embed import Embed
from aloma_cli.connectors.http import Http
from aloma_cli.connectors.mcp.tool import McpServer
from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.connectors.simulated.offline import Offline
from aloma_cli.connectors.workspace import module_connector
from aloma_cli.errors import ConfigError
from aloma_cli.record.figures import OWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aloma_cli.connectors.base import Connector
    from aloma_cli.connectors.mcp.settings import McpSettings
    from aloma_cli.connectors.providers.base import Model
    from aloma_cli.connectors.settings import ModelSettings


def open_connectors(
    settings: ModelSettings,
    modules: Mapping[str, object],
    used: Mapping[str, int] | None = None,
    mcp: Iterable[McpSettings] = (),
) -> Connectors:
    """The connectors of a run; close them at the end. Nothing connects before the first call.

    `modules` are the workspace's own connectors by name: modules, or any objects with functions. One with the name of a
    built-in one replaces it. `used` counts, by the `entry` in the recorded `about`, the calls that scripted answers
    gave before. Each server of `mcp` becomes the connector `mcp.NAME`. Raises ConfigError for an invalid scripted
    answer.
    """
    http = Http(max_answer=settings.max_answer)
    model: Model = Offline(settings, used or {}) if settings.offline else PROVIDERS[settings.provider].open(settings)
    concurrency = settings.concurrency if settings.offline else None
    names = PROVIDERS if settings.offline else [settings.provider]
    built_in: dict[str, Connector] = {
        name: {
            "chat": Chat(model.send, name=f"{name}.chat", concurrency=concurrency, price=model.price),
            "embed": Embed(model.send, name=f"{name}.embed", price=model.price),
        }
        for name in names
    }
    for name in OWN:
        if name in modules:
            raise ConfigError(f"a connector cannot be called {name}", hint=f"rename connectors/{name}.py")
    own = {name: module_connector(name, module) for name, module in modules.items()}
    servers = {f"mcp.{one.name}": McpServer(one) for one in mcp}
    closers = [http.aclose, model.aclose, *(server.aclose for server in servers.values())]
    return Connectors(built_in | {"http": http.functions} | servers | own, closers)
