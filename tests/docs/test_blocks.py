"""What the pages show is what happens: their files, commands and programs, run one after the other."""

from __future__ import annotations

import functools
import re
import shlex
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.desk import Desk
from tests.support.pages import Block, Page

REFERENCE = (
    "bulk",
    "cli",
    "conditions",
    "connectors",
    "models",
    "people",
    "python",
    "responses",
    "secrets",
    "shapes",
    "start",
    "steps",
    "tools",
    "triggers",
    "why",
    "worker",
)
PAGES = ("README.md", *(f"docs/{name}.md" for name in REFERENCE))
PARTS = r"\b(?:\d+[hm])*\d+(?:\.\d+)?(?:ms|s)\b|\d\d:\d\d:\d\d|\b[0-9a-hjkmnp-tv-z]{16}\b|\d{4}-\d\d-\d\dT[\d:.]+Z?"


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run_in_their_order(desk: Desk, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    (desk.root / "steps/greet.py").unlink()
    with served(desk.root) as address:
        # Only a page that uses it has it in aloma.yaml, too: the environment wins.
        monkeypatch.setenv("HOURS", f"{address}/hours.json")
        for block in Page(page).blocks("python", "json", "yaml", "console"):
            run(desk, block, f"{page}:{block.line}")
        assert desk.run("step", "list")[::2] == (0, "")  # all files on the page are valid


def run(desk: Desk, block: Block, place: str) -> None:
    """Write the file that a block shows, or run what it shows."""
    if block.file:
        desk.write(block.file, block.text.partition("\n")[2] if block.kind == "json" else block.text)
    elif block.kind == "python":
        exec(compile(block.text, place, "exec"), {"__name__": "__main__"})  # noqa: S102
    elif block.kind == "console":
        for command, shown in block.commands():
            printed = output_of(desk, command)
            assert matches(shown, printed), f"{place}: $ {command}\nshown:\n{shown}\nprinted:\n{printed}"


def output_of(desk: Desk, command: str) -> str:
    """What a command prints on stdout; a command of another program is left to the shell."""
    words = shlex.split(command, comments=True)
    if words[0] == "python3":  # a server, which runs already
        return ""
    if words[0] != "aloma" or re.search(r"[|<>;]|\$\(", command):
        return desk.shell(command).out
    return desk.run(*words[1:]).out


def matches(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed: times and ids may differ, and a line `…` stands for any lines."""
    wanted = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else f"{re.escape(steady(line))}\n" for line in shown.splitlines()
    )
    return re.fullmatch(wanted, "".join(f"{steady(line)}\n" for line in printed.splitlines())) is not None


def steady(line: str) -> str:
    """A line without what differs from run to run, and without the spaces that depend on it."""
    return re.sub(r" {2,}", "  ", re.sub(PARTS, "~", line)).rstrip()


@contextmanager
def served(root: Path) -> Iterator[str]:
    """A web server for the files in `public/`, in the place of the one that a page starts."""
    handler = functools.partial(Silent, directory=str(root / "public"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: the test reads what the commands print."""
