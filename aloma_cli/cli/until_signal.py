"""Run work that never ends by itself, until a signal ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine

from aloma_cli.cli import descriptors, exit_codes
from aloma_cli.threads import leave


def run_until_signal(work: Coroutine[object, object, object], end: Callable[[], object]) -> int:
    """Run `work` and give the exit code. The first SIGINT or SIGTERM calls `end`, the second one cancels `work`."""
    loop = asyncio.new_event_loop()
    running = loop.create_task(work)
    codes: list[int] = []

    def signalled(code: int) -> None:
        if codes:
            running.cancel()
        else:
            end()
        codes.append(code)

    loop.add_signal_handler(signal.SIGINT, signalled, exit_codes.INTERRUPTED)
    loop.add_signal_handler(signal.SIGTERM, signalled, exit_codes.TERMINATED)
    try:
        loop.run_until_complete(running)
    except asyncio.CancelledError:
        return codes[-1]
    finally:
        leave(loop)
        descriptors.settle()
    return exit_codes.DONE
