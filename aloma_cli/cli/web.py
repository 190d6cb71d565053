"""`aloma web`"""

from __future__ import annotations

import asyncio
import secrets
import webbrowser
from typing import TYPE_CHECKING, Annotated

from aloma_cli.cli import options, output
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.service import failed_request
from aloma_cli.cli.until_signal import run_until_signal
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.extras import extra

if TYPE_CHECKING:
    from aloma_cli.api.workspace import Workspace

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def web(
    port: Annotated[int, Option(("--port",), "The port; default: any free one.", "PORT", 1)] = 0,
    host: Annotated[str, Option(("--host",), "The address to listen on.", "HOST")] = _LOOPBACK[0],
    show: Annotated[bool, Option(("--open",), "Open it in a browser.")] = False,
    allow_answers: Annotated[
        bool, Option(("--allow-answers",), "Allow questions to be answered on the pages.")
    ] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma web --open
      aloma web --port 8650 --allow-answers

    Serves the tasks of the workspace as pages that follow what happens: a list, each
    task as `aloma task report` draws it, and the open questions. Prints their address,
    with a token that grants access. The pages change nothing; with
    --allow-answers, an answer is written into the record, and a worker or
    `aloma task resume` continues the task. Ctrl-C ends it.
    """
    home = load_workspace(workspace)
    if host not in _LOOPBACK:
        output.say(f"aloma: {host} may be reached from other machines, and the pages are sent without TLS")
    end = asyncio.Event()
    return run_until_signal(_serve(home, host, port, end, show=show, answers=allow_answers), end.set)


async def _serve(home: Workspace, host: str, port: int, end: asyncio.Event, *, show: bool, answers: bool) -> None:
    with extra("web", "the HTTP server"):
        from aloma_cli.web.board import board
        from aloma_cli.web.server import serving

    token = secrets.token_urlsafe(24)
    name = home.loaded.root.name if home.loaded.root is not None else "aloma"
    app = board(
        home,
        name,
        token,
        answers=answers,
        names=(host,),
        failed=lambda error: output.say(f"aloma: {failed_request(error)}"),
    )
    async with serving(app, host, port) as url:
        address = f"{url}/?token={token}"
        output.put(address)
        output.result().flush()
        if show and not webbrowser.open(address):
            output.say("aloma: no browser could be opened; open the address yourself")
        await end.wait()
