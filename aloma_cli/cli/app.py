"""The commands, put together."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from aloma_cli import __version__
from aloma_cli.cli import exit_codes, output, secret, step, task

# What the parser raises. Some versions of typer bring a click of their own, so its class is found by its name.
_Refused: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.add_typer(task.app, name="task")
app.add_typer(step.app, name="step")
app.add_typer(secret.app, name="secret")


def run(arguments: Sequence[str]) -> int:
    """Carry one command out; gives the exit code. Raises AlomaError, and BrokenPipeError."""
    try:
        code = _commands()(list(arguments), prog_name="aloma", standalone_mode=False)
    except _Refused as error:
        return _tell_refused(error)
    except typer.Abort:
        output.say("Aborted!")
        return exit_codes.REFUSED
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None  # typer takes it for a failure
        _raise_interrupt(ended)
        return ended.code if isinstance(ended.code, int) else exit_codes.USAGE
    return code if isinstance(code, int) else exit_codes.DONE


def _tell_refused(error: Any) -> int:
    """Show an error of the parser, which quotes what was typed, without what a terminal would obey."""
    text = io.StringIO()
    error.show(text)
    output.say_lines(text.getvalue())
    return int(error.exit_code)


def _raise_interrupt(ended: BaseException) -> None:
    """Raise the KeyboardInterrupt that typer made an exit of: it may say what was interrupted."""
    context: BaseException | None = ended
    while context is not None:
        if isinstance(context, KeyboardInterrupt):
            raise context from None
        context = context.__context__


@functools.cache
def _commands() -> Callable[..., object]:
    """What typer makes of the functions; who runs many commands in one process pays for it once."""
    return typer.main.get_command(app)


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
