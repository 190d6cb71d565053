"""A report about an internal error, as a file to send with a bug report. It has no data of a task."""

from __future__ import annotations

import platform
import tempfile
import traceback
from collections.abc import Sequence
from importlib import metadata

from aloma_cli import __version__
from aloma_cli.cli.commands import COMMANDS

_LIBRARIES = ("typer", "rich", "openai", "httpx", "pyyaml", "jsonschema")


def report(arguments: Sequence[str], error: BaseException) -> str:
    """Write a report about `error`; returns its path, or why there is none."""
    lines = [
        f"aloma {__version__}, Python {platform.python_version()}, {platform.platform()}",
        ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES),
        f"arguments: {' '.join(_argument_names(arguments))}",
        "",
        *_frames(error),
    ]
    try:
        with tempfile.NamedTemporaryFile("w", prefix="aloma-", suffix=".txt", delete=False, encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
    except OSError as refused:
        return f"not written ({refused.strerror})"
    return file.name


def _argument_names(arguments: Sequence[str]) -> list[str]:
    """The command and the names of its options; each value may be a secret, so it is left out."""
    known = {word for command in COMMANDS for word in command.split()}
    return [_option(word) if word.startswith("-") else word if word in known else "…" for word in arguments]


def _option(word: str) -> str:
    return word.partition("=")[0] if word.startswith("--") else word[:2]


def _frames(error: BaseException) -> list[str]:
    """The kinds of the error and its causes with their frames. Their messages may hold data, so they are left out."""
    lines = []
    cause: BaseException | None = error
    while cause is not None:
        lines += [type(cause).__name__, *(line.rstrip() for line in traceback.format_tb(cause.__traceback__))]
        cause = cause.__cause__ or cause.__context__
    return lines


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"
