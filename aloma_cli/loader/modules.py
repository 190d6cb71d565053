"""Load Python files of a workspace by path, each as a module that no other file can import."""

from __future__ import annotations

import functools
import importlib.util
import itertools
import re
import sys
import traceback
from importlib.machinery import ModuleSpec, SourceFileLoader
from typing import TYPE_CHECKING

from aloma_cli.content.streams import lent_stderr
from aloma_cli.errors import AlomaError, ConfigError, StepError, did_you_mean
from aloma_cli.loader.layout import LIBRARIES_FOLDER, PRIVATE
from aloma_cli.loader.source import ModuleSource

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path
    from types import CodeType, ModuleType

_NO_IDENTIFIER = re.compile(r"\W")
_numbers = itertools.count(1)
_PATTERN_WORDS = ("str", "int", "float", "bool", "list", "dict", "True", "False", "None")


def load_module(path: Path, root: Path) -> tuple[ModuleType, ModuleSource]:
    """Run the file at `path` as a new module. Raises StepError with file and line for any failure."""
    shown = path.relative_to(root).as_posix()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StepError(f"{shown}: cannot be read: {error.strerror}") from error
    module = _empty_module(path)
    # Because dataclasses and pickle look up a class's module there.
    sys.modules[module.__name__] = module
    try:
        code = _compiled(data, str(path))
        with lent_stderr():
            exec(code, vars(module))  # noqa: S102  (its purpose is to run the user's file)
    except KeyboardInterrupt as error:
        line = _line_of(error, path)
        raise KeyboardInterrupt(f"interrupted while {shown}{f':{line}' if line else ''} was loading") from error
    except BaseException as error:  # GeneratorExit and CancelledError too: no caller waits for them here
        del sys.modules[module.__name__]
        raise _broken(error, path, root) from error
    return module, ModuleSource(path, shown, importlib.util.decode_source(data), module.__doc__)


@functools.lru_cache(maxsize=512)
def _compiled(data: bytes, path: str) -> CodeType:
    # Always from the source: no stale bytecode, and no bytecode among the user's files.
    return compile(data, path, "exec", dont_inherit=True)


def load_folder(
    folder: Path, root: Path, built_in: Collection[str] = ()
) -> tuple[dict[str, ModuleType], tuple[StepError, ...]]:
    """The modules of `folder/*.py` by name, and the errors of the files that fail.

    Raises ConfigError for a file with a name of `built_in`.
    """
    modules: dict[str, ModuleType] = {}
    broken: list[StepError] = []
    for path in sorted(path for path in folder.glob("*.py") if not path.name.startswith(PRIVATE)):
        try:
            _check_name(path, root, built_in)
            modules[path.stem], _ = load_module(path, root)
        except StepError as error:
            broken.append(error)
    return modules, tuple(broken)


def _check_name(path: Path, root: Path, built_in: Collection[str]) -> None:
    shown = path.relative_to(root).as_posix()
    if path.stem in built_in:
        raise ConfigError(f"{shown}: the connector `{path.stem}` is built in", hint="rename the file")
    if not path.stem.isidentifier():
        raise StepError(
            f"{shown}: {path.stem!r} is not a valid Python name",
            hint=f"rename it to {_NO_IDENTIFIER.sub('_', path.stem)}.py",
        )


def _empty_module(path: Path) -> ModuleType:
    # Without a dot, because pickle imports the part before one. The number distinguishes equal file names.
    name = f"_aloma{next(_numbers)}_{_NO_IDENTIFIER.sub('_', path.stem)}"
    spec = ModuleSpec(name, SourceFileLoader(name, str(path)), origin=str(path))
    spec.has_location = True
    return importlib.util.module_from_spec(spec)


def _broken(error: BaseException, path: Path, root: Path) -> StepError:
    line = _line_of(error, path)
    shown = path.relative_to(root).as_posix()
    place = shown if line is None else f"{shown}:{line}"
    return StepError(f"{place}: {_describe(error)}", hint=_load_hint(error, path, root))


def _line_of(error: BaseException, path: Path) -> int | None:
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    lines = [n for frame, n in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == str(path)]
    return lines[-1] if lines else None


def _describe(error: BaseException) -> str:
    if isinstance(error, AlomaError):
        return str(error)
    text = str(error.msg if isinstance(error, SyntaxError) else error)
    first = text.strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _load_hint(error: BaseException, path: Path, root: Path) -> str | None:
    if isinstance(error, AlomaError):
        return error.hint
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _import_hint(error.name.partition(".")[0], path, root)
    if isinstance(error, ImportError) and "relative import" in str(error):
        return f"files cannot import each other: move shared code to {LIBRARIES_FOLDER}/ and use the parameter `lib`"
    if isinstance(error, SyntaxError) and "outside async function" in str(error.msg):
        return "write `async def`: only such a function can await"
    if isinstance(error, NameError) and error.name:
        meant = "did you mean `None`?" if error.name == "null" else did_you_mean(error.name, _PATTERN_WORDS)
        return meant or f'for a string, write "{error.name}"'
    return None


def _import_hint(name: str, path: Path, root: Path) -> str:
    if name == LIBRARIES_FOLDER:
        return f"modules in {LIBRARIES_FOLDER}/ cannot be imported: give `content` the parameter `lib`"
    if (root / LIBRARIES_FOLDER / f"{name}.py").exists():
        return f"{LIBRARIES_FOLDER}/{name}.py cannot be imported: give `content` the parameter `lib` for `lib.{name}`"
    for own in (path.with_name(f"{name}.py"), root / f"{name}.py"):
        if own.exists():
            shown = own.relative_to(root).as_posix()
            return f"move {shown} to {LIBRARIES_FOLDER}/, give `content` the parameter `lib` and write `lib.{name}`"
    return f"install it in the environment of aloma; put a module of your own into {LIBRARIES_FOLDER}/ and use `lib`"
