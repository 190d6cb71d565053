"""An application of Burr that waits for a person, persisted into SQLite.

burr_waiting.py [park | resume | bytes]: milliseconds to create one and let it rest, and to answer it; the bytes of the
database for each.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from burr.core import ApplicationBuilder, State, action
from burr.core.persistence import SQLLitePersister
from measure import least, tell

TASKS = 40


@action(reads=["name"], writes=["question"])
def ask(state: State) -> State:
    return state.update(question=f"May {state['name']} pass?")


@action(reads=[], writes=["approved"])
def answer(state: State, approved: bool) -> State:
    return state.update(approved=approved)


def application(persister: Any, name: str) -> Any:
    return (
        ApplicationBuilder()
        .with_actions(ask=ask, answer=answer)
        .with_transitions(("ask", "answer"))
        .with_identifiers(app_id=name, partition_key="waiting")
        .initialize_from(persister, True, {"name": "Ada"}, "ask")
        .with_state_persister(persister)
        .build()
    )


def names() -> Iterator[str]:
    return map(str, range(1000))


def main() -> None:
    what = sys.argv[1] if len(sys.argv) > 1 else "park"
    with tempfile.TemporaryDirectory() as folder:
        persister = SQLLitePersister(db_path=f"{folder}/db", table_name="state")
        persister.initialize()
        new, waiting = names(), names()
        parked = least(lambda: application(persister, next(new)).run(halt_after=["ask"]), repeats=TASKS)
        if what == "park":
            tell(parked * 1e3)
        elif what == "resume":

            def resume() -> None:
                application(persister, next(waiting)).run(halt_after=["answer"], inputs={"approved": True})

            tell(least(resume, repeats=TASKS) * 1e3)
        else:
            tell(sum(path.stat().st_size for path in Path(folder).iterdir()) / TASKS)


if __name__ == "__main__":
    main()
