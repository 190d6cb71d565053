"""A command as a whole process, in a workspace of one step and one task. Milliseconds of processor time.

command.py [show | list | help | completion | new | nothing]: `nothing` is `python -c pass`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, spent_by_children, tell

STEP = 'condition = {"n": int, "square": None}\n\ndef content(data):\n    data["square"] = data["n"] ** 2\n'
ALOMA = [sys.executable, "-m", "aloma_cli"]
NEW = [*ALOMA, "task", "new", "Square", "-d", '{"n": 3}', "-q"]
COMMANDS = {
    "show": [*ALOMA, "task", "show", "--json"],
    "list": [*ALOMA, "task", "list"],
    "help": [*ALOMA, "--help"],
    "completion": ALOMA,
    "new": NEW,
    "nothing": [sys.executable, "-c", "pass"],
}


def main() -> None:
    what = sys.argv[1] if len(sys.argv) > 1 else "show"
    completion = {"_ALOMA_COMPLETE": "complete_bash", "COMP_WORDS": "aloma task ", "COMP_CWORD": "2"}
    environment = {**os.environ, **(completion if what == "completion" else {})}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "steps").mkdir()
        (Path(folder) / "steps" / "square.py").write_text(STEP, encoding="utf-8")

        def start(command: list[str]) -> None:
            subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)

        start(NEW)
        tell(least(lambda: start(COMMANDS[what]), repeats=7, clock=spent_by_children) * 1e3)


if __name__ == "__main__":
    main()
