"""`python -m aloma_cli`, and the entry point of the `aloma` command."""

from __future__ import annotations

import os
import sys

from aloma_cli.cli import streams


def main() -> int:
    """Run the command line, or complete one; gives the exit code."""
    streams.open_closed()
    # Imported where they are needed: a line is completed while somebody waits for the next key.
    if "_ALOMA_COMPLETE" in os.environ:
        from aloma_cli.cli.completion import complete

        told = complete(os.environ)
        if told is not None:
            return told
    from aloma_cli.cli.exit_codes import INTERRUPTED, TERMINATED
    from aloma_cli.cli.main import main as run

    streams.keep_result_apart()
    code = run(sys.argv[1:])
    streams.give_to_others()
    if code in (INTERRUPTED, TERMINATED):
        from aloma_cli.cli import descriptors

        descriptors.end()
        # Python would wait for threads that steps or libraries left behind, such as for one that looks up a name.
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
