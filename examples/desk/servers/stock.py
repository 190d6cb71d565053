"""The stock of the shop as an MCP server, which aloma starts (`mcp:` in aloma.yaml)."""

from __future__ import annotations

from mcp.server import MCPServer
from mcp_types import ToolAnnotations

STOCK = {"globe-30": 3, "desk-12": 0}

server = MCPServer("stock")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def in_stock(article: str) -> int:
    """How many pieces of an article are in stock."""
    return STOCK.get(article, 0)


if __name__ == "__main__":
    server.run()
