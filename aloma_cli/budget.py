"""What a tree of tasks may spend, what it has spent, and what is held for calls under way.

A call is admitted only if its estimate fits beside all that. So a limit is exceeded by no more than the answers under
way exceed their estimates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import NamedTuple, Protocol

from aloma_cli.jsontext import JsonObject
from aloma_cli.values import dataclass


class Measured(Protocol):
    """What `record.figures.Figures` has counted of a tree, as far as limits measure it."""

    @property
    def calls(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def cost(self) -> float: ...


class Used(NamedTuple):
    """What a tree of tasks has used, or several together. `seconds`: with firings running."""

    figures: Measured
    seconds: float = 0.0


class Limit(NamedTuple):
    """A limit as people name it.

    `option`: on the command line. `whole`: only integers make sense.
    `step`: what to add so that a task that reached the limit continues for a while. `about`: the help of its option.
    `used`: how much of it is used. `shown`: that and the limit, as a reason shows them. `of_calls`: `Budget.refusal`
    admits calls by it; else nothing starts once it is used. `noun`: what a reason calls it, by default its name.
    """

    name: str
    option: str
    unit: str
    whole: bool
    step: float
    about: str
    used: Callable[[Used], float]
    shown: str = "{} of {}"
    of_calls: bool = False
    noun: str = ""

    @property
    def key(self) -> str:
        """Its key in `aloma.yaml`, below `limits`, such as `max_calls`."""
        return self.option.removeprefix("--").replace("-", "_")

    def exhausted(self, most: float, used: Used) -> Refusal | None:
        """Why nothing may start beside what is used; None if some is left."""
        amount = self.used(used)
        if amount < most:
            return None
        shown = self.shown.format(amount, most)
        return Refusal(self.name, _limit_reason(self.noun or self.name, most, shown, "no step is started"))


LIMITS = (
    Limit(
        "calls",
        "--max-calls",
        "N",
        True,
        10,
        "Total calls, subtasks included; with resume, +N adds to what is used.",
        lambda used: used.figures.calls,
        of_calls=True,
    ),
    Limit(
        "tokens",
        "--max-tokens",
        "N",
        True,
        10_000,
        "Prompt and completion tokens.",
        lambda used: used.figures.tokens,
        of_calls=True,
    ),
    Limit(
        "cost",
        "--max-cost",
        "DOLLARS",
        False,
        0.5,
        "US dollars; models without a known price are refused.",
        lambda used: used.figures.cost,
        of_calls=True,
    ),
    Limit(
        "seconds",
        "--max-time",
        "SECONDS",
        False,
        60,
        "Seconds with at least one step running.",
        lambda used: used.seconds,
        "{:.1f} of {:g} s",
        noun="time",
    ),
)


def amounts(used: Used) -> dict[str, float]:
    """How much of each limit is used, by its name."""
    return {limit.name: limit.used(used) for limit in LIMITS}


DAY = "day"
"""The name of a workspace's limit for a day, beside those of `LIMITS`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`most`: how much is allowed, by the names of the limits; a limit that is not in it is unlimited."""

    most: dict[str, float] = field(default_factory=dict)

    @property
    def of_steps(self) -> list[Limit]:
        """Those that are set and that no call asks for room."""
        return [limit for limit in LIMITS if not limit.of_calls and limit.name in self.most] if self.most else []

    def changed(self, requests: Mapping[str, LimitRequest], used: Used) -> Limits:
        """These limits with `requests`, by the names of the limits, in their place."""
        used_now = amounts(used)
        wanted = {name: one.value + used_now[name] if one.more else one.value for name, one in requests.items()}
        return Limits.from_json({**self.most, **wanted})

    @classmethod
    def from_json(cls, limits: JsonObject) -> Limits:
        """From what `to_json` returned; limits that a newer program added are ignored."""
        known = ((limit, limits.get(limit.name)) for limit in LIMITS)
        return cls({limit.name: int(most) if limit.whole else most for limit, most in known if most is not None})

    def to_json(self) -> JsonObject:
        """The limits that are set."""
        return dict(self.most)


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

    def exhausted(self, used: Used) -> Refusal | None:
        """Why nothing may start beside what is used; None if some is left of each limit that is not of calls."""
        refusals = (limit.exhausted(self.limits.most[limit.name], used) for limit in self.limits.of_steps)
        return next(filter(None, refusals), None)

    def refusal(self, wanted: Amount) -> Refusal | None:
        """Why a call that is expected to take `wanted` does not fit now; None if it does."""
        most, spent, held = self.limits.most, self.spent, self.held
        if "calls" in most and spent.calls + held.calls + wanted.calls > most["calls"]:
            reason = _limit_reason("call", most["calls"], f"{spent.calls} of {most['calls']}", "no call is allowed")
            return Refusal("calls", reason)
        if "tokens" in most and spent.tokens + held.tokens + wanted.tokens > most["tokens"]:
            then = f"the next call may take {wanted.tokens}"
            reason = _limit_reason("token", most["tokens"], f"{spent.tokens} of {most['tokens']}; {then}", then)
            return Refusal("tokens", reason, wanted.tokens)
        return self._too_dear(most["cost"], wanted.cost) if "cost" in most else None

    def _too_dear(self, most: float, wanted: float | None) -> Refusal | None:
        if wanted is None:
            then = "the price of the next call is unknown"
            return Refusal("cost", _limit_reason("cost", most, f"${most:g}; {then}", then))
        cost = self.spent.cost or 0.0
        if cost + (self.held.cost or 0.0) + wanted <= most:
            return None
        then = f"the next call may cost ${wanted:.4f}"
        return Refusal("cost", _limit_reason("cost", most, f"${cost:.4f} of ${most:g}; {then}", then), wanted)


def _limit_reason(name: str, most: float, used: str, nothing: str) -> str:
    """Why no more is allowed. A limit of 0 is not reached: it allows nothing."""
    return f"{name} limit reached ({used})" if most else f"the {name} limit is 0: {nothing}"
