"""`aloma web`: the address that it prints, and its end."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
import urllib.request
import webbrowser
from typing import Any

import pytest

from tests.cli.desk import Desk

pytestmark = pytest.mark.enable_socket


def visited(desk: Desk, monkeypatch: pytest.MonkeyPatch, *options: str, opens: bool = True) -> tuple[Any, list[int]]:
    """Run it in this process; what it prints, and the status of its pages, which are asked for when it opens them."""
    seen: list[int] = []

    def visit(address: str) -> None:
        try:
            client = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            seen.extend(client.open(one, timeout=10).status for one in (address, address.partition("?")[0]))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    def open_browser(address: str) -> bool:
        threading.Thread(target=visit, args=(address,)).start()
        return opens

    monkeypatch.setattr(webbrowser, "open", open_browser)
    return desk.run("web", "--open", *options), seen


def test_it_prints_its_address_opens_it_and_ends_with_the_first_signal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.new()
    ended, seen = visited(desk, monkeypatch)
    assert (ended.code, ended.err, seen) == (0, "", [200, 200])
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{32}\n", ended.out)
    other, _ = visited(desk, monkeypatch)
    assert other.out.partition("=")[2] != ended.out.partition("=")[2]


def test_it_says_where_there_is_no_browser(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, seen = visited(desk, monkeypatch, "--host", "localhost", "--allow-answers", opens=False)
    assert (ended.code, seen) == (0, [200, 200])
    assert ended.err == "aloma: no browser could be opened; open the address yourself\n"


def test_a_missing_extra_is_one_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    ended = desk.run("web")
    assert (ended.code, ended.out) == (3, "")
    assert "pip install 'aloma-cli[web]'" in ended.err
