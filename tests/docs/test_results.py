"""What the README says about speed is what the table of results says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


def parts() -> tuple[str, str]:
    """What is to be quoted of the table, and the README."""
    quoted = runpy.run_path(str(BENCHMARKS / "quote.py"))["quoted"]
    return quoted((BENCHMARKS / "results.md").read_text("utf-8")), (ROOT / "README.md").read_text("utf-8")


def test_the_readme_quotes_the_table() -> None:
    paragraph, readme = parts()
    assert paragraph in readme, "run `python benchmarks/quote.py`"


def test_the_readme_says_nothing_else_about_speed() -> None:
    paragraph, readme = parts()
    assert not re.findall(r"\d ?(?:µs|ms)\b", readme.replace(paragraph, ""))
