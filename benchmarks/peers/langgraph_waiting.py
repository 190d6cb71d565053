"""A thread of LangGraph that waits for a person, checkpointed into SQLite.

langgraph_waiting.py [park | resume | bytes]: milliseconds to create one and let it rest, and to answer it; the bytes of
the database for each.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypedDict

sys.path.insert(0, str(Path(__file__).parents[1]))

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from measure import least, tell

TASKS = 40


class State(TypedDict, total=False):
    name: str
    approved: bool


def gate(state: State) -> State:
    return {"approved": interrupt(f"May {state['name']} pass?")}


def threads() -> Iterator[Any]:
    for number in range(1000):
        yield {"configurable": {"thread_id": str(number)}}


def main() -> None:
    what = sys.argv[1] if len(sys.argv) > 1 else "park"
    builder = StateGraph(State)
    builder.add_node("gate", gate)
    builder.add_edge(START, "gate")
    builder.add_edge("gate", END)
    with tempfile.TemporaryDirectory() as folder, SqliteSaver.from_conn_string(f"{folder}/db") as saver:
        graph = builder.compile(checkpointer=saver)
        new, waiting = threads(), threads()
        parked = least(lambda: graph.invoke({"name": "Ada"}, next(new), durability="sync"), repeats=TASKS)
        if what == "park":
            tell(parked * 1e3)
        elif what == "resume":
            answer = Command(resume=True)
            tell(least(lambda: graph.invoke(answer, next(waiting), durability="sync"), repeats=TASKS) * 1e3)
        else:
            saver.conn.execute("pragma wal_checkpoint(truncate)")
            tell(sum(path.stat().st_size for path in Path(folder).iterdir()) / TASKS)


if __name__ == "__main__":
    main()
