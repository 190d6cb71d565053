"""Chromium, driven by Playwright in a thread of its own: its event loop must not be that of a test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from tests.servers.process import missing

_ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)

_SECONDS = 60
"""What the busiest machine takes for one thing that a page does."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class Chromium:
    """A browser without a window."""

    _thread: ThreadPoolExecutor
    _browser: Any

    def visit(
        self,
        address: str,
        act: Callable[[Any], _Result],
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        **options: Any,
    ) -> _Result:
        """Open a page, and `act` on it (a Page of Playwright) in the thread of the browser.

        Fails if the page reports an error, or makes a request of another origin than its own. `options`: more for the
        context of Playwright, such as `timezone_id`.
        """
        look = {"viewport": {"width": width, "height": height}, "color_scheme": "dark" if dark else "light"}
        return self._thread.submit(self._visit, address, act, look | options).result(5 * _SECONDS)

    def _visit(self, address: str, act: Callable[[Any], _Result], options: dict[str, Any]) -> _Result:
        with self._browser.new_context(**options) as context:
            context.set_default_timeout(1000 * _SECONDS)
            page = context.new_page()
            wrong: list[str] = []
            home = "file:" if address.startswith("file:") else "/".join(address.split("/", 3)[:3])
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
            page.on("request", lambda asked: wrong.append(asked.url) if not asked.url.startswith(home) else None)
            page.goto(address)
            result = act(page)
            assert wrong == [], wrong
            return result


def violations(page: Any) -> list[str]:
    """What axe finds wrong with a page: rules, each with the elements that break it."""
    from axe_playwright_python.sync_playwright import Axe

    # Without what passed: to tell of each element of that takes most of the time.
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'][:5])}" for one in found]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser, started once in each process of the tests."""
    path = shutil.which("chromium")
    if path is None:
        missing("Chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright")
    with ThreadPoolExecutor(1) as thread:
        driver: Any = thread.submit(lambda: sync_playwright().start()).result(60)
        browser = thread.submit(
            lambda: driver.chromium.launch(executable_path=path, headless=True, args=_ARGUMENTS)
        ).result(60)
        try:
            yield Chromium(thread, browser)
        finally:
            thread.submit(browser.close).result(60)
            thread.submit(driver.stop).result(60)
