"""The plugin in a workspace of its own, as its author runs pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aloma_cli.cli.init import templates
from aloma_cli.cli.main import main

CHEAP = """
import sys
import pytest
before = set(sys.modules)
import aloma_cli.testing.plugin
print(*sorted(set(sys.modules) - before))
"""


def pytested(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize("template", templates())
def test_the_tests_of_each_template_pass(tmp_path: Path, template: str) -> None:
    assert main(["init", str(tmp_path / "mine"), "-t", template]) == 0
    done = pytested(tmp_path / "mine")
    assert (done.returncode, " passed" in done.stdout) == (0, True), done.stdout


def test_a_failed_test_tells_what_happened(tmp_path: Path) -> None:
    main(["init", str(tmp_path / "mine")])
    test = 'def test_it(play, script):\n    assert play({"massage": "?"}).state == "done"\n'
    (tmp_path / "mine/tests/test_mine.py").write_text(test, encoding="utf-8")
    told = pytested(tmp_path / "mine", "tests/test_mine.py").stdout
    assert "- aloma -" in told
    assert "read: message is missing, wanted a string" in told


def test_a_workspace_that_does_not_load_is_named(tmp_path: Path) -> None:
    main(["init", str(tmp_path / "mine")])
    (tmp_path / "mine/steps/read.py").write_text("condition = {\n", encoding="utf-8")
    assert "steps/read.py:1" in pytested(tmp_path / "mine", "-x").stdout


def test_the_plugin_costs_nothing_where_it_is_not_used() -> None:
    done = subprocess.run([sys.executable, "-c", CHEAP], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["aloma_cli", "aloma_cli.later", "aloma_cli.testing", "aloma_cli.testing.plugin"]
