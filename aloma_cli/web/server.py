"""Serve an app inside the running event loop, and stop cleanly."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aloma_cli.errors import InputError
from aloma_cli.extras import extra

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

LOOPBACK = "127.0.0.1"

IDLE = 5
"""Seconds after which a connection without a request is closed."""

GRACE = 3
"""Seconds that answers under way get at the end."""

CONNECTIONS = 100
_MOST_HEAD = 32_768
"""Bytes of the head of a request."""


@asynccontextmanager
async def serving(app: ASGIApp, host: str = LOOPBACK, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` until the block ends; returns the URL without a slash at the end. Port 0 is any free one.

    It installs no signal handler and writes nothing. Raises InputError where it cannot listen there, and
    WorkspaceError where the extra is missing.
    """
    with extra("web", "the HTTP server"):
        server = _uvicorn_server(app)
    with _listening(host, port) as listening:
        await server.startup(sockets=[listening])
        try:
            yield f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}"
        finally:
            await server.shutdown(sockets=[listening])


def _uvicorn_server(app: ASGIApp) -> Server:
    import uvicorn

    from aloma_cli.web.protocol import Protocol

    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=_MOST_HEAD,
    )
    config.load()
    server = uvicorn.Server(config)
    # `Server.serve` would also look ten times a second whether it is to end, and take the signals of the program.
    server.lifespan = config.lifespan_class(config)
    return server


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except (OSError, OverflowError) as error:  # Overflow: the port is too large
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the HTTP server cannot listen on {host}:{port}: {reason}", hint="use another port") from None
    return listening
