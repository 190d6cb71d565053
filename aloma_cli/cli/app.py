"""From arguments to an exit code: the only place where errors become messages."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from aloma_cli import __version__
from aloma_cli.cli import exits, output, step, task
from aloma_cli.errors import AlomaError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.add_typer(task.app, name="task")
app.add_typer(step.app, name="step")

_VERBOSE = ("-v", "--verbose")


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code and raises nothing.

    `-v` or `--verbose`, anywhere before a `--`, shows the traceback of an error as well.
    """
    until = list(arguments).index("--") if "--" in arguments else len(arguments)
    verbose = any(word in _VERBOSE for word in arguments[:until])
    rest = [word for word in arguments[:until] if word not in _VERBOSE] + list(arguments[until:])
    try:
        code = _run(rest)
        sys.stdout.flush()
    except BrokenPipeError:
        output.close_quietly()
        return exits.DONE
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except AlomaError as error:
        exits.tell(error)
        _show_traceback(verbose=verbose)
        return exits.code_of_error(error)
    except Exception as error:  # noqa: BLE001  (the last resort: whatever is wrong here is ours)
        output.say(f"aloma: this is a fault in aloma: {type(error).__name__}: {error}")
        output.say("  → -v shows where; please report it")
        _show_traceback(verbose=verbose)
        return exits.FAULT
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        app(list(arguments), prog_name="aloma")
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None  # typer takes it for a failure
        return ended.code if isinstance(ended.code, int) else exits.USAGE
    return exits.DONE


def _show_traceback(*, verbose: bool) -> None:
    if verbose:
        import traceback

        traceback.print_exc()


def _print_version(wanted: bool) -> None:
    if wanted:
        output.put(f"aloma {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Data-triggered AI agents on your own machine.

    \b
    Examples:
      aloma task new "Research" -f examples/research.json     create a task and run it
      aloma task show                                         what became of it
      aloma task log --changes                                what happened, step by step
      aloma step list                                         the agents of this workspace

    A workspace is a folder with steps/ (agents). A task is one JSON document: every step whose condition becomes
    true fires and changes it, until nothing is left to do. -v shows tracebacks.
    """
