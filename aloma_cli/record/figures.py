"""What steps did, and what their calls cost, as sums."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Figures:
    """What one step did in one task. `cost` is in US dollars; `unpriced` counts the calls whose price is unknown."""

    fired: int = 0
    looked: int = 0
    failed: int = 0
    voided: int = 0
    calls: int = 0
    answers: int = 0
    simulated: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0
