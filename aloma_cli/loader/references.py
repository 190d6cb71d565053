"""`${NAME}` in a setting: the value of `config("NAME")`, so that no secret is written into `aloma.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aloma_cli.loader.environment import Environment

_REFERENCE = re.compile(r"\$\{([^}]*)\}")


def filled(text: str, environment: Environment) -> str:
    """`text` with the value of each `${NAME}`. Raises PermanentError for one without a value."""
    return _REFERENCE.sub(lambda reference: environment(reference[1].strip()), text)


def all_filled(values: Mapping[str, str], environment: Environment) -> dict[str, str]:
    """As `filled`, for each value."""
    return {name: filled(value, environment) for name, value in values.items()}


def is_reference(text: str) -> bool:
    """Whether a text is nothing but one `${NAME}`."""
    return _REFERENCE.fullmatch(text) is not None
