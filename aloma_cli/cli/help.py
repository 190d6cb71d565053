"""`aloma help`: the pages of the documentation, and parts of them, by topic."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from aloma_cli.cli import commands, exit_codes
from aloma_cli.cli.output import for_people, result
from aloma_cli.cli.pager import write_paged
from aloma_cli.cli.parameters import Argument
from aloma_cli.cli.topics import Topic, text_of, topics
from aloma_cli.errors import NotFoundError, did_you_mean
from aloma_cli.later import Later
from aloma_cli.view.terminal import size_of, write

if TYPE_CHECKING:
    from aloma_cli.cli import parser
else:
    parser = Later("aloma_cli.cli.parser")

_WIDEST = 100
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def show_help(
    words: Annotated[list[str] | None, Argument("[TOPIC|COMMAND]", "What to read about.", "topic")] = None,
) -> int:
    """
    \b
    Examples:
      aloma help                # the topics
      aloma help exit-codes
      aloma help task new       # all options, not only those on the first screen

    At a terminal, a long page goes through the pager in PAGER. In a pipe it is Markdown.
    """
    name = " ".join(words or ())
    known = topics()
    if not name:
        _print_topics(known)
    elif name in known:
        help_too = f"\n```text\n{parser.whole_help([name])}\n```\n" if name in commands.COMMANDS else ""
        _print_help(f"{text_of(known[name])}{help_too}")
    elif commands.name_in(words or ()) == name or name in commands.GROUPS:
        _page(parser.whole_help(words or ()))
    else:
        near = did_you_mean(name, [*known, *commands.COMMANDS, *commands.GROUPS])
        raise NotFoundError(f"there is no help about {name!r}", hint=near or "run `aloma help` for the topics")
    return exit_codes.DONE


def _print_topics(known: Mapping[str, Topic]) -> None:
    lines = ["Topics, for `aloma help TOPIC`:"]
    lines += _columns(
        {name: topic.heading or text_of(topic).partition("\n")[0].removeprefix("# ") for name, topic in known.items()}
    )
    lines += ["", "Commands, for `aloma help COMMAND`:"]
    alone = {name: command.about for name, command in commands.COMMANDS.items() if " " not in name}
    lines += [*_columns(alone | commands.GROUPS), "", "Options:"]
    _page("\n".join(lines) + parser.whole_help(()).partition("\nOptions:")[2].partition("\n\n")[0])


def _page(text: str) -> None:
    write_paged(result(), f"{text}\n")


def _columns(about: Mapping[str, str]) -> Sequence[str]:
    width = max(map(len, about))
    return [f"  {name:<{width}}  {text}" for name, text in about.items()]


def _print_help(text: str) -> None:
    if not for_people():
        write(result(), text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    page = io.StringIO()
    width = min(_WIDEST, size_of(result()).room)
    console = Console(file=page, width=width, force_terminal=True, _environ=os.environ)
    console.print(Markdown(_LINK.sub(r"\1", text), code_theme="ansi_dark"))
    write_paged(result(), page.getvalue())
