"""Fail if the tests reach less of the package than they must: `python tools/floors.py coverage.json`.

Lines are measured over the whole package, branches where the program decides.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

LINES = 97.0
BRANCHES = 95.0
DECIDING = ("condition", "document", "record", "engine")


def main() -> None:
    files: dict[str, dict[str, Any]] = json.loads(Path(sys.argv[1]).read_text())["files"]
    lines = share(files, "covered_lines", "num_statements")
    deciding = {name: file for name, file in files.items() if Path(name).parts[1] in DECIDING}
    branches = share(deciding, "covered_branches", "num_branches")
    print(f"coverage: {lines:.1f}% of lines (at least {LINES}%)")
    print(f"coverage: {branches:.1f}% of branches in {', '.join(DECIDING)} (at least {BRANCHES}%)")
    if lines < LINES or branches < BRANCHES:
        raise SystemExit("coverage: below the floor; run `.venv/bin/coverage report` for the missing lines")


def share(files: dict[str, dict[str, Any]], covered: str, total: str) -> float:
    have, of = (sum(int(file["summary"][key]) for file in files.values()) for key in (covered, total))
    return 100 * have / max(1, of)


if __name__ == "__main__":
    main()
