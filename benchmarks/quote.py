"""What the README says about speed, made from the table of results: `python benchmarks/quote.py` writes it.

`python benchmarks/run.py --write` does the same after it has written the table.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"

TEXT = """
[Measured](benchmarks/results.md), a firing of a chain of 1,000 steps costs {chain} µs in memory. That is {langgraph}
times LangGraph's, and {clips} times that of CLIPS, a rule engine in C. With every commit on disk it is {durable} times
LangGraph's. A task of 100,000 commits resumes in {resume} s. Of {goals} goals, {missed} are missed.
"""


def rows(page: str) -> dict[str, list[str]]:
    """The cells of each row of the table, by the name of the work."""
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")][1:]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in lines}


def quoted(page: str) -> str:
    """The paragraph of the README for a page of results."""
    found = rows(page)
    _, chain, *_, peers = found["chain of 1,000"]
    goals = [missed for cells in found.values() if (missed := _missed(cells)) is not None]
    text = TEXT.format(
        chain=chain,
        langgraph=_ratio(peers, "LangGraph"),
        clips=_ratio(peers, "CLIPS"),
        durable=_ratio(found["chain of 300, on disk with fsync"][-1], "LangGraph"),
        resume=found["100,000 commits: resume"][1],
        goals=len(goals),
        missed=sum(goals),
    )
    return textwrap.fill(" ".join(text.split()), 125)


def _ratio(peers: str, name: str) -> str:
    """Ours over a peer's."""
    match = re.search(rf"{name} [\d.,]+ \(([\d.,]+) ×\)", peers)
    return match[1] if match else "?"


def _missed(cells: list[str]) -> bool | None:
    """Whether a row misses its goal; None if it has none, or was not measured."""
    _, ours, _, ratio, goal, _ = cells
    figure = ratio if goal.endswith("×") else ours
    return float(figure.replace(",", "")) > float(goal.strip("≤ ×")) if goal and figure else None


def quote(page: str) -> None:
    """Put the paragraph into the README in place of the present one."""
    text = README.read_text(encoding="utf-8")
    paragraph = quoted(page)
    README.write_text(re.sub(r"(?ms)^\[Measured\]\(.*?(?=\n\n)", lambda _: paragraph, text), encoding="utf-8")


if __name__ == "__main__":
    quote((HERE / "results.md").read_text(encoding="utf-8"))
