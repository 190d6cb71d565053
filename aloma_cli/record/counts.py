"""What a call took, as numbers that can be added up, even if a server or an old record reports nonsense."""

from __future__ import annotations

from aloma_cli.jsontext import Json, is_number

_MOST = 2**53
"""Above this no count is plausible, and a float cannot distinguish two neighbours."""

_LONGEST = 30
"""Characters of a number that is written as a text."""


def number(value: Json) -> int | float | None:
    """A number from 0, also one that is written as a text; None for anything else."""
    if isinstance(value, str):
        value = _parse(value)
    if not is_number(value):
        return None
    return value if 0 <= value <= _MOST else None


def whole(value: Json) -> int | None:
    """As `number`, for a whole number."""
    found = number(value)
    return int(found) if found is not None and found == int(found) else None


def sound_usage(usage: Json) -> Json:
    """A recorded usage in which every count is a number; what is not a number was not counted, and is left out."""
    if not isinstance(usage, dict):
        return None
    read = {name: reader(usage[name]) for name, reader in _READERS.items() if name in usage}
    return {name: value for name, value in (usage | read).items() if name not in read or value is not None}


_TOKENS = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
_READERS = {**dict.fromkeys(_TOKENS, whole), "cost": number}


def _parse(text: str) -> int | float | None:
    if len(text) > _LONGEST:
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None
