"""N queued trees of one step, run by one `aloma worker` on files with fsync.

worker.py [time | processor | memory] [N]: milliseconds a tree; those of processor time; the most megabytes of the
process. Its start is not counted: it is what a worker takes that has nothing to do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import number, tell

from aloma_cli.api.orders import starting
from aloma_cli.api.queue import leave_to_worker
from aloma_cli.api.workspace import load
from aloma_cli.store.files.disk import FileStore

STEP = 'condition = {"n": int, "square": None}\n\nasync def content(data):\n    data["square"] = data["n"] ** 2\n'
WORKER = [sys.executable, "-m", "aloma_cli", "worker", "--once", "-q"]


def queue(folder: str, count: int) -> None:
    home = load(folder)
    home.store = FileStore(Path(folder) / ".aloma", fsync=False)  # the creation is not what is measured
    for at in range(count):
        claim = home.create("Square", {"n": at}).claim
        leave_to_worker(home, claim.root, starting(home.setup, {}), claim)


def worked(folder: str) -> tuple[float, float, int]:
    """Seconds, seconds of processor time, and the most kilobytes of a worker."""
    started = time.perf_counter()
    process = subprocess.Popen(WORKER, cwd=folder)
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss


def main() -> None:
    what, count = sys.argv[1] if len(sys.argv) > 1 else "time", number(2, 1000)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "steps").mkdir()
        (Path(folder) / "steps" / "square.py").write_text(STEP, encoding="utf-8")
        (Path(folder) / "aloma.yaml").write_text("offline: true\n", encoding="utf-8")
        idle_seconds, idle_processor, _ = worked(folder)
        queue(folder, count)
        seconds, processor, memory = worked(folder)
    if what == "memory":
        tell(memory / 1024)
    elif what == "processor":
        tell((processor - idle_processor) / count * 1e3)
    else:
        tell((seconds - idle_seconds) / count * 1e3)


if __name__ == "__main__":
    main()
