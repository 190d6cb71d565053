"""From arguments to an exit code: the only place where errors become messages."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aloma_cli.cli import commands, exit_codes, output, parameters
from aloma_cli.errors import AlomaError
from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.cli import parser, report
else:
    report = Later("aloma_cli.cli.report")
    parser = Later("aloma_cli.cli.parser")

_VERBOSE = ("-v", "--verbose")


@output.own_streams()
def main(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code and raises nothing.

    `-v` or `--verbose`, anywhere before a `--`, shows the traceback of an error as well.
    """
    until = arguments.index("--") if "--" in arguments else len(arguments)
    words = [word for word in arguments[:until] if word not in _VERBOSE]
    verbose = len(words) < until
    try:
        code = _run_command([*words, *arguments[until:]])
        output.result().flush()
    except BrokenPipeError:
        output.close_result()
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
        output.close_result()
        exit_codes.tell(exit_codes.refusal(error))
        _show_traceback(verbose=verbose)
        return exit_codes.REFUSED
    except Exception as error:  # noqa: BLE001  (the last resort: whatever is wrong here is ours)
        what = f"internal error (a bug in aloma): {type(error).__name__}: {error}"
        output.say(f"aloma: {what}; report: {report.report(arguments, error)}")
        _show_traceback(verbose=verbose)
        return exit_codes.FAULT
    return code


def _run_command(words: list[str]) -> int:
    """Run a command. The parser's library is imported only for help, completion and what is not plainly right."""
    found = None if "_ALOMA_COMPLETE" in os.environ else commands.find(words)
    if found is not None:
        command, rest = found
        group = parameters.Group.of(command.load())
        values = parameters.parse(group.parameters, rest)
        if values is not None:
            return group.make_from(values)  # type: ignore[no-any-return]  # a command gives its exit code
    return parser.run(words)


def _show_traceback(*, verbose: bool) -> None:
    if verbose:
        import traceback

        output.say_lines(traceback.format_exc())
