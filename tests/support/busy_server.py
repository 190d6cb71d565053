"""A model server that takes so many calls at a time and so many a minute, on the time of the running loop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

import httpx2
import openai

Limiter = Literal["window", "sliding", "bucket"]


@dataclass
class BusyServer:
    """`at_once` calls under way, `a_minute` accepted calls in `minute` seconds, each of which takes `takes` seconds.

    `limiter`: the minutes follow one another (`window`), the last minute counts (`sliding`), or room for calls comes
    back evenly (`bucket`). `hints`: how a refusal says how long to wait.
    """

    at_once: int = 5
    a_minute: int = 60
    minute: float = 60.0
    takes: float = 1.0
    limiter: Limiter = "sliding"
    hints: Literal["exact", "seconds", "none"] = "exact"
    accepted: list[float] = field(default_factory=list)
    refused: int = 0
    under_way: int = 0
    most: int = 0

    async def call(self) -> str:
        """An answer. Raises the error of the OpenAI library for a refusal."""
        await asyncio.sleep(0.005)
        now = asyncio.get_running_loop().time()
        wait = self._wait(now)
        if wait or self.under_way >= self.at_once:
            self.refused += 1
            raise self._refusal(wait)
        self.accepted.append(now)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.takes)
        finally:
            self.under_way -= 1
        return "answer"

    def best(self, calls: int) -> float:
        """The shortest time for so many calls, each sent at the moment at which there is room for it."""
        sent: list[float] = []
        for number in range(calls):
            at = sent[number - self.at_once] + self.takes if number >= self.at_once else 0.0
            while wait := BusyServer(**{**self._rules, "accepted": sent})._wait(at):  # type: ignore[arg-type]
                at += wait
            sent.append(at)
        return sent[-1] + self.takes

    @property
    def _rules(self) -> dict[str, object]:
        return {"a_minute": self.a_minute, "minute": self.minute, "limiter": self.limiter}

    def _wait(self, now: float) -> float:
        """Seconds until there is room for a call, as far as calls a minute are concerned."""
        if self.limiter == "bucket":
            room, last = float(self.a_minute), 0.0
            for at in self.accepted:
                room, last = min(self.a_minute, room + (at - last) * self.a_minute / self.minute) - 1, at
            room = min(self.a_minute, room + (now - last) * self.a_minute / self.minute)
            return 0.0 if room >= 1 - 1e-9 else (1 - room) * self.minute / self.a_minute
        if self.limiter == "window":
            begun = now - now % self.minute
            full = sum(at >= begun for at in self.accepted) >= self.a_minute
            return begun + self.minute - now if full else 0.0
        if len(self.accepted) < self.a_minute:
            return 0.0
        return max(0.0, self.accepted[-self.a_minute] + self.minute - now)

    def _refusal(self, wait: float) -> openai.APIStatusError:
        headers = {"exact": {"retry-after-ms": f"{wait * 1000:.3f}"}, "seconds": {"retry-after": f"{ceil(wait)}"}}
        response = httpx2.Response(
            429,
            headers=headers.get(self.hints, {}) if wait else {},
            request=httpx2.Request("POST", "http://busy.test/v1"),
        )
        return openai.RateLimitError("busy", response=response, body=None)
