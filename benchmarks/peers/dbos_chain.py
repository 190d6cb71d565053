"""The chain in DBOS: a workflow of N steps, each recorded in SQLite. Microseconds a step.

dbos_chain.py [N]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from dbos import DBOS
from measure import least, number, tell


@DBOS.step()
def link(at: int) -> bool:
    return at >= 0


@DBOS.workflow()
def chain(length: int) -> dict[str, bool]:
    return {f"f{at + 1}": link(at) for at in range(length)}


def main() -> None:
    length = number(1, 100)
    with tempfile.TemporaryDirectory() as folder:
        DBOS(config={"name": "chain", "system_database_url": f"sqlite:///{folder}/db", "log_level": "ERROR"})
        DBOS.launch()
        tell(least(lambda: chain(length), repeats=2) / length * 1e6)
        DBOS.destroy()


if __name__ == "__main__":
    main()
