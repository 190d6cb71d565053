"""The secrets of a workspace: `.aloma/secrets.json`, and environment variables named as secrets.

`docs/secrets.md` explains how they are used, `docs/format.md` describes the file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING

from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.errors import InputError, NotFoundError, WorkspaceError, did_you_mean
from aloma_cli.jsontext import Json, loads, pretty
from aloma_cli.later import Later
from aloma_cli.loader.languages import code_below
from aloma_cli.loader.layout import CODE_FOLDERS, DATA_FOLDER, NAME
from aloma_cli.loader.place import VARIABLE
from aloma_cli.store.files.atomic import refuse_links, replace_file
from aloma_cli.store.files.dotfolder import prepare_folder
from aloma_cli.store.files.os_errors import refusing
from aloma_cli.store.open import password_variables
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from aloma_cli.connectors import address
    from aloma_cli.loader.config import Config
    from aloma_cli.loader.sources import ModelFlags
    from aloma_cli.redact import NamedValue
else:
    address = Later("aloma_cli.connectors.address")

FORMAT = 1

_FILE = f"{DATA_FOLDER}/secrets.json"
"""Below the root of the workspace."""

_OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret stored by `aloma secret set`; `set_at` in ISO 8601."""

    value: str = field(repr=False)
    set_at: str


def checked_name(text: str) -> str:
    """`text`, if it is a valid name of a secret. Raises InputError."""
    if not NAME.fullmatch(text):
        # It may be the value itself, so messages do not show it.
        raise InputError(
            "this is not a valid name for a secret: use letters, digits and _, such as CRM_TOKEN",
            hint="run `aloma secret set NAME`; it asks for the value",
        )
    return text


def read_secrets(root: Path) -> dict[str, Secret]:
    """The secrets stored for the workspace at `root`, by name.

    Raises WorkspaceError for a file that others may read, or that is invalid.
    """
    path = root / _FILE
    try:
        with path.open("rb") as file:
            refuse_open_file(path, os.fstat(file.fileno()).st_mode)
            content = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be read: {error.strerror}") from None
    return _secrets(content, path)


def set_secret(root: Path, name: str, value: str, at: str) -> bool:
    """Store a secret set at the time `at` (ISO). Returns whether it replaced another value.

    Raises InputError for an invalid name or value, StoreError, and the errors of `read_secrets`.
    """
    _refuse_value(checked_name(name), value)
    with _changing(root) as secrets:
        replaced = name in secrets
        secrets[name] = Secret(value, at)
    return replaced


def delete_secret(root: Path, name: str) -> None:
    """Delete a secret. Raises NotFoundError, StoreError, and the errors of `read_secrets`."""
    if name not in read_secrets(root):
        hint = did_you_mean(name, read_secrets(root)) or "run `aloma secret list` for the names"
        raise NotFoundError(f"no secret {name!r} in {root / _FILE}", hint=hint)
    with _changing(root) as secrets:
        secrets.pop(name, None)


def secret_values(
    environ: Mapping[str, str],
    files: Sequence[Config],
    stored: Mapping[str, Secret] = MappingProxyType({}),
    flags: ModelFlags | None = None,
) -> tuple[NamedValue, ...]:
    """The values that no record may contain: secrets, keys, passwords, and the logins in the addresses of servers."""
    sections = [section for file in files for section in file.providers.values()]
    names = [provider.KEY_VARIABLE for provider in PROVIDERS.values()]
    names += [section.key_variable for section in sections if section.key_variable]
    names += [name for file in files for name in file.secrets]
    names += [one.said["secret"] for file in files for one in file.triggers if one.kind == "webhook"]
    addresses = [(VARIABLE, environ.get(VARIABLE)), ("base-url", flags and flags.base_url)]
    addresses += [("base-url", environ.get(provider.URL_VARIABLE)) for provider in PROVIDERS.values()]
    addresses += [("base-url", section.base_url) for section in sections]
    return (
        *((name, environ[name]) for name in dict.fromkeys([*names, *password_variables(), *stored]) if name in environ),
        *((name, secret.value) for name, secret in stored.items()),
        *((("api-key", flags.api_key),) if flags and flags.api_key else ()),
        *(secret for name, url in addresses if url and "@" in url for secret in _login_secrets(name, url)),
    )


def _login_secrets(name: str, url: str) -> tuple[NamedValue, ...]:
    login = address.split_login(url)[1]
    return login.secrets(name) if login is not None else ()


def files_using(root: Path, names: Iterable[str]) -> dict[str, list[str]]:
    """For each secret the files of code that contain its name in quotes, relative to `root`."""
    using: dict[str, list[str]] = {name: [] for name in names}
    for path in code_below(root, CODE_FOLDERS):
        text = path.read_text(encoding="utf-8", errors="replace")
        for name, files in using.items():
            if f'"{name}"' in text or f"'{name}'" in text:
                files.append(path.relative_to(root).as_posix())
    return using


def _refuse_value(name: str, value: str) -> None:
    if not value.strip():
        raise InputError(f"the value for {name} is empty", hint=f"to remove a secret, run `aloma secret delete {name}`")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InputError(f"the value for {name} is not UTF-8") from None


def refuse_open_file(path: Path, mode: int) -> None:
    """Raise WorkspaceError for a file with secrets that other users may read."""
    if os.name != "nt" and mode & _OPEN_TO_OTHERS:
        raise WorkspaceError(
            f"{path} can be read by other users (mode {mode & 0o777:04o}), with all secrets in it",
            hint=f"run `chmod 600 {path}`, and replace secrets that others may have read",
        )


def _secrets(content: bytes, path: Path) -> dict[str, Secret]:
    try:
        return dict(_kept(loads(content)))
    except (ValueError, LookupError, TypeError, AttributeError):
        # The message does not quote the content, which may be part of a secret.
        raise WorkspaceError(f"{path} is not a valid file of secrets", hint=f"delete it: rm {path}") from None


def _kept(record: Json) -> Iterator[tuple[str, Secret]]:
    if record["format"] != FORMAT:
        raise ValueError("another format")
    for name, kept in record["secrets"].items():
        if not (isinstance(kept["value"], str) and isinstance(kept["set_at"], str)):
            raise TypeError("no texts")
        yield name, Secret(kept["value"], kept["set_at"])


@contextmanager
def _changing(root: Path) -> Iterator[dict[str, Secret]]:
    """The secrets, to be changed under a lock and written at the end."""
    from filelock import FileLock  # most commands only read secrets

    path = root / _FILE
    prepare_folder(path.parent)
    lock = path.with_suffix(".lock")
    refuse_links(lock)
    with refusing(path, "written"), FileLock(lock, mode=0o600):
        secrets = read_secrets(root)
        yield secrets
        kept = {name: {"value": secret.value, "set_at": secret.set_at} for name, secret in sorted(secrets.items())}
        text = pretty({"format": FORMAT, "secrets": kept}) + "\n"
        replace_file(path, text.encode(), durable=True)
