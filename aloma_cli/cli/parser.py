"""The command line library: help, completion, and what is wrong with what was typed."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer._completion_shared import _completion_scripts as completion_scripts

from aloma_cli import __version__
from aloma_cli.cli import commands, exit_codes, output
from aloma_cli.cli.bash_script import BASH
from aloma_cli.cli.first_screen import WHOLE, ShortCommand, ShortGroup
from aloma_cli.cli.parameters import REQUIRED, Argument, Group, Parameter

# What the parser raises. Some versions of typer bring a click of their own, so its class is found by its name.
_Refused: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def run(words: Sequence[str]) -> int:
    """Run one command; returns the exit code. Raises AlomaError, and BrokenPipeError.

    The help of a command is its first screen.
    """
    # The library has no other way to give a shell a script of ours.
    completion_scripts["bash"] = BASH
    command = typer.main.get_command(_app(words))
    try:
        code = command(list(words), prog_name="aloma", standalone_mode=False)
    except _Refused as error:
        return _show_refusal(error, words)
    except typer.Abort:
        output.say("Aborted!")
        return exit_codes.REFUSED
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):
            raise ended.__context__ from None  # typer takes it for a failure
        _raise_interrupt(ended)
        return ended.code if isinstance(ended.code, int) else exit_codes.USAGE
    return code if isinstance(code, int) else exit_codes.DONE


def whole_help(words: Sequence[str]) -> str:
    """All that a command, or a group of commands, says of itself; of the program where there are no words."""
    command: Any = typer.main.get_command(_app(words))
    context = command.context_class(command, info_name="aloma", obj=WHOLE, **command.context_settings)
    for word in words:
        command = command.get_command(context, word)
        context = command.context_class(command, info_name=word, parent=context)
    return str(command.get_help(context))


def _show_refusal(error: Any, words: Sequence[str]) -> int:
    """Show an error of the parser without the control characters of what was typed."""
    text = io.StringIO()
    error.show(text)
    output.say_lines(text.getvalue())
    is_early = hasattr(error.ctx.command, "commands") and not all(word.startswith("-") for word in words)
    if is_early and getattr(error, "option_name", None):
        output.say(f"  → write {error.option_name} after the command, if it is an option of the command")
    return int(error.exit_code)


def _raise_interrupt(ended: BaseException) -> None:
    """Raise the KeyboardInterrupt that typer made an exit of: it may say what was interrupted."""
    context: BaseException | None = ended
    while context is not None:
        if isinstance(context, KeyboardInterrupt):
            raise context from None
        context = context.__context__


def _app(words: Sequence[str]) -> typer.Typer:
    """All commands; only the one among `words`, or in the line to complete, is more than its name and its summary."""
    completed = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS") or ""
    typed = commands.name_in(words or completed.split()[1:])
    app = typer.Typer(
        cls=ShortGroup,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(_root)
    groups = {"": app}
    for group, about in commands.GROUPS.items():
        groups[group] = typer.Typer(cls=ShortGroup, no_args_is_help=True, rich_markup_mode=None, help=about)
        app.add_typer(groups[group], name=group)
    for name, command in commands.COMMANDS.items():
        group, _, word = name.rpartition(" ")
        function = command.load() if name == typed else None
        details = inspect.cleandoc(function.__doc__ or "") if function else ""
        groups[group].command(word, cls=ShortCommand, help=f"{command.about}\n\n{details}")(_typer_command(function))
    return app


def _typer_command(command: Callable[..., int] | None) -> Callable[..., int]:
    """A command with the signature that typer reads."""
    group = Group.of(command or (lambda: exit_codes.DONE))

    def run(**values: Any) -> int:
        return group.make_from(values)  # type: ignore[no-any-return]

    signature = [
        inspect.Parameter(
            one.name, inspect.Parameter.KEYWORD_ONLY, annotation=_annotation(one), default=_typer_default(one)
        )
        for one in group.parameters
    ]
    run.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in signature}
    return run


def _typer_default(parameter: Parameter) -> Any:
    return inspect.Parameter.empty if parameter.default is REQUIRED else parameter.default


def _annotation(parameter: Parameter) -> Any:
    kind = parameter.kind if parameter.default is not None else parameter.kind | None
    return Annotated[kind, _declaration(parameter)]


def _declaration(parameter: Parameter) -> Any:
    declared = parameter.declared
    if isinstance(declared, Argument):
        return typer.Argument(metavar=declared.metavar, help=declared.help, show_default=False)
    return typer.Option(
        *declared.names,
        metavar=declared.metavar,
        help=declared.help,
        min=declared.min,
        rich_help_panel=parameter.part or None,
        show_default=False,
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        output.put(f"aloma {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print the traceback of an error; allowed anywhere.")
    ] = False,
) -> None:
    """Data-triggered AI agents on your own machine.

    \b
    Examples:
      aloma init letters                               # create a workspace
      aloma task new "Letter" -f examples/letter.json  # create a task and run it
      aloma task why                                   # why steps ran or did not
      aloma help start                                 # a tour of ten minutes

    A workspace is a folder with steps/ (agents). A task is one JSON document: every
    step whose condition becomes true fires and changes it, until nothing is left to
    do.
    """
