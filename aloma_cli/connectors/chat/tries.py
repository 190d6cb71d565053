"""Try a request again where a server is busy or cannot be reached, and report the waits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from aloma_cli.connectors.base import Progress, is_retryable
from aloma_cli.connectors.governor import Governor, is_busy
from aloma_cli.connectors.retry_after import wait_in
from aloma_cli.errors import ConnectorError
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAIError

LONGEST_PAUSE = 120.0
"""A server that asks for a longer wait, in seconds, is not tried again."""

_FIRST_PAUSE, _USUAL_PAUSE = 0.5, 8.0
_RATE_LIMITED = 429

Reply = TypeVar("Reply")


async def _report_nothing(error: Exception) -> None:
    """An error before another try is not reported."""


@dataclass(frozen=True, slots=True)
class Tries:
    """Up to `most` tries of one request, each of which takes at most `seconds`, in the queue of the server.

    A try that the server refuses because it is busy does not count while it works on other calls. If it answers none,
    the first call finds that out, and each of those behind it is tried once. `failed` gets an error before another try
    is made.
    """

    most: int
    seconds: float | None
    progress: Progress
    governor: Governor
    failed: Callable[[Exception], Awaitable[None]] = _report_nothing

    async def run(self, send: Callable[[], Awaitable[Reply]]) -> Reply:
        """What the first successful `send` returns. Raises the error of the last try, noting how many there were."""
        from openai import OpenAIError

        attempt, sent, began = 1, 0, monotonic()
        while True:
            try:
                async with self.governor.turn(self.progress, ahead=sent > 0):
                    self.progress("waiting", seconds=self.seconds, attempt=attempt, tries=self.most)
                    sent += 1
                    return await send()
            except (OpenAIError, ConnectorError) as error:
                attempt += self._counts(error)
                pause = None if attempt > self.most else self._pause(error, attempt - 1)
                if pause is None:
                    if sent > 1:
                        error.add_note(f"{sent} tries in {monotonic() - began:.0f} s")
                    raise
                await self.failed(error)
                self._announce(error, pause, attempt)
                with self.governor.held() if pause and is_busy(error) else nullcontext():
                    await asyncio.sleep(pause)

    def _counts(self, error: OpenAIError | ConnectorError) -> int:
        """How many tries a failure counts as: all of them where a busy server has refused this many calls in a row."""
        if not is_busy(error):
            return 1
        if self.governor.is_serving or not self.governor.is_idle:
            return 0
        return self.most if self.governor.refusals >= self.most else 1

    def _pause(self, error: OpenAIError | ConnectorError, attempt: int) -> float | None:
        if not is_busy(error):
            return pause_after(error, attempt)
        pause = pause_after(error, max(1, self.governor.refusals))
        # The end of a call that is under way is a better sign than a clock that the server has room.
        return pause if pause is None or self.governor.is_idle or asked_wait(error) else 0.0

    def _announce(self, error: OpenAIError | ConnectorError, pause: float, attempt: int) -> None:
        limited = getattr(error, "status_code", None) == _RATE_LIMITED
        state, reason = ("rate_limited" if limited else "waiting"), _retry_reason(error)
        self.progress(state, seconds=pause, attempt=attempt, tries=self.most, text=reason)  # type: ignore[arg-type]


def pause_after(error: OpenAIError | ConnectorError, attempt: int) -> float | None:
    """Seconds to wait after the failed `attempt` (from 1); None if another one would not help."""
    import openai

    usual = min(_USUAL_PAUSE, _FIRST_PAUSE * 2.0 ** (attempt - 1)) * random.uniform(0.75, 1)  # noqa: S311  (no secret)
    if isinstance(error, ConnectorError):
        return usual if error.retryable else None
    if isinstance(error, openai.APIConnectionError):
        return usual
    if not isinstance(error, openai.APIStatusError) or error.code == "insufficient_quota":
        return None
    told, asked = error.response.headers.get("x-should-retry"), asked_wait(error)
    again = told == "true" or (told != "false" and is_retryable(error.status_code))
    return (asked or usual) if again and asked <= LONGEST_PAUSE else None


def asked_wait(error: BaseException) -> float:
    """The seconds for which a server asks to wait; 0 if it does not say."""
    response: httpx2.Response | None = getattr(error, "response", None)
    return 0.0 if response is None else wait_in(response.headers, datetime.now(UTC))


def _retry_reason(error: OpenAIError | ConnectorError) -> str:
    import openai

    if isinstance(error, openai.APIStatusError):
        return str(error.status_code)
    if isinstance(error, openai.APITimeoutError):
        return "no answer in time"
    return "no connection" if isinstance(error, openai.APIConnectionError) else "the answer broke off"
