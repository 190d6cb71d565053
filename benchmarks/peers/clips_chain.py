"""The chain in CLIPS (Rete, in C): each rule asserts the fact that wakes the next one. Microseconds a firing."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import clips
from measure import number, processor, tell

LENGTH = number(1, 1000)
environment = clips.Environment()
environment.build("(deftemplate flag (slot at))")
template = environment.find_template("flag")
count = 0


def fired(at: int) -> None:
    global count  # noqa: PLW0603
    count += 1
    template.assert_fact(at=at + 1)


environment.define_function(fired)
for at in range(LENGTH):
    environment.build(f"(defrule r{at} (flag (at {at})) (not (flag (at {at + 1}))) => (fired {at}))")


def work() -> None:
    environment.reset()
    template.assert_fact(at=0)
    environment.run()


if __name__ == "__main__":
    seconds = processor(work, repeats=3)
    assert count == 3 * LENGTH, count
    tell(seconds / LENGTH * 1e6)
