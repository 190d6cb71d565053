"""The live view of a task with 50 agents that wait for answers: the share of a core that it takes. Per cent.

live.py [AGENTS]: what a run at a terminal takes more than one with shorter calls, over the time by which it is longer.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import at_terminal, number, spent_by_children, tell

FAN = """
condition = {"agents": int, "made": None}

def content(data, task):
    data["made"] = True
    for at in range(data["agents"]):
        task.subtask(f"agent {at}", {"topic": f"topic {at}"})
"""

AGENT = """
condition = {"topic": str, "answers": None}

async def content(data, connectors):
    asked = {"model": "gpt-4", "messages": [{"role": "user", "content": data["topic"]}]}
    data["answers"] = [(await connectors.openai.chat(**asked, seed=part)).data for part in range(3)]
"""

NEW = [sys.executable, "-m", "aloma_cli", "task", "new", "Agents", "--offline"]
SHORT, LONG = 1, 5
"""Seconds that each call takes."""


def spent(folder: str, agents: int, delay: int) -> tuple[float, float]:
    """Seconds, and seconds of processor time, of a run at a terminal."""
    started, before = time.monotonic(), spent_by_children()
    at_terminal([*NEW, "-d", f'{{"agents": {agents}}}', "--delay", str(delay)], folder)
    return time.monotonic() - started, spent_by_children() - before


def main() -> None:
    agents = number(1, 50)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "steps").mkdir()
        settings = f"limits:\n  concurrency: {agents}\nopenai:\n  concurrency: {agents}\n"
        (Path(folder) / "aloma.yaml").write_text(settings, encoding="utf-8")
        for name, text in (("fan", FAN), ("agent", AGENT)):
            (Path(folder) / "steps" / f"{name}.py").write_text(text, encoding="utf-8")
        short, long = (spent(folder, agents, delay) for delay in (SHORT, LONG))
    # In the longer run nothing is added but time in which the view is drawn.
    tell((long[1] - short[1]) / (long[0] - short[0]) * 100)


if __name__ == "__main__":
    main()
