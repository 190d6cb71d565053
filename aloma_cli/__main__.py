"""`python -m aloma_cli`, and the entry point of the `aloma` command."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; gives the exit code."""
    from aloma_cli.cli.app import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
