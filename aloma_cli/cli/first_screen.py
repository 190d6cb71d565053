"""The help of a command on one screen: what people use most, and the names of the rest.

`aloma help COMMAND` explains all of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from aloma_cli.cli import commands

WHOLE = "whole"
"""The object of a parser's context in which nothing is shortened."""

_LINES = 24
_Rows = list[tuple[str, str]]
_Context: Any = typer.core.TyperCommand.context_class
_Formatter: Any = _Context.formatter_class
_COMMAND = re.compile("`[^`]+`")
_LEAST = re.compile(r"\[x>=(\d+)\]")
_SPACE, _HYPHEN = "\u00a0", "\u2011"
_AT_LEAST = rf"[at{_SPACE}least{_SPACE}\1]"


class _WholeWords(_Formatter):  # type: ignore[misc]
    """Breaks no line inside a word, or inside a command between backticks."""

    def write_text(self, text: str) -> None:
        super().write_text(_unbroken(text))

    def write_dl(self, rows: _Rows, *more: Any) -> None:
        super().write_dl([(name, _unbroken(_LEAST.sub(_AT_LEAST, about))) for name, about in rows], *more)

    def getvalue(self) -> str:
        return str(super().getvalue()).replace(_SPACE, " ").replace(_HYPHEN, "-")


class _HelpContext(_Context):  # type: ignore[misc]
    formatter_class = _WholeWords


class ShortCommand(typer.core.TyperCommand):
    """A command whose help fits on a screen."""

    context_class = _HelpContext

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage, without braces."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, or its first screen."""
        super().format_help(ctx, formatter)
        if _begins_again(self, ctx, formatter):
            own = [one for one in self.params if getattr(one, "rich_help_panel", None) is None]
            rows = [record for one in own if (record := one.get_help_record(ctx)) and one.name != "help"]
            _write_rows(formatter, "Arguments and options", rows)
            _write_more(ctx, formatter, _option_names(self.params))


class ShortGroup(typer.core.TyperGroup):
    """A group of commands whose help fits on a screen."""

    context_class = _HelpContext

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of its commands: `init`, with which everybody begins, then groups."""
        return sorted(super().list_commands(ctx), key=lambda name: (name != "init", name not in commands.GROUPS))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, or its first screen."""
        super().format_help(ctx, formatter)
        if _begins_again(self, ctx, formatter):
            more = commands.MORE.get("" if ctx.parent is None else str(self.name), {})
            named = {name for names in more.values() for name in names}
            found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx) if name not in named}
            rows = [(name, one.help.partition("\n")[0]) for name, one in found.items() if one and one.help]
            _write_rows(formatter, "Commands", rows)
            _write_more(ctx, formatter, more)


def _begins_again(command: Any, ctx: Any, formatter: Any) -> bool:
    """Whether what is written is more than a screen; then it is the usage, the first line and the examples instead."""
    if ctx.obj == WHOLE or formatter.getvalue().count("\n") <= _LINES:
        return False
    formatter.buffer.clear()
    command.format_usage(ctx, formatter)
    about, *others = command.help.split("\n\n")
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text("\n\n".join([about, *(one for one in others if one.startswith("\b"))]))
    return True


def _option_names(parameters: Sequence[Any]) -> Mapping[str, Sequence[str]]:
    parts: dict[str, list[str]] = {}
    for one in parameters:
        part = getattr(one, "rich_help_panel", None)
        if part is not None:
            parts.setdefault(part, []).append(next((name for name in one.opts if name.startswith("--")), one.opts[0]))
    return parts


def _write_rows(formatter: Any, title: str, rows: _Rows) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def _write_more(ctx: Any, formatter: Any, parts: Mapping[str, Sequence[str]]) -> None:
    """Write the names of the rest, and the command that explains them."""
    command = " ".join(["aloma help", *ctx.command_path.split()[1:]])
    if not parts:
        formatter.write(f"\nMore: `{command}`\n")
        return
    rows = [(part, ", ".join(names)) for part, names in parts.items()]
    _write_rows(formatter, f"More, explained by `{command}`", rows)


def _unbroken(text: str) -> str:
    return _COMMAND.sub(lambda found: _SPACE.join(found[0].split()), text).replace("-", _HYPHEN)
