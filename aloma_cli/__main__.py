"""`python -m aloma_cli`, and the entry point of the `aloma` command."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run the command line, or complete one; returns the exit code."""
    _open_closed()
    # Imported where they are needed: a line is completed while somebody waits for the next key.
    if "_ALOMA_COMPLETE" in os.environ:
        from aloma_cli.cli.completion import complete

        told = complete(os.environ)
        if told is not None:
            return told
    from aloma_cli.cli import output
    from aloma_cli.cli.exit_codes import INTERRUPTED, TERMINATED
    from aloma_cli.cli.main import main as run

    own = sys.stdout, sys.stderr
    output.is_apart = _keep_result_apart()
    code = run(sys.argv[1:])
    # For what others registered for the end of the program.
    sys.stdout, sys.stderr = own
    if code in (INTERRUPTED, TERMINATED):
        from aloma_cli.cli import descriptors

        descriptors.end()
        # Python would wait for threads that steps or libraries left behind, such as for one that looks up a name.
        os._exit(code)
    return code


def _open_closed() -> None:
    """Open the null device for each standard stream that is closed (`>&-`).

    Otherwise the next opened file, the journal of a task, would get the number of that stream, and with it whatever a
    library prints there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free number is the missing one, because the streams are checked in order.
            number = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _keep_result_apart() -> bool:
    """From here on only our result reaches standard output; gives whether it has a descriptor that can be moved.

    Our own streams use other descriptors, which no child process inherits. All other output to descriptor 1 goes to
    standard error. The result is always UTF-8.
    """
    try:
        if (sys.stdout.fileno(), sys.stderr.fileno()) != (1, 2):
            return False
    except (OSError, ValueError):  # a stream without a descriptor
        return False
    by_line = 1 if sys.stdout.line_buffering else -1
    sys.stdout = open(os.dup(1), "w", by_line, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(os.dup(2), "w", 1, sys.stderr.encoding, "backslashreplace", closefd=False)  # noqa: SIM115
    os.dup2(2, 1)
    return True


if __name__ == "__main__":
    sys.exit(main())
