"""The secrets of a workspace: `.aloma/secrets.json`, and what the environment holds under the names of secrets.

`docs/secrets.md` tells what becomes of them, `docs/format.md` describes the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aloma_cli.errors import InputError, NotFoundError, WorkspaceError, did_you_mean
from aloma_cli.loader.layout import CONNECTORS_FOLDER, DATA_FOLDER, LIBRARIES_FOLDER, NAME, STEPS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from aloma_cli.jsontext import Json
    from aloma_cli.redact import NamedValue

# What writing needs is imported where something is written: every command that loads a workspace reads the file.

FORMAT = 1
PROVIDER_KEY = "OPENAI_API_KEY"

_OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that `aloma secret set` keeps; `set_at` in ISO 8601."""

    value: str = field(repr=False)
    set_at: str


def checked_name(text: str) -> str:
    """`text`, which can name a secret and so an environment variable as well. Raises InputError."""
    if not NAME.fullmatch(text):
        # Perhaps the value itself, so it is not shown.
        raise InputError(
            "that cannot name a secret: a name is letters, digits and _, such as CRM_TOKEN",
            hint="aloma secret set NAME   (it asks for the value)",
        )
    return text


def read_secrets(root: Path) -> dict[str, Secret]:
    """The secrets kept for the workspace at `root`, by name.

    Raises WorkspaceError for a file that others may read, or that holds something else.
    """
    path = _file(root)
    try:
        with path.open("rb") as file:
            _refuse_open_file(path, os.fstat(file.fileno()).st_mode)
            content = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be read: {error.strerror}") from None
    return _secrets(content, path)


def set_secret(root: Path, name: str, value: str, at: str) -> bool:
    """Keep a secret, as of the time `at` (ISO), and tell whether it took the place of another.

    Raises InputError for a name or a value that is none, StoreError, and what `read_secrets` raises.
    """
    _refuse_value(checked_name(name), value)
    with _changing(root) as secrets:
        replaced = name in secrets
        secrets[name] = Secret(value, at)
    return replaced


def delete_secret(root: Path, name: str) -> None:
    """Forget a secret. Raises NotFoundError, StoreError, and what `read_secrets` raises."""
    if name not in read_secrets(root):
        raise _no_secret(root, name)
    with _changing(root) as secrets:
        secrets.pop(name, None)


def known_values(
    stored: Mapping[str, Secret], names: Iterable[str], environ: Mapping[str, str]
) -> tuple[NamedValue, ...]:
    """Every value to be kept out of records: what is stored, and what the environment has by that or other `names`."""
    in_environment = ((name, environ[name]) for name in dict.fromkeys([*names, *stored]) if name in environ)
    return (*in_environment, *((name, secret.value) for name, secret in stored.items()))


def files_using(root: Path, names: Iterable[str]) -> dict[str, list[str]]:
    """The Python files of the workspace that name each secret in quotes, relative to `root`."""
    using: dict[str, list[str]] = {name: [] for name in names}
    for folder in (STEPS_FOLDER, LIBRARIES_FOLDER, CONNECTORS_FOLDER):
        for path in sorted((root / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8", errors="replace")
            for name, files in using.items():
                if f'"{name}"' in text or f"'{name}'" in text:
                    files.append(path.relative_to(root).as_posix())
    return using


def _file(root: Path) -> Path:
    return root / DATA_FOLDER / "secrets.json"


def _refuse_value(name: str, value: str) -> None:
    if not value.strip():
        raise InputError(f"the value for {name} is empty", hint=f"to remove a secret: aloma secret delete {name}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"the value for {name} is not UTF-8") from None


def _refuse_open_file(path: Path, mode: int) -> None:
    if os.name != "nt" and mode & _OPEN_TO_OTHERS:
        raise WorkspaceError(
            f"{path} is open to others (mode {mode & 0o777:04o}), and so are the secrets in it",
            hint=f"chmod 600 {path}   (and think of replacing what others may have read)",
        )


def _secrets(content: bytes, path: Path) -> dict[str, Secret]:
    from aloma_cli.jsontext import loads

    try:
        return dict(_kept(loads(content)))
    except (ValueError, LookupError, TypeError, AttributeError):
        # What is wrong with it is not quoted: it may be half a secret.
        raise WorkspaceError(f"{path} does not hold secrets as aloma writes them", hint=f"rm {path}") from None


def _kept(record: Json) -> Iterator[tuple[str, Secret]]:
    if record["format"] != FORMAT:
        raise ValueError("another format")
    for name, kept in record["secrets"].items():
        if not (isinstance(kept["value"], str) and isinstance(kept["set_at"], str)):
            raise TypeError("no texts")
        yield name, Secret(kept["value"], kept["set_at"])


@contextmanager
def _changing(root: Path) -> Iterator[dict[str, Secret]]:
    """The secrets, to be altered: nobody else alters them meanwhile, and they are written at the end."""
    from filelock import FileLock

    from aloma_cli.jsontext import pretty
    from aloma_cli.store.files.atomic import refuse_links, replace_file
    from aloma_cli.store.files.dotfolder import prepare_folder
    from aloma_cli.store.files.os_errors import refusing

    path = _file(root)
    prepare_folder(path.parent)
    lock = path.with_suffix(".lock")
    refuse_links(lock)
    with refusing(path, "written"), FileLock(lock, mode=0o600):
        secrets = read_secrets(root)
        yield secrets
        kept = {name: {"value": secret.value, "set_at": secret.set_at} for name, secret in sorted(secrets.items())}
        replace_file(path, pretty({"format": FORMAT, "secrets": kept}) + "\n", durable=True)


def _no_secret(root: Path, name: str) -> NotFoundError:
    hint = did_you_mean(name, read_secrets(root)) or "aloma secret list shows the names"
    return NotFoundError(f"there is no secret {name!r} in {_file(root)}", hint=hint)
