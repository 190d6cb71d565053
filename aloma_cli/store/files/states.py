"""An index of tasks by state, so that those in one state are found without reading each. Tasks are always read as well.

    states.json     {"format":1,"token":"…","as_of":1764356400000000000,"states":{"done":"ID ID …"},"unknown":"ID"}
    changed         the same token, then the ids of the tasks that were claimed since, one a line

A claim appends its task to `changed`, if there is one, after it has written `holder` and before it writes anything
else. The process that makes the index begins a new `changed` first. Then it looks at the tasks, except those with a
`holder`. So each task was looked at while it did not run, and is named in `changed` if it has run since. The
token names the start of the machine: a loss of power may take away lines of `changed`, which is not synced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Collection
from heapq import merge
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from aloma_cli.errors import StoreError
from aloma_cli.jsontext import dumps, reload
from aloma_cli.store.files.atomic import NO_LINK, refuse_links, replace_file
from aloma_cli.store.protocol import Newest

_BOOT = Path("/proc/sys/kernel/random/boot_id")
"""A random name that Linux gives to each start of the machine. Where there is none, no index is made."""

_FEW = 250
"""Tasks that are looked at as quickly as an index is made."""

_TICK = 1_000_000_000
"""Nanoseconds within which a second change of a folder may not alter its time."""


class _Known(NamedTuple):
    """The ids of tasks by state, newest first and separated by spaces, and of those whose state is not known.

    `changed`: the ids of those that were claimed since. `as_of`: when a name in `tasks/` had changed last.
    """

    as_of: int
    states: dict[str, str]
    unknown: frozenset[str]
    changed: frozenset[str]

    def sure(self) -> set[str]:
        return {root for roots in self.states.values() for root in roots.split()} - self.changed


_NOTHING = _Known(0, {}, frozenset(), frozenset())


def note_change(folder: Path) -> None:
    """Note that the state of the task in `folder` may change, if there is an index. The caller has its lock."""
    path = folder.parent.parent / "changed"
    try:
        while not _appended(path, f"{folder.name}\n".encode()):
            continue  # somebody has begun a new one meanwhile
    except FileNotFoundError:
        return
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink()  # an index that lacks a change is wrong, so there must be none


def _appended(path: Path, line: bytes) -> bool:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | NO_LINK)
    try:
        if os.write(file, line) < len(line):  # the disk is full, and the next line would continue this one
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.path.samestat(os.fstat(file), path.stat())
    finally:
        os.close(file)


def drop_index(folder: Path) -> None:
    """Delete the index, so that the next search reads all tasks."""
    for name in ("changed", "states.json"):
        (folder / name).unlink(missing_ok=True)


def in_states(
    folder: Path, states: Collection[str], names: Callable[[], list[str]], state_of: Callable[[str], str | None]
) -> Newest | None:
    """The tasks that may be in one of `states`; None if each task must be read to find out.

    `folder` is `.aloma`. `names` lists `tasks/`. `state_of` gives the state of a task that no process runs; None if it
    is not known.
    """
    if not _BOOT.exists():
        return None
    try:
        refuse_links(folder)
        known = _read(folder)
        if known.as_of <= 0 or known.as_of != _changed_at(folder) or len(known.changed) > _FEW:
            known = known._replace(as_of=_changed_at(folder))
            existing = {name for name in names() if name[0] != "."}
            if len(existing) <= _FEW:
                return None
            known = _renewed(folder, known, existing, state_of)
    except (OSError, StoreError):  # a folder that cannot be written
        return None
    lists = [known.states.get(state, "").split() for state in states]
    lists.append(sorted(known.changed | known.unknown, reverse=True))
    ids = (root for root, _ in groupby(merge(*lists, reverse=True)))
    return Newest(sum(map(len, lists)), ids, narrowed=True)


def _read(folder: Path) -> _Known:
    try:
        written = reload((folder / "states.json").read_bytes())
        token, *changed = (folder / "changed").read_text("utf-8").split()
    except (OSError, ValueError):
        return _NOTHING
    match written:
        case {
            "format": 1,
            "token": str(made),
            "as_of": int(as_of),
            "states": dict(states),
            "unknown": str(unknown),
        } if made == token and token.startswith(_boot()):
            by_state = {state: str(roots) for state, roots in states.items()}
            return _Known(as_of, by_state, frozenset(unknown.split()), frozenset(changed))
    return _NOTHING


def _boot() -> str:
    return _BOOT.read_text("utf-8").strip()


def _changed_at(folder: Path) -> int:
    """When a name in `tasks/` changed last, in ns; -1 if it was right now, so that more may change in the same tick."""
    changed = (folder / "tasks").stat().st_mtime_ns
    return changed if time.time_ns() - changed > _TICK else -1


def _renewed(folder: Path, known: _Known, existing: set[str], state_of: Callable[[str], str | None]) -> _Known:
    """Read the tasks of unknown state, and write the index."""
    token = f"{_boot()}.{os.urandom(8).hex()}"
    changed = _begun_anew(folder / "changed", token)
    sure = known._replace(changed=changed).sure() & existing
    found = {state: [root for root in roots.split() if root in sure] for state, roots in known.states.items()}
    unknown: list[str] = []
    for root in existing - sure:
        state = state_of(root)
        (unknown if state is None else found.setdefault(state, [])).append(root)
    states = {state: " ".join(sorted(roots, reverse=True)) for state, roots in found.items()}
    written = {"format": 1, "token": token, "as_of": known.as_of, "states": {**states}, "unknown": " ".join(unknown)}
    replace_file(folder / "states.json", dumps(written).encode(), shared=True)
    return _Known(known.as_of, states, frozenset(unknown), frozenset())


def _begun_anew(path: Path, token: str) -> frozenset[str]:
    """Replace `changed`, and give what the old one named: all that a claim will not name again in the new one."""
    with contextlib.ExitStack() as stack:
        old = None
        with contextlib.suppress(FileNotFoundError):
            old = stack.enter_context(path.open(encoding="utf-8"))
        replace_file(path, f"{token}\n".encode(), shared=True)
        return frozenset() if old is None else frozenset(old.read().split())
