"""The trigger `files`: a task for each new or changed file of a folder."""

from __future__ import annotations

import asyncio
import fnmatch
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from aloma_cli.clock import to_iso
from aloma_cli.errors import AlomaError, ConfigError, InputError, StoreError
from aloma_cli.extras import extra
from aloma_cli.jsontext import Json, JsonError, JsonObject, loads
from aloma_cli.threads import in_thread
from aloma_cli.triggers.event import TriggerEvent
from aloma_cli.triggers.trigger import Trigger

SETTLE = 1.0
"""Seconds for which a file must stand still before it counts as written."""

MOST_READ = 1_000_000
"""Bytes of a file whose contents are put into an event."""

_AGAIN = 30.0
"""Seconds after which the folder is listed again, because not every file system reports changes."""

_RETRY = 5.0
_TEMPORARY = (".*", "~*", "#*", "*~", "*.tmp", "*.temp", "*.part", "*.partial", "*.crdownload", "*.filepart", "*.swp")


class FoundFile(NamedTuple):
    """A file as it was when it was looked at. `changed`: nanoseconds since 1970."""

    name: str
    size: int
    changed: int


class Files:
    """Raises ConfigError for a folder that does not exist."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger
        said = trigger.config.said
        self.folder = (trigger.home.loaded.root or Path.cwd()) / os.path.expanduser(said["folder"])  # noqa: PTH111
        if not self.folder.is_dir():
            problem = f"names the folder `{said['folder']}`, which does not exist"
            raise trigger.config.setting("folder").error(problem, hint=f"create it: mkdir -p {self.folder}")
        self._settle: float = said.get("settle", SETTLE)
        self._moving: dict[FoundFile, float] = {}
        self._nameless: set[str] = set()

    async def look(self) -> float:
        """Make a task of each file that is new and stands still; returns the seconds until it should look again."""
        seen, present = dict(self.trigger.read().get("seen", {})), {file.name: file for file in self._list_files()}
        settled, pause = self._settled_files([file for file in present.values() if seen.get(file.name) != _stamp(file)])
        for file in settled:
            if await self._offer(file):
                seen[file.name] = _stamp(file)
        known = {name: stamp for name, stamp in seen.items() if name in present}
        if known != self.trigger.read().get("seen", {}):
            self.trigger.note(seen=known)
        return pause

    async def catch_up(self) -> None:
        """Make tasks of the files in the folder; a file that is being written now gets a little time."""
        pause = await self.look()
        if pause < _AGAIN:
            await asyncio.sleep(pause)
            await self.look()

    async def run(self) -> None:
        """Until it is cancelled."""
        changed = asyncio.Event()
        watching = asyncio.create_task(self._watch_folder(changed), name=f"files of {self.trigger.config.name}")
        try:
            while True:
                changed.clear()
                try:
                    pause = await self.look()
                except AlomaError as error:
                    self.trigger.failed(error)
                    pause = _RETRY
                with suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), pause)
        finally:
            watching.cancel()

    def example(self) -> TriggerEvent:
        """The event of the file that changed last; of one that does not exist where the folder is empty."""
        newest = max(self._list_files(), key=lambda file: file.changed, default=None)
        if newest is not None:
            return self._event(newest)
        read = self.trigger.config.said.get("read")
        return TriggerEvent(
            self._event_body(FoundFile("example", 0, 0), {read: None} if read else {}), via={"file": "example"}
        )

    async def _watch_folder(self, changed: asyncio.Event) -> None:
        with extra("triggers", "watching a folder", ConfigError):
            from watchfiles import awatch
        while True:
            with suppress(OSError, RuntimeError):  # the folder is gone; listing it says so
                async for _ in awatch(self.folder, watch_filter=None, debounce=200, recursive=False):
                    changed.set()
            await asyncio.sleep(_RETRY)

    def _list_files(self) -> Iterator[FoundFile]:
        wanted = self.trigger.config.said.get("match", "*")
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    # It may be gone, or a link that leads nowhere; the others do not wait for it.
                    with suppress(OSError):
                        if _matches(entry.name, wanted) and entry.is_file() and self._has_name(entry.name):
                            stat = entry.stat()
                            yield FoundFile(entry.name, stat.st_size, stat.st_mtime_ns)
        except OSError as error:
            raise StoreError(f"{self.folder} cannot be read: {error.strerror}") from error

    def _has_name(self, name: str) -> bool:
        """Whether a record can hold the name of a file. If not, that is reported once."""
        shown = os.fsencode(name).decode(errors="backslashreplace")
        if shown != name and name not in self._nameless:
            self._nameless.add(name)
            self.trigger.failed(InputError(f"the name of the file {shown} in {self.folder} is not UTF-8"))
        return shown == name

    def _settled_files(self, files: list[FoundFile]) -> tuple[list[FoundFile], float]:
        """Those that have stood still for long enough, oldest first, and the seconds until others may have."""
        now = time.time()
        # A file that was moved here has not changed for long.
        self._moving = {file: self._moving.get(file, min(now, file.changed / 1e9)) for file in files}
        left = {file: max(0.0, self._settle - (now - since)) for file, since in self._moving.items()}
        settled = sorted((file for file in files if not left[file]), key=lambda file: (file.changed, file.name))
        return settled, min([wait for wait in left.values() if wait], default=_AGAIN)

    async def _offer(self, file: FoundFile) -> bool:
        """Whether that is done, so that the file need not be looked at again as it is."""
        try:
            event = await in_thread(lambda: self._event(file), name=f"reading {file.name}")
        except FileNotFoundError:  # it was removed meanwhile
            return False
        except OSError as error:
            self.trigger.failed(StoreError(f"{self.folder / file.name} cannot be read: {error.strerror}"))
            return False
        except InputError as error:
            self.trigger.failed(error)
        else:
            self.trigger.offer(event)
        return True

    def _event(self, file: FoundFile) -> TriggerEvent:
        path, said = self.folder / file.name, self.trigger.config.said
        read = said.get("read")
        body = self._event_body(file, {read: _contents(path, file, as_json=read == "json")} if read else {})
        identity = str(file.changed) if said.get("by") == "time" else _file_hash(path)
        return TriggerEvent(body, f"{file.name}\n{identity}", {"file": file.name})

    def _event_body(self, file: FoundFile, contents: JsonObject) -> JsonObject:
        told = {"path": str(self.folder / file.name), "name": file.name, "size": file.size}
        return {**told, "changed_at": to_iso(file.changed / 1e9), **contents}


def _stamp(file: FoundFile) -> Json:
    return [file.size, file.changed]


def _matches(name: str, wanted: str) -> bool:
    return fnmatch.fnmatchcase(name, wanted) and not any(fnmatch.fnmatchcase(name, one) for one in _TEMPORARY)


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _contents(path: Path, file: FoundFile, *, as_json: bool) -> Json:
    if file.size > MOST_READ:
        raise InputError(f"{file.name} is larger than {MOST_READ} bytes, so its contents are not read")
    try:
        content = path.read_bytes()
        return loads(content) if as_json else content.decode("utf-8-sig")
    except JsonError as error:
        raise InputError(f"{file.name} is not valid JSON: {error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{file.name} is not UTF-8: byte {error.start}") from None
