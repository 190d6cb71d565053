"""The files that the pages name exist, so that a renamed file is renamed there as well."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.support.pages import REPOSITORY, Page


@pytest.mark.parametrize("page", [Page("CONTRIBUTING.md"), Page("docs/design.md")], ids=lambda page: str(page.path))
def test_the_files_that_a_page_names_exist(page: Page) -> None:
    named = re.findall(r"`((?:\w+/)*\w+\.py)`|(?<=\s)((?:\w+/)+\w+\.py)\b", page.text)
    files = [path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "aloma_cli").rglob("*.py")]
    files += [path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "tests").rglob("*.py")]
    missing = [name for name in map("".join, named) if not any(f"/{file}".endswith(f"/{name}") for file in files)]
    assert [name for name in missing if "NAME" not in name] == []


def test_the_layout_shows_the_rows_that_the_checks_hold() -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    [layers] = [c["layers"] for c in settings["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    _, _, layout = Page("docs/design.md").text.partition("## Layout")
    shown = [line.strip().partition("  ")[0] for line in layout.splitlines() if line.startswith("    ")]
    assert shown == layers
