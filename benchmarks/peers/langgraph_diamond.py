"""The diamond in LangGraph, whose stages end together. Seconds."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, TypedDict

sys.path.insert(0, str(Path(__file__).parents[1]))

from langgraph.graph import END, START, StateGraph
from measure import least, tell


class State(TypedDict, total=False):
    a: bool
    b1: bool
    b2: bool
    c1: bool
    c2: bool
    d: bool


def node(name: str, seconds: float) -> Any:
    async def run(state: State) -> dict[str, bool]:
        await asyncio.sleep(seconds)
        return {name: True}

    return run


builder = StateGraph(State)
for name, seconds in (("a", 0.0), ("b1", 0.05), ("b2", 0.5), ("c1", 0.5), ("c2", 0.05), ("d", 0.0)):
    builder.add_node(f"n{name}", node(name, seconds))
builder.add_edge(START, "na")
for one, other in (("a", "b1"), ("b1", "b2"), ("a", "c1"), ("c1", "c2")):
    builder.add_edge(f"n{one}", f"n{other}")
builder.add_edge(["nb2", "nc2"], "nd")
builder.add_edge("nd", END)
graph = builder.compile()


if __name__ == "__main__":
    tell(least(lambda: asyncio.run(graph.ainvoke({})), repeats=3))
