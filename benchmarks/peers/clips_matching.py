"""The conditions in CLIPS (Rete, in C), through clipspy. Microseconds a change, with the rule it fires.

clips_matching.py [R]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import clips
from measure import number, processor, tell

RULES, CHANGES = number(1, 1000), 1000
environment = clips.Environment()
environment.build(
    '(deftemplate area (slot id) (slot kind (default "area")) (slot amount) (slot status) (slot hold (default nil)))'
)
count = 0


def fired(at: int) -> None:
    global count  # noqa: PLW0603
    count += 1


environment.define_function(fired)
for at in range(RULES):
    environment.build(
        f"(defrule r{at} ?f <- (area (id {at}) (amount ?a&:(numberp ?a)) (status go) (hold nil))"
        f" => (fired {at}) (modify ?f (status idle)))"
    )
template = environment.find_template("area")
facts = [
    template.assert_fact(id=at, amount=at + 0.5, status=clips.Symbol("idle"), hold=clips.Symbol("nil"))
    for at in range(RULES)
]


def work() -> None:
    at = 0
    for _ in range(CHANGES):
        fact = next(fact for fact in (facts[at],))
        fact.modify_slots(status=clips.Symbol("go"))
        environment.run()
        at = (at + 7919) % RULES


if __name__ == "__main__":
    seconds = processor(work, repeats=3)
    assert count == 3 * CHANGES, count
    tell(seconds / CHANGES * 1e6)
