"""The chain in pydantic-graph: one step a link, a dict as state. Microseconds a step."""

from __future__ import annotations

import asyncio
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import number, processor, tell
from pydantic_graph import GraphBuilder, StepContext

LENGTH = number(1, 1000)
builder = GraphBuilder(state_type=dict, output_type=bool)


def link(at: int) -> Any:
    async def step(context: StepContext[Any, None, Any]) -> bool:
        context.state[f"f{at + 1}"] = True
        return True

    return builder.step(step, node_id=f"s{at}")


links = [link(at) for at in range(LENGTH)]
builder.add(builder.edge_from(builder.start_node).to(links[0]))
for one, other in pairwise(links):
    builder.add(builder.edge_from(one).to(other))
builder.add(builder.edge_from(links[-1]).to(builder.end_node))
graph = builder.build()


def work() -> None:
    state = {"f0": True}
    asyncio.run(graph.run(state=state))
    assert state[f"f{LENGTH}"]


if __name__ == "__main__":
    tell(processor(work, repeats=3) / LENGTH * 1e6)
