"""The fan-out in LangGraph, with `Send`. Seconds."""

from __future__ import annotations

import asyncio
import operator
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

sys.path.insert(0, str(Path(__file__).parents[1]))

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from measure import least, number, tell

CHILDREN = number(1, 1000)


class State(TypedDict):
    results: Annotated[list[Any], operator.add]


async def child(order: Any) -> dict[str, Any]:
    await asyncio.sleep(0.01)
    return {"results": [{"square": order["n"] ** 2}]}


def send(state: State) -> list[Send]:
    return [Send("child", {"n": at}) for at in range(CHILDREN)]


builder = StateGraph(State)
builder.add_node("child", child)
builder.add_conditional_edges(START, send, ["child"])
builder.add_edge("child", END)
graph = builder.compile()


def work() -> None:
    assert len(asyncio.run(graph.ainvoke({"results": []}))["results"]) == CHILDREN


if __name__ == "__main__":
    tell(least(work, repeats=3))
