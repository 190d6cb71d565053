"""The options that choose a model server, as one value."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aloma_cli.clock import DURATION, is_duration
from aloma_cli.errors import InputError


def model_flags(
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="An OpenAI-compatible server for model calls.")
    ] = None,
    api_key: Annotated[str | None, typer.Option("--api-key", metavar="KEY", help="The key for that server.")] = None,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="The model that answers all calls.")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Simulate all model answers, whatever is configured.")
    ] = False,
    require_real: Annotated[
        bool, typer.Option("--require-real", help="Fail rather than simulate model answers.")
    ] = False,
    responses: Annotated[
        str | None, typer.Option("--responses", metavar="DIR", help="Scripted answers for simulated model calls.")
    ] = None,
    delay: Annotated[
        float | None,
        typer.Option("--delay", metavar="SECONDS", min=0.0, help="How long each simulated answer takes, about."),
    ] = None,
) -> Any:
    """What these options say, as `loader.ModelFlags`. Raises InputError where they contradict one another."""
    from aloma_cli.cli.given import given_path
    from aloma_cli.loader import ModelFlags

    if offline and require_real:
        raise InputError("--offline and --require-real contradict one another")
    if offline and base_url:
        raise InputError("--offline and --base-url contradict one another")
    if delay is not None and not is_duration(delay):
        raise InputError(f"--delay {delay} is not {DURATION}")
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
