"""`files`: each new or changed file of a folder makes one task, in whichever way it came there."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aloma_cli.errors import ConfigError, StoreError
from aloma_cli.triggers import files
from tests.triggers.conftest import Home, MakeHome, SetClock

INBOX = "files: {folder: inbox, settle: 0.2}\ndata: {name: '{event.name}'}"
OLD = time.time() - 3600


def put(at: Home, name: str, content: str = "x", *, changed: float | None = OLD) -> Path:
    """A file that was written whole; by default long ago."""
    path = at.folder / "inbox" / name
    path.write_text(content)
    if changed is not None:
        os.utime(path, (changed, changed))
    return path


def look(at: Home) -> float:
    """What a worker does that starts now; the seconds until it should look again."""
    return float(asyncio.run(at.open().look()))


def test_each_file_makes_one_task_whenever_it_came(home: MakeHome) -> None:
    at = home(INBOX)
    put(at, "a")
    put(at, "b")
    for _ in range(2):
        look(at)
    put(at, "c")
    look(at)
    assert sorted(at.made("name")) == ["a", "b", "c"]
    assert at.made("$via")[0] | {"at": ""} == {"trigger": "t", "kind": "files", "at": "", "file": at.made("name")[0]}


class Ticking(SetClock):
    """A clock by which no two tasks are made at the same moment."""

    def now(self) -> float:
        self.moment += 1
        return self.moment


def test_files_that_are_ready_at_the_same_time_become_tasks_in_the_order_of_their_changes(home: MakeHome) -> None:
    at, names = home(INBOX, Ticking("2026-01-05T08:00:00Z")), ["d", "a", "c", "b"]
    for later, name in enumerate(names):
        put(at, name, changed=OLD + later)
    look(at)
    assert at.made("name") == names


def test_a_changed_file_makes_another_task_and_a_touched_one_does_not(home: MakeHome) -> None:
    at = home(INBOX)
    for content, changed in (("x", OLD), ("x", OLD + 1), ("y", OLD + 2), ("y", OLD + 3)):
        put(at, "a", content, changed=changed)
        look(at)
    assert at.made("name") == ["a", "a"]


def test_by_time_a_touched_file_makes_another_task(home: MakeHome) -> None:
    at = home("files: {folder: inbox, by: time}\ndata: {name: '{event.name}'}")
    for changed in (OLD, OLD + 1, OLD + 1):
        put(at, "a", changed=changed)
        look(at)
    assert at.made("name") == ["a", "a"]


def test_a_file_that_is_being_written_waits_until_it_stands_still(home: MakeHome) -> None:
    at = home(INBOX)
    path = put(at, "a", changed=None)

    async def main() -> None:
        folder = at.open()
        for _ in range(4):
            pause = await folder.look()
            assert 0 < pause <= 0.2
            await asyncio.sleep(0.1)
            with path.open("a") as file:
                file.write("more")
        assert at.made("name") == []
        await folder.look()
        await asyncio.sleep(0.25)
        await folder.look()

    asyncio.run(main())
    assert at.made("name") == ["a"]


def test_names_of_files_that_are_not_ready_are_passed_over(home: MakeHome) -> None:
    at = home(INBOX)
    for name in (".hidden", "a.tmp", "b.part", "c~", "~lock", "d.crdownload", ".e.swp"):
        put(at, name)
    (at.folder / "inbox" / "folder").mkdir()
    look(at)
    assert at.made("name") == []
    (at.folder / "inbox" / "a.tmp").replace(at.folder / "inbox" / "a")
    look(at)
    assert at.made("name") == ["a"]


def test_only_names_that_match_count(home: MakeHome) -> None:
    at = home("files: {folder: inbox, match: '*.json', read: json}\ndata: {order: '{event.json.id}'}")
    put(at, "a.json", '{"id": 7}')
    put(at, "a.txt", "no")
    look(at)
    assert at.made("order") == [7]


@pytest.mark.parametrize(
    ("read", "content", "problem"),
    [
        ("json", "{", "a is not valid JSON: "),
        ("text", "x" * (files.MOST_READ + 1), "a is larger than 1000000 bytes, so its contents are not read"),
        ("json", '{"b": 1}', "the event has nothing at event.json.id"),
    ],
)
def test_a_file_of_which_no_task_can_be_made_is_noted_once(
    home: MakeHome, read: str, content: str, problem: str
) -> None:
    at = home(f"files: {{folder: inbox, read: {read}}}\ndata: {{order: '{{event.json.id}}'}}")
    put(at, "a", content)
    for _ in range(2):
        look(at)
    assert problem in at.noted["error"]["message"]
    assert (at.noted["errors"], at.made("order")) == (1, [])


def test_an_entry_that_cannot_be_looked_at_holds_up_no_other(home: MakeHome) -> None:
    at = home(INBOX)
    (at.folder / "inbox" / "loop").symlink_to("loop")
    (at.folder / "inbox" / "nowhere").symlink_to("gone")
    os.mkfifo(at.folder / "inbox" / "pipe")
    put(at, "a")
    look(at)
    assert at.made("name") == ["a"]


def test_a_name_that_no_record_can_hold_is_told_of_once(home: MakeHome) -> None:
    at = home(INBOX)
    put(at, os.fsdecode(b"b\xff"))
    trigger = at.open()
    for _ in range(2):
        asyncio.run(trigger.look())
    noted = trigger.trigger.read()
    message = f"the name of the file b\\xff in {at.folder / 'inbox'} is not UTF-8"
    assert (noted["errors"], noted["error"]["message"]) == (1, message)
    put(at, "a")
    look(at)
    assert at.made("name") == ["a"]


def test_the_text_of_a_file_is_in_the_event(home: MakeHome) -> None:
    at = home("files: {folder: inbox, read: text}\ndata: {all: '{event}'}")
    path = put(at, "a", "Grüße\n", changed=1_700_000_000)
    look(at)
    assert at.made("all") == [
        {
            "path": str(path),
            "name": "a",
            "size": 8,
            "changed_at": "2023-11-14T22:13:20.000Z",
            "text": "Grüße\n",
        }
    ]


def test_what_a_loss_of_the_note_brings_back_makes_no_second_task(home: MakeHome) -> None:
    at = home(INBOX)
    put(at, "a")
    look(at)
    (at.folder / ".aloma" / "notes" / "trigger.t.json").write_text("")
    look(at)
    assert at.made("name") == ["a"]


def test_a_file_whose_task_was_deleted_makes_no_other(home: MakeHome) -> None:
    at = home(INBOX)
    put(at, "a")
    look(at)
    shutil.rmtree(at.folder / ".aloma" / "tasks")
    look(at)
    assert at.made("name") == []


def test_a_folder_is_watched_while_it_is_there(home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_RETRY", 0.1)
    at = home(INBOX)

    async def until(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.02)

    async def main() -> None:
        watching = asyncio.create_task(at.open().run())
        await asyncio.sleep(0.3)
        (at.folder / "inbox" / ".a.new").write_text("x")
        (at.folder / "inbox" / ".a.new").replace(at.folder / "inbox" / "a")
        await until(lambda: at.made("name") == ["a"])
        shutil.rmtree(at.folder / "inbox")
        await until(lambda: "cannot be read" in str((at.noted.get("error") or {}).get("message")))
        (at.folder / "inbox").mkdir()
        put(at, "b")
        await until(lambda: at.made("name") == ["a", "b"])
        watching.cancel()

    asyncio.run(main())


def test_a_folder_that_does_not_exist_is_refused_with_its_place(home: MakeHome) -> None:
    with pytest.raises(ConfigError, match=r"aloma.yaml:4: `triggers.t.files` names the folder `in`, which") as refused:
        home("files: in").open()
    assert str(refused.value.hint).startswith("create it: mkdir -p /")


def test_a_task_that_cannot_be_made_now_is_made_later(home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> None:
    at = home(INBOX)
    put(at, "a")
    with monkeypatch.context() as patch:
        patch.setattr(type(at.workspace), "create", lambda *_, **__: (_ for _ in ()).throw(StoreError("disk full")))
        patch.setattr("aloma_cli.triggers.event._PATIENCE", 0.05)
        with pytest.raises(StoreError):
            look(at)
    look(at)
    assert at.made("name") == ["a"]
