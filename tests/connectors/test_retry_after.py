"""How long a server asks to wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aloma_cli.connectors.retry_after import wait_in

NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "Sat, 28 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Sat, 28 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"x-ratelimit-reset-requests": "1s"}, 1),
        ({"x-ratelimit-reset-requests": "20ms", "x-ratelimit-reset-tokens": "6m0s"}, 360),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-reset-requests": "1s", "retry-after": "2"}, 2),
        ({"X-RateLimit-Reset": "12"}, 12),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 7)}, 7),
        ({"x-ratelimit-reset": str((int(NOW.timestamp()) + 7) * 1000)}, 7),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) - 7)}, 0),
        ({"x-ratelimit-reset-requests": "1 week"}, 0),
        ({"x-ratelimit-remaining-requests": "5"}, 0),
    ],
)
def test_the_wait_that_headers_ask_for(headers: dict[str, str], seconds: float) -> None:
    assert wait_in(headers, NOW) == pytest.approx(seconds)
