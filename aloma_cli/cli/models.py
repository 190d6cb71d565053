"""The options that choose a model server, as one value."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from aloma_cli.cli.output import say
from aloma_cli.clock import DURATION, is_duration
from aloma_cli.errors import InputError


def model_flags(
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="An OpenAI-compatible server for model calls.")
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key", metavar="KEY", help="The key for that server; other users can read it while the command runs."
        ),
    ] = None,
    api_key_file: Annotated[
        str | None,
        typer.Option("--api-key-file", metavar="FILE", help="A file that holds the key for that server."),
    ] = None,
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
    from aloma_cli.cli.task_data import given_path
    from aloma_cli.loader.models import ModelFlags

    if api_key is not None and api_key_file is not None:
        raise InputError("--api-key and --api-key-file contradict one another", hint="use --api-key-file")
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
        api_key=_key(api_key) if api_key_file is None else _key_in(api_key_file),
        model=model,
        offline=offline or None,
        require_real=require_real,
        responses=folder,
        delay=delay,
    )


def _key(typed: str | None) -> str | None:
    if typed:
        say(
            "aloma: --api-key can be read by the other users of this machine while the command runs; "
            "use --api-key-file FILE, or the environment"
        )
    return typed


def _key_in(name: str) -> str:
    from aloma_cli.cli.task_data import given_path

    path = given_path(name)
    try:
        key = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise InputError(f"--api-key-file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"--api-key-file {path} is not UTF-8") from None
    if not key or not key.isascii() or not key.isprintable():
        # What is in it is not quoted: it may be a key.
        raise InputError(f"--api-key-file {path} does not hold a key", hint="write the key alone on one line")
    return key
