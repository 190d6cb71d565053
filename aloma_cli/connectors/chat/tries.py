"""Try a request again where a server is busy or cannot be reached, and tell those who watch."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from aloma_cli.connectors.base import Progress, is_retryable
from aloma_cli.errors import ConnectorError

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAIError

LONGEST_PAUSE = 120.0
"""A server that asks for a longer wait, in seconds, is not tried again."""

_FIRST_PAUSE, _USUAL_PAUSE = 0.5, 8.0
_RATE_LIMITED = 429

Reply = TypeVar("Reply")


@dataclass(frozen=True, slots=True)
class Tries:
    """Up to `most` tries of one request, each of which takes at most `seconds`."""

    most: int
    seconds: float | None
    progress: Progress

    async def run(self, send: Callable[[], Awaitable[Reply]]) -> Reply:
        """What the first successful `send` returns. Raises the error of the last try."""
        from openai import OpenAIError

        for attempt in count(1):
            self.progress("waiting", seconds=self.seconds, attempt=attempt, tries=self.most)
            try:
                return await send()
            except (OpenAIError, ConnectorError) as error:
                pause = None if attempt >= self.most else pause_after(error, attempt)
                if pause is None:
                    raise
                self._announce(error, pause, attempt + 1)
            await asyncio.sleep(pause)
        raise AssertionError

    def _announce(self, error: OpenAIError | ConnectorError, pause: float, attempt: int) -> None:
        limited = getattr(error, "status_code", None) == _RATE_LIMITED
        state, reason = ("rate_limited" if limited else "waiting"), _reason(error)
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
    told, asked = error.response.headers.get("x-should-retry"), _asked(error.response.headers)
    again = told == "true" or (told != "false" and is_retryable(error.status_code))
    return (asked or usual) if again and asked <= LONGEST_PAUSE else None


def _asked(headers: httpx2.Headers) -> float:
    """The seconds for which a server asks to wait; 0 if it does not say."""
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name, "")) / divisor
        except ValueError:
            continue
        return 0.0 if math.isnan(seconds) else max(0.0, seconds)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return 0.0
    return max(0.0, (until.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _reason(error: OpenAIError | ConnectorError) -> str:
    import openai

    if isinstance(error, openai.APIStatusError):
        return str(error.status_code)
    if isinstance(error, openai.APITimeoutError):
        return "no answer in time"
    return "no connection" if isinstance(error, openai.APIConnectionError) else "the answer broke off"
