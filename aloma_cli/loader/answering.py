"""How a task's model calls are answered: by which server, or simulated; a task keeps this for later runs.

The key is never part of it. A key goes only to the server for which the current configuration or a flag sets it, and to
the server of a task that was given this same key before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from aloma_cli.connectors.address import split_login
from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import InputError
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.jsontext import JsonObject
    from aloma_cli.record.tree import Tree


@dataclass(frozen=True, slots=True)
class Answering:
    """What a task's record keeps.

    `server`: a base URL without credentials; None where answers are simulated. `model` and `models` as in
    ModelSettings. `responses`: the folder of scripted answers, relative to the workspace where it is inside. `delay` in
    seconds. `servers`: the named servers, each with its base URL. `with_key`: whether calls had a key. `key_check`: a
    hash of the server and its key, to know a later key as the same one.
    """

    server: str | None = None
    model: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    responses: str | None = None
    delay: float = 0.0
    with_key: bool = False
    key_check: str | None = None
    servers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: ModelSettings, root: Path | None) -> Answering:
        """What a task of the workspace at `root` keeps of `settings`."""
        server = None if settings.offline else _url_of(settings)
        scripts = settings.responses if settings.offline else None
        folder = scripts if scripts is not None and scripts.is_dir() else None
        return cls(
            server=server,
            model=settings.model,
            models=dict(settings.models),
            responses=None if folder is None else _as_recorded(folder, root),
            delay=settings.delay,
            with_key=settings.api_key is not None,
            servers={} if settings.offline else {name: _url_of(one) for name, one in settings.servers.items()},
            key_check=None if server is None or settings.api_key is None else check_of(server, settings.api_key),
        )

    @classmethod
    def from_json(cls, kept: JsonObject) -> Answering:
        """From what `asdict` returned, maybe that of a newer program."""
        return cls(**{one.name: kept[one.name] for one in fields(cls) if kept.get(one.name) is not None})

    @property
    def words(self) -> str:
        """`http://…, model gpt-5`, or `simulated answers, each after 2 s`."""
        return ", ".join(self._word_parts())

    def _word_parts(self) -> Iterator[str]:
        yield _server_name(self.server)
        if self.model:
            yield f"model {self.model}"
        else:
            yield from (f"{name} → {model}" for name, model in sorted(self.models.items()))
        if self.responses and self.server is None:
            yield f"scripts in {self.responses}"
        if self.delay and self.server is None:
            yield f"each after {self.delay:g} s"

    def changes_to(self, other: Answering) -> str:
        """The differences to `other`, in words: `model server changed: A → B; model changed: …`."""
        return "; ".join(self._changes_to(other))

    def _changes_to(self, other: Answering) -> Iterator[str]:
        if self.server != other.server:
            yield f"model server changed: {_server_name(self.server)} → {_server_name(other.server)}"
        if self.model != other.model:
            yield f"model changed: {self.model or 'as steps name it'} → {other.model or 'as steps name it'}"
        for name in sorted(self.models.keys() | other.models.keys()):
            before, after = self.models.get(name, name), other.models.get(name, name)
            if before != after:
                yield f"model {name} changed: {before} → {after}"
        for name in sorted(self.servers.keys() & other.servers.keys()):
            if self.servers[name] != other.servers[name]:
                yield f"model server {name} changed: {self.servers[name]} → {other.servers[name]}"
        if self.responses != other.responses:
            yield f"responses changed: {self.responses or 'none'} → {other.responses or 'none'}"
        if self.delay != other.delay:
            yield f"delay changed: {self.delay:g} s → {other.delay:g} s"
        if self.with_key != other.with_key:
            yield "calls have a key now" if other.with_key else "calls have no key now"
        elif self.key_check and other.key_check and self.key_check != other.key_check and self.server == other.server:
            yield "the key changed"


@dataclass(frozen=True, slots=True)
class Past:
    """How a task's model calls have been answered so far.

    `kept`: nothing for a new task, and in records of earlier programs. `real`: whether there are real answers on
    record. `is_simulated`: whether answers are simulated by default.
    """

    kept: Answering = field(default_factory=Answering)
    real: bool = False
    is_simulated: bool = False

    @classmethod
    def of(cls, tree: Tree) -> Past:
        """That of a task with this record."""
        total = tree.root.total
        real = total.answers > total.simulated
        if tree.answering is None:
            return cls(real=real, is_simulated=total.simulated > 0 and not real)
        kept = Answering.from_json(tree.answering)
        return cls(kept, real, is_simulated=kept.server is None)

    @property
    def run_with(self) -> str:
        """`this task was run with http://…`, for messages."""
        return f"this task was run with {self.kept.server or 'a real model server'}"

    def folder_of(self, responses: str, root: Path | None) -> Path:
        """The folder of scripted answers that the record names. Raises InputError where it is missing."""
        folder = (root or Path()) / responses
        if not folder.is_dir():
            raise InputError(
                f"the folder of this task's scripted answers is missing: {folder}",
                hint="restore it, or name another one with `--responses DIR`",
            )
        return folder


NEW = Past()
"""A task without a past."""


def check_of(server: str, key: str) -> str:
    """A hash that recognises a key without revealing it; different for each server."""
    return hashlib.sha256(f"{server.rstrip('/')}\0{key}".encode()).hexdigest()[:16]


def is_same_server(one: str | None, other: str) -> bool:
    """Whether two base URLs name the same server; credentials in them are ignored."""
    return one is not None and split_login(one)[0].rstrip("/") == split_login(other)[0].rstrip("/")


def _as_recorded(folder: Path, root: Path | None) -> str:
    if root is not None and folder.resolve().is_relative_to(root.resolve()):
        return folder.resolve().relative_to(root.resolve()).as_posix()
    return str(folder.resolve())


def _url_of(settings: ModelSettings) -> str:
    return split_login(settings.base_url or PROVIDERS[settings.provider].URL)[0]


def _server_name(url: str | None) -> str:
    return url or "simulated answers"
