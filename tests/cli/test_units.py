"""Ages and sizes as people type them."""

from __future__ import annotations

import pytest

from aloma_cli.cli.units import bytes_of, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("12h", 43_200),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("1.5D", 129_600),
        (" 2 h ", 7_200),
    ],
)
def test_an_age_is_in_seconds(text: str, seconds: float) -> None:
    assert seconds_of(text, "--older-than") == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("830", 830),
        ("830B", 830),
        ("500kB", 500_000),
        ("10MB", 10_000_000),
        ("10m", 10_000_000),
        ("1.5 GB", 1_500_000_000),
        ("2KiB", 2_048),
        ("1gib", 1 << 30),
    ],
)
def test_a_size_is_in_bytes(text: str, size: int) -> None:
    assert bytes_of(text, "--larger-than") == size
