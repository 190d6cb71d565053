"""Render docs/report.png: the top of the report of a run of examples/research.json, in Chromium.

    .venv/bin/python -m tools.report_picture

The run takes about six seconds, needs no key, and leaves nothing behind.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tools.picture import COMMAND, REPOSITORY

PICTURE = REPOSITORY / "docs/report.png"
WIDTH, HEIGHT = 1080, 740


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("steps", "libraries", "examples"):
            shutil.copytree(REPOSITORY / name, Path(folder, name))
        for command in ((*COMMAND, "-q"), ("task", "report", "-o", "report.html")):
            subprocess.run([sys.executable, "-m", "aloma_cli", *command], cwd=folder, check=True)
        shoot(Path(folder, "report.html").as_uri())
    print(f"{PICTURE.relative_to(REPOSITORY)}: {PICTURE.stat().st_size:,} bytes")


def shoot(address: str) -> None:
    """Take the picture of a page."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", timezone_id="UTC")
        page.goto(address)
        page.screenshot(path=PICTURE, full_page=False)
        browser.close()


if __name__ == "__main__":
    main()
