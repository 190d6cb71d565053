"""The fan-out in pydantic-graph, with `map`. Seconds."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import least, number, tell
from pydantic_graph import GraphBuilder, StepContext, reduce_list_append

CHILDREN = number(1, 1000)
builder = GraphBuilder(output_type=list)


@builder.step
async def out(context: StepContext[None, None, None]) -> list[int]:
    return list(range(CHILDREN))


@builder.step
async def child(context: StepContext[None, None, int]) -> dict[str, int]:
    await asyncio.sleep(0.01)
    return {"square": context.inputs**2}


collect = builder.join(reduce_list_append, initial_factory=list)
builder.add(
    builder.edge_from(builder.start_node).to(out),
    builder.edge_from(out).map().to(child),
    builder.edge_from(child).to(collect),
    builder.edge_from(collect).to(builder.end_node),
)
graph = builder.build()


def work() -> None:
    result: Any = asyncio.run(graph.run())
    assert len(result) == CHILDREN


if __name__ == "__main__":
    tell(least(work, repeats=3))
