"""How every script here measures; standard library only, since peers run it in an environment of their own."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

REPEATS = 5


def least(
    work: Callable[[], object], *, repeats: int = REPEATS, clock: Callable[[], float] = time.perf_counter
) -> float:
    """The least seconds that `work` took. A busy machine makes work slower and never quicker."""
    seconds = []
    for _ in range(repeats):
        gc.collect()
        started = clock()
        work()
        seconds.append(clock() - started)
    return min(seconds)


def processor(work: Callable[[], object], *, repeats: int = REPEATS) -> float:
    """The least seconds of processor time that `work` took: for work that never waits."""
    return least(work, repeats=repeats, clock=time.process_time)


def spent_by_children() -> float:
    """The seconds of processor time that all ended processes took which this one started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def at_terminal(command: list[str], folder: str | None = None) -> None:
    """Run a command whose streams are a terminal, and read what it writes. Raises CalledProcessError."""
    ours, its = os.openpty()
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        try:
            while os.read(ours, 65_536):
                pass
        except OSError:  # its end
            os.close(ours)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def tell(value: float) -> None:
    """Print the figure, which is all that a script prints."""
    print(f"{value:.6g}")


def number(position: int, default: int) -> int:
    """An argument of the script."""
    return int(sys.argv[position]) if len(sys.argv) > position else default
