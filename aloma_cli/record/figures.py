"""What steps did, and what their calls cost, as sums."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import fields
from typing import Any, TypeVar

from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import CallAnswered
from aloma_cli.values import dataclass

_Key = TypeVar("_Key", bound=Hashable)


OWN = ("tool", "person")
"""The first part of the names of calls that reach no other system: tools of a step itself, and what a person allows."""


def is_own(call: str) -> bool:
    """Whether the call of this name (`connector.function`) reaches no other system, and costs nothing."""
    return call.partition(".")[0] in OWN


def is_estimated(call: CallAnswered | None) -> bool:
    """Whether a server did not count the tokens of a call. Earlier programs marked simulated answers as well."""
    if call is None or (call.about or {}).get("simulated"):
        return False
    return bool((call.usage or {}).get("estimated"))


@dataclass(slots=True)
class Figures:
    """How firings ended, how many seconds they ran, what they called and what that cost.

    `cost` is in US dollars, of the calls whose price is known. `unpriced` counts the others that used tokens, without
    the simulated ones: these need no price. `answers` counts the calls that a model or a simulation answered.
    `cached_tokens` are part of the input, `reasoning_tokens` of the output. `estimated` counts the real calls whose
    tokens a server did not count. `failed_calls` are those that ended with an error.
    """

    fired: int = 0
    looked: int = 0
    failed: int = 0
    voided: int = 0
    calls: int = 0
    failed_calls: int = 0
    answers: int = 0
    simulated: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: int = 0
    cost: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, *calls: CallAnswered) -> Figures:
        """The figures of these calls."""
        figures = cls()
        for call in calls:
            figures.count_call(call)
        return figures

    @classmethod
    def recorded(cls, record: JsonObject) -> Figures:
        """What all steps did in the task of this record and in its subtasks."""
        return cls.total(cls(**{name: step[name] for name in _NAMES}) for step in record["steps"])

    @classmethod
    def total(cls, parts: Iterable[Figures]) -> Figures:
        """The sum of `parts`."""
        total = cls()
        for part in parts:
            for name in _NAMES if part.calls else _OF_FIRINGS:
                setattr(total, name, getattr(total, name) + getattr(part, name))
        return total

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def count_call(self, call: CallAnswered) -> None:
        """Count a call that was answered, or failed, unless it reached no other system."""
        if is_own(call.call):
            return
        about, usage = call.about or {}, call.usage or {}
        simulated = bool(about.get("simulated"))
        self.calls += 1
        self.failed_calls += call.error is not None
        if call.error is None and (simulated or "model" in about):
            self.answers += 1
            self.simulated += simulated
        if usage:
            cost = usage.get("cost")
            self.input_tokens += usage.get("input_tokens") or 0
            self.output_tokens += usage.get("output_tokens") or 0
            self.cached_tokens += usage.get("cached_tokens") or 0
            self.reasoning_tokens += usage.get("reasoning_tokens") or 0
            self.estimated += is_estimated(call)
            self.cost += cost or 0.0
            self.unpriced += cost is None and not simulated

    def to_json(self) -> dict[str, Any]:
        """All figures by name; seconds to the millisecond."""
        return {
            "fired": self.fired,
            "looked": self.looked,
            "failed": self.failed,
            "voided": self.voided,
            **self.usage_json(),
            "seconds": round(self.seconds, 3),
        }

    def usage_json(self) -> dict[str, Any]:
        """The figures of the calls alone."""
        return {
            "calls": self.calls,
            "failed_calls": self.failed_calls,
            "answers": self.answers,
            "simulated": self.simulated,
            "unpriced": self.unpriced,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cached_tokens": self.cached_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "estimated": self.estimated,
            "cost": round(self.cost, 9),
        }

    @classmethod
    def grouped(cls, calls: Iterable[tuple[CallAnswered, Iterable[_Key]]]) -> dict[_Key, Figures]:
        """The figures of calls under each of their keys; calls that reached no other system are in no group."""
        groups: dict[_Key, Figures] = {}
        for call, keys in calls:
            for key in () if is_own(call.call) else keys:
                groups.setdefault(key, cls()).count_call(call)
        return groups


_NAMES = tuple(field.name for field in fields(Figures))
_OF_FIRINGS = ("fired", "looked", "failed", "voided", "seconds")
