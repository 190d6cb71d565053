"""`python -m aloma_cli`, and the entry point of the `aloma` command."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line; gives the exit code."""
    from aloma_cli.cli.exits import INTERRUPTED, TERMINATED
    from aloma_cli.cli.main import main as run

    code = run(sys.argv[1:])
    if code in (INTERRUPTED, TERMINATED):
        # Python would wait for threads that steps or libraries left behind, such as for one that looks up a name.
        sys.stderr.flush()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
