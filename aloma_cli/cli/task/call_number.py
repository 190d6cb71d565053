"""The number of a call, as a person gives it."""

from __future__ import annotations

import re

from aloma_cli.errors import InputError
from aloma_cli.jsontext import cut

_SHOWN = 60


def call_number(text: str) -> int:
    """Raises InputError for anything else."""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise InputError(
            f"{cut(text, _SHOWN)!r} is not the number of a call", hint="run `aloma task calls` for the numbers"
        )
    return int(text)
