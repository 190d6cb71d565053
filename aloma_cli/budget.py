"""What a tree of tasks may spend, what it has spent, and what is held for calls under way.

A call is admitted only if its estimate fits beside all that. So a limit is exceeded by no more than the answers under
way exceed their estimates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field, fields, replace
from typing import NamedTuple

from aloma_cli.jsontext import JsonObject
from aloma_cli.values import dataclass


class Limit(NamedTuple):
    """A limit as people name it.

    `name`: the field of `Limits`. `option`: on the command line. `whole`: only integers make sense.
    `step`: what to add so that a task that reached the limit continues for a while. `about`: the help of its option.
    """

    name: str
    option: str
    unit: str
    whole: bool
    step: float
    about: str

    @property
    def key(self) -> str:
        """Its key in `aloma.yaml`, below `limits`, such as `max_calls`."""
        return self.option.removeprefix("--").replace("-", "_")


LIMITS = (
    Limit(
        "calls", "--max-calls", "N", True, 10, "Total calls, subtasks included; with resume, +N adds to what is used."
    ),
    Limit("tokens", "--max-tokens", "N", True, 10_000, "Prompt and completion tokens."),
    Limit("cost", "--max-cost", "DOLLARS", False, 0.5, "US dollars; models without a known price are refused."),
    Limit("seconds", "--max-time", "SECONDS", False, 60, "Seconds with at least one step running."),
)


DAY = "day"
"""The name of a workspace's limit for a day, beside those of `LIMITS`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """None means unlimited. `cost`: US dollars. `seconds`: of time with firings running."""

    calls: int | None = None
    tokens: int | None = None
    cost: float | None = None
    seconds: float | None = None

    def changed(self, requests: Mapping[str, LimitRequest], spent: Amount, working: float) -> Limits:
        """These limits with `requests`, by the names of the limits, in their place; `working` seconds are used."""
        used = {"calls": spent.calls, "tokens": spent.tokens, "cost": spent.cost or 0.0, "seconds": working}
        wanted = {name: one.value + used[name] if one.more else one.value for name, one in requests.items()}
        whole = {limit.name for limit in LIMITS if limit.whole}
        return replace(self, **{name: int(value) if name in whole else value for name, value in wanted.items()})  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, limits: JsonObject) -> Limits:
        """From what `to_json` returned; limits that a newer program added are ignored."""
        return cls(**{field.name: limits.get(field.name) for field in fields(cls)})

    def to_json(self) -> JsonObject:
        """The limits that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class LimitRequest:
    """A limit as it is asked for: `value` in total, or `more` than is spent by this."""

    value: float
    more: bool = False


@dataclass(slots=True)
class Amount:
    """What calls take. `cost` is None for a call without a known price."""

    calls: int = 0
    tokens: int = 0
    cost: float | None = 0.0

    def add(self, other: Amount, sign: int = 1) -> None:
        """Add `other`, or subtract it; an unknown price counts as 0 here."""
        self.calls += sign * other.calls
        self.tokens += sign * other.tokens
        self.cost = (self.cost or 0.0) + sign * (other.cost or 0.0)


class Refusal(NamedTuple):
    """Why nothing more may start: the name of the `limit`, and the reason with the numbers.

    `needed`: what the refused call is expected to take of it, where that is known.
    """

    limit: str
    reason: str
    needed: float | None = None


@dataclass(slots=True)
class Budget:
    """`spent` is updated by the caller that records the calls; `held` is for the calls under way."""

    limits: Limits
    spent: Amount
    held: Amount = field(default_factory=Amount)

    @property
    def idle(self) -> bool:
        """Whether no call is under way: what does not fit now will never fit."""
        return self.held.calls == 0

    def overtime(self, working: float) -> Refusal | None:
        """Why nothing may start after `working` seconds with firings running; None if there is time left."""
        most = self.limits.seconds
        if most is None or working < most:
            return None
        return Refusal("seconds", _limit_reason("time", most, f"{working:.1f} of {most:g} s", "no step is started"))

    def refusal(self, wanted: Amount) -> Refusal | None:
        """Why a call that is expected to take `wanted` does not fit now; None if it does."""
        limits, spent, held = self.limits, self.spent, self.held
        if limits.calls is not None and spent.calls + held.calls + wanted.calls > limits.calls:
            reason = _limit_reason("call", limits.calls, f"{spent.calls} of {limits.calls}", "no call is allowed")
            return Refusal("calls", reason)
        if limits.tokens is not None and spent.tokens + held.tokens + wanted.tokens > limits.tokens:
            then = f"the next call may take {wanted.tokens}"
            reason = _limit_reason("token", limits.tokens, f"{spent.tokens} of {limits.tokens}; {then}", then)
            return Refusal("tokens", reason, wanted.tokens)
        if limits.cost is None:
            return None
        if wanted.cost is None:
            then = "the price of the next call is unknown"
            return Refusal("cost", _limit_reason("cost", limits.cost, f"${limits.cost:g}; {then}", then))
        cost = spent.cost or 0.0
        if cost + (held.cost or 0.0) + wanted.cost > limits.cost:
            then = f"the next call may cost ${wanted.cost:.4f}"
            reason = _limit_reason("cost", limits.cost, f"${cost:.4f} of ${limits.cost:g}; {then}", then)
            return Refusal("cost", reason, wanted.cost)
        return None


def _limit_reason(name: str, most: float, used: str, nothing: str) -> str:
    """Why no more is allowed. A limit of 0 is not reached: it allows nothing."""
    return f"{name} limit reached ({used})" if most else f"the {name} limit is 0: {nothing}"
