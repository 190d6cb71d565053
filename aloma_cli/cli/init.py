"""`aloma init`"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from aloma_cli.cli.exit_codes import DONE
from aloma_cli.cli.new_files import write_new
from aloma_cli.cli.output import put, put_json, say
from aloma_cli.cli.parameters import Argument, Option
from aloma_cli.cli.task_data import given_path
from aloma_cli.errors import InputError, did_you_mean
from aloma_cli.jsontext import dumps, first_few

TEMPLATES = Path(__file__).parents[1] / "templates"
_SHARED = "shared"
_NAMES = {"gitignore": ".gitignore"}
_CACHES = "__pycache__"
_COMMANDS = re.compile(r"^(?:aloma|python) .*", re.MULTILINE)
_SHOWN = 3


def init(
    folder: Annotated[str, Argument("[DIR]", "The folder, created if needed; default: the current one.")] = ".",
    template: Annotated[
        str,
        Option(
            ("--template", "-t"),
            "hello, research, approval or tools. Default: hello.",
            "NAME",
            offers=("hello", "research", "approval", "tools"),
        ),
    ] = "hello",
    as_json: Annotated[bool, Option(("--json",), "Print the folder and its new files as JSON.")] = False,
) -> int:
    """
    \b
    Examples:
      aloma init letters
      aloma init spending --template approval

    Writes agents, a test, example data and settings. They run without a key: the
    models' answers come from responses/. A file that exists is never overwritten.
    """
    root = given_path(folder).resolve()
    files = dict(_files(_checked_template(template), root.name))
    _refuse_existing(root, files)
    for name, text in files.items():
        write_new(root / name, text, hint="name a new folder: aloma init DIR")
    if as_json:
        put_json({"schema": 1, "workspace": str(root), "template": template, "files": sorted(files)})
        return DONE
    for name in sorted(files):
        put(name)
    say(f"aloma: the workspace is ready in {root}; try:")
    if root != Path.cwd():
        say(f"  cd {shlex.quote(folder)}")
    for command in _COMMANDS.findall(files["README.md"]):
        say(f"  {command}")
    return DONE


def templates() -> list[str]:
    """The names that `--template` takes."""
    return sorted(path.name for path in TEMPLATES.iterdir() if path.is_dir() and path.name not in (_SHARED, _CACHES))


def _checked_template(template: str) -> str:
    known = templates()
    if template not in known:
        hint = did_you_mean(template, known) or f"use one of: {', '.join(known)}"
        raise InputError(f"there is no template {template!r}", hint=hint)
    return template


def _files(template: str, workspace: str) -> Iterator[tuple[str, str]]:
    """The files of a new workspace: those that all templates share, then the template's own."""
    for home in (TEMPLATES / _SHARED, TEMPLATES / template):
        for path in sorted(home.rglob("*")):
            name = path.relative_to(home)
            if path.is_file() and _CACHES not in name.parts:
                text = path.read_text(encoding="utf-8")
                called = dumps(workspace) if path.suffix == ".yaml" else workspace
                shown = text.replace("{name}", called) if len(name.parts) == 1 else text
                yield name.with_name(_NAMES.get(name.name, name.name)).as_posix(), shown


def _refuse_existing(root: Path, files: dict[str, str]) -> None:
    if root.exists() and not root.is_dir():
        raise InputError(f"{root} is a file", hint="name a folder")
    there = [name for name in sorted(files) if (root / name).exists()]
    if there:
        shown = first_few(there, _SHOWN)
        raise InputError(f"{root} already has {shown}; nothing was written", hint="name a new folder: aloma init DIR")
