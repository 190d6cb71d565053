"""How every script here measures; standard library only, since peers run it in an environment of their own."""

from __future__ import annotations

import gc
import resource
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


def tell(value: float) -> None:
    """Print the figure, which is all that a script prints."""
    print(f"{value:.6g}")


def number(position: int, default: int) -> int:
    """An argument of the script."""
    return int(sys.argv[position]) if len(sys.argv) > position else default
