"""Every command that reads or changes tasks prints the same with PostgreSQL as with files."""

from __future__ import annotations

import re

import pytest

from aloma_cli import Workspace
from tests.cli.desk import Desk
from tests.servers import Postgres, postgres
from tests.web.test_board import Visitor

__all__ = ["postgres"]

pytestmark = pytest.mark.e2e

CHANGES = (
    'task new First -d {"name":"Ada"} -q',
    'task new Second -d {"name":"Bob"} --tag vip -q',
    'task new Third -d {"name":"Cy"} --queue -q',
    "inbox --json",
    "worker --once -q",
    "task answer First yes -q",
    'task set Second note="new" -q',
    "task stop Third",
    "task resume Third -q",
    "task wait First",
)
READS = (
    "task list",
    "task list --json",
    "task list --state question",
    "task list --tag vip",
    "task show First",
    "task show First --json",
    "task show Third",
    "task log First",
    "task log Second --json",
    "task why First",
    "task why Second pay",
    "task blame First paid",
    "task graph First",
    "task calls First",
    "task replay First",
    "task watch First --speed 100",
    "task watch Second --json",
    "inbox",
    "inbox --json",
    "usage",
    "usage --json",
    "usage --by step",
    "top --json",
    "task export First -o first.json",
    "task import first.json",
    "task import first.json --as-new",
    "task report First -o first.html",
    "report -o all.html",
    "task gc --state done --dry-run",
)
WRITTEN = ("first.json", "first.html", "all.html")
PAGES = ("/", "/?state=question", "/tasks/First", "/questions", "/questions/Second")

DIFFERS = {
    r"<svg.*?</svg>": "",  # its axis depends on how long it took
    r'"(request|sum)":"[^"]*"': "",
    r"&quot;.*?&quot;": "",  # the version of a page
    r"\b01[0-9a-z]{14}\b": "",
    r"\d+(\.\d+)?(e-?\d+)?( ?m?s\b)?": "0",
    r"\s+": " ",
}
"""What differs from run to run."""


def test_both_stores_say_the_same(desk: Desk, postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.step("ask", '{"greeting": str, "pay": None}', "task.ask('Pay?', into='pay', schema=bool)", asks="task")
    desk.step("pay", '{"pay": True, "paid": None}', "data['paid'] = True")
    with_files = said(desk)
    (desk.root / "first.json").rename(desk.root / "moved.json")
    monkeypatch.setenv("ALOMA_STORE", postgres.url())
    assert desk.run("task", "import", "moved.json", "--as-new").code == 0
    moved = desk.run("task", "show", "--json").json
    assert (moved["state"], moved["data"]["paid"]) == ("done", True)
    monkeypatch.setenv("ALOMA_STORE", postgres.url())
    with_database = said(desk)
    for command, text in with_files.items():
        assert with_database[command] == text, command


def said(desk: Desk) -> dict[str, str]:
    """What each command prints and writes, without what differs from run to run."""
    names: dict[str, str] = {}
    told: dict[str, str] = {}
    for command in CHANGES + READS:
        words = [names.get(word, word) for word in command.split()]
        ended = desk.run(*words)
        if words[:2] == ["task", "new"]:
            names[words[2]] = ended.out.strip()
        told[command] = like(f"{ended.code}\n{ended.out}\n{ended.err}", names)
    for name in WRITTEN:
        # Rows that are sorted by how long a task took come in another order.
        told[name] = "\n".join(sorted(re.split("</?tr>", like((desk.root / name).read_text(), names))))
    visitor = Visitor(Workspace.open(desk.root), answers=True)
    for page in PAGES:
        shown = visitor.get(page.replace("First", names["First"]).replace("Second", names["Second"]))
        told[page] = like(f"{shown.status}\n{shown.body.decode()}", names)
    return told


def like(text: str, names: dict[str, str]) -> str:
    for name, root in names.items():
        text = text.replace(root, name)
    for differs, same in DIFFERS.items():
        text = re.sub(differs, same, text, flags=re.DOTALL)
    return text
