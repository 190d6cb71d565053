"""What a tree of tasks may spend, what it has spent, and what is held for calls under way.

A call is let in only when what it is expected to take fits beside all that. So the limit is overshot by no more than
what the answers under way turn out to exceed their expectations by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from aloma_cli.jsontext import JsonObject


@dataclass(frozen=True, slots=True)
class Limits:
    """None is no limit. `cost`: US dollars. `seconds`: of time with firings running."""

    calls: int | None = None
    tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None

    def with_wishes(self, wishes: Mapping[str, Wish], spent: Amount, working: float) -> Limits:
        """These limits with those wished for, by their names here, in their place; `working` seconds are used."""
        used = {"calls": spent.calls, "tokens": spent.tokens, "cost": spent.cost or 0.0, "seconds": working}
        named = {name: wish.value + used[name] if wish.more else wish.value for name, wish in wishes.items()}
        whole = {name: int(value) if name in ("calls", "tokens") else value for name, value in named.items()}
        return replace(self, **whole)  # type: ignore[arg-type]  # whole numbers where they belong

    @classmethod
    def from_json(cls, limits: JsonObject) -> Limits:
        """What `to_json` gave; limits that a newer program added are passed over."""
        return cls(**{field.name: limits.get(field.name) for field in fields(cls)})

    def to_json(self) -> JsonObject:
        """The limits there are."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Wish:
    """A limit as it is asked for: `value` in all, or so much `more` than is spent."""

    value: float
    more: bool = False


@dataclass(slots=True)
class Amount:
    """What calls take. `cost` is None for a call whose price nobody knows."""

    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0

    def add(self, other: Amount, sign: int = 1) -> None:
        """Add `other` to this, or take it away; an unknown price counts as nothing here."""
        self.calls += sign * other.calls
        self.tokens += sign * other.tokens
        self.cost = (self.cost or 0.0) + sign * (other.cost or 0.0)


class Budget:
    """`spent` is kept by whoever records the calls; `held` is for those under way."""

    def __init__(self, limits: Limits, spent: Amount) -> None:
        self.limits = limits
        self.spent = spent
        self.held = Amount()

    @property
    def idle(self) -> bool:
        """Whether no call is under way: what does not fit now will never fit."""
        return self.held.calls == 0

    def overtime(self, working: float) -> str | None:
        """Why nothing may start after `working` seconds with firings running; None where there is time left."""
        most = self.limits.seconds
        return None if most is None or working < most else f"{working:.1f} of {most:g} seconds are used"

    def refusal(self, wanted: Amount) -> str | None:
        """Why a call that is expected to take `wanted` does not fit now, with both numbers; None where it does."""
        limits = self.limits
        if limits.calls is not None and self.spent.calls + self.held.calls + wanted.calls > limits.calls:
            return f"{self.spent.calls} of {limits.calls} calls are made"
        if limits.tokens is not None and self.spent.tokens + self.held.tokens + wanted.tokens > limits.tokens:
            return f"{self.spent.tokens} of {limits.tokens} tokens are used, and the next call may take {wanted.tokens}"
        if limits.cost is None:
            return None
        if wanted.cost is None:
            return f"the price of the next call is unknown, and no more than ${limits.cost:g} may be spent"
        spent = self.spent.cost or 0.0
        if spent + (self.held.cost or 0.0) + wanted.cost > limits.cost:
            return f"${spent:.4f} of ${limits.cost:g} is spent, and the next call may cost ${wanted.cost:.4f}"
        return None
