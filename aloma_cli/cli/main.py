"""From arguments to an exit code: the only place where errors become messages."""

from __future__ import annotations

from collections.abc import Sequence

from aloma_cli.cli import exit_codes, fast_path, output, streams
from aloma_cli.errors import AlomaError

_VERBOSE = ("-v", "--verbose")


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code and raises nothing.

    `-v` or `--verbose`, anywhere before a `--`, shows the traceback of an error as well.
    """
    with output.own_streams():
        return _main(arguments)


def _main(arguments: Sequence[str]) -> int:
    until = list(arguments).index("--") if "--" in arguments else len(arguments)
    verbose = any(word in _VERBOSE for word in arguments[:until])
    rest = [word for word in arguments[:until] if word not in _VERBOSE] + list(arguments[until:])
    try:
        code = fast_path.run(rest) if fast_path.knows(rest) else _run(rest)
        output.result().flush()
    except BrokenPipeError:
        streams.close_quietly(output.result())
        return exit_codes.DONE
    except KeyboardInterrupt as interrupted:
        if interrupted.args:
            output.say(f"aloma: {interrupted}")
        return exit_codes.INTERRUPTED
    except AlomaError as error:
        exit_codes.tell(error)
        _show_traceback(verbose=verbose)
        return exit_codes.code_of_error(error)
    except OSError as error:
        streams.close_quietly(output.result())
        exit_codes.tell(exit_codes.refusal(error))
        _show_traceback(verbose=verbose)
        return exit_codes.REFUSED
    except Exception as error:  # noqa: BLE001  (the last resort: whatever is wrong here is ours)
        output.say(f"aloma: this is a fault in aloma: {type(error).__name__}: {error}")
        output.say("  → -v shows where; please report it")
        _show_traceback(verbose=verbose)
        return exit_codes.FAULT
    return code


def _show_traceback(*, verbose: bool) -> None:
    if verbose:
        import traceback

        output.say_lines(traceback.format_exc())


def _run(arguments: Sequence[str]) -> int:
    from aloma_cli.cli.app import run

    return run(arguments)
