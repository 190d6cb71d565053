"""The chain in LangGraph: one node a step, one channel a flag. Microseconds a step.

langgraph_chain.py [N] [memory | durable]: `durable` checkpoints each step into SQLite.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any, TypedDict

sys.path.insert(0, str(Path(__file__).parents[1]))

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from measure import least, number, processor, tell


def graph(length: int) -> Any:
    state = TypedDict("state", {f"f{at}": bool for at in range(length + 1)}, total=False)  # type: ignore[operator]
    builder = StateGraph(state)
    for at in range(length):

        async def node(state: Any, at: int = at) -> dict[str, bool]:
            return {f"f{at + 1}": True}

        def plain(state: Any, at: int = at) -> dict[str, bool]:
            return {f"f{at + 1}": True}

        builder.add_node(f"s{at}", plain if "durable" in sys.argv else node)
    builder.add_edge(START, "s0")
    for at in range(length - 1):
        builder.add_edge(f"s{at}", f"s{at + 1}")
    builder.add_edge(f"s{length - 1}", END)
    return builder


def main() -> None:
    length, builder = number(1, 1000), graph(number(1, 1000))
    config: dict[str, Any] = {"recursion_limit": length + 10}
    if "durable" not in sys.argv:
        chain = builder.compile()
        tell(processor(lambda: asyncio.run(chain.ainvoke({"f0": True}, config)), repeats=2) / length * 1e6)
        return
    with tempfile.TemporaryDirectory() as folder, SqliteSaver.from_conn_string(f"{folder}/db") as saver:
        durable = builder.compile(checkpointer=saver)
        threads = iter(range(1000))

        def work() -> None:
            durable.invoke(
                {"f0": True}, {**config, "configurable": {"thread_id": str(next(threads))}}, durability="sync"
            )

        tell(least(work, repeats=2) / length * 1e6)


if __name__ == "__main__":
    main()
