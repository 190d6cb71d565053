"""The options that choose a model server, as one value."""

from __future__ import annotations

import math

from aloma_cli.cli.given import given_path
from aloma_cli.errors import InputError
from aloma_cli.loader import ModelFlags


def model_flags(
    *,
    base_url: str | None,
    api_key: str | None,
    model: str | None,
    offline: bool,
    require_real: bool,
    responses: str | None,
    delay: float,
) -> ModelFlags:
    """What the options of a command say about models. Raises InputError where they contradict one another."""
    if offline and require_real:
        raise InputError("--offline and --require-real contradict one another")
    if offline and base_url:
        raise InputError("--offline and --base-url contradict one another")
    if not math.isfinite(delay):
        raise InputError(f"--delay {delay} is no number of seconds")
    folder = None if responses is None else given_path(responses).resolve()
    if folder is not None and not folder.is_dir():
        raise InputError(f"--responses {responses}: there is no such folder")
    return ModelFlags(
        base_url=base_url,
        api_key=api_key,
        model=model,
        offline=offline or None,
        require_real=require_real,
        responses=folder,
        delay=delay,
    )
