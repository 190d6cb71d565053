"""Which model server a run uses: flag, then environment, then aloma.yaml, then the user's configuration.

Two rules override this order. A key goes only to the server it is meant for: a server named in a file gets the key
named in the same file, never the value of OPENAI_API_KEY by accident. And answers are simulated by a choice made here,
before the run, never because a real server fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from aloma_cli.connectors.address import is_url, shown_broken, split_login
from aloma_cli.connectors.settings import OPENAI_URL, ModelSettings
from aloma_cli.errors import ConfigError, CredentialsError, InputError
from aloma_cli.loader.answering import NEW, Answering, Past, is_same_server
from aloma_cli.loader.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from aloma_cli.redact import NamedValue

_T = TypeVar("_T")

_KEY = "OPENAI_API_KEY"
_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_RECORD = Config(file="the record of the task")
_NOTHING_KEPT = Answering()
_GO_REAL = f"`export {_KEY}=…` for OpenAI, or `--base-url URL` for another server"


@dataclass(frozen=True, slots=True)
class ModelFlags:
    """The options about models, from the command line or a caller in Python; None means "not set".

    `model` answers all calls, regardless of the model a step names. `require_real`: raise rather than simulate.
    `responses`: the folder of scripted answers. `delay`: seconds per simulated answer.
    """

    base_url: str | None = None
    api_key: str | None = None
    model: str | None = None
    offline: bool | None = None
    require_real: bool = False
    responses: Path | None = None
    delay: float | None = None


class ModelChoice(NamedTuple):
    """`notice`: a message about the choice, shown once before the run."""

    settings: ModelSettings
    notice: str | None = None


class _Server(NamedTuple):
    """`url`: None is OpenAI's own. `named_by`: the file that names the URL; else None."""

    url: str | None
    named_by: Config | None = None


def resolve_models(
    flags: ModelFlags,
    environ: Mapping[str, str],
    config: Config,
    user_config: Config,
    workspace_root: Path | None,
    past: Past = NEW,
) -> ModelChoice:
    """Choose the model server; a task with a past keeps its own, unless `flags` name another.

    Raises CredentialsError if a key is named but not set, if a real server is required and none is set up, or if a
    task with real answers would get simulated ones; InputError and ConfigError for invalid values.
    """
    files = (config, user_config)
    common = _common(flags, environ, files, workspace_root, past)
    simulated = partial(_simulated, flags, past, workspace_root, common)
    offline, asked_by = _offline_setting(flags, environ, files, past)
    if offline:
        _refuse_to_simulate(flags, past, f"{asked_by} simulates the answers now")
        return simulated(f"answers are simulated ({asked_by})", f"{asked_by} simulates the answers")
    server = _server(flags, environ, files, past)
    key = flags.api_key or _key_for(server, files, environ)
    if past.real and past.kept and past.kept.with_key and not (key or flags.base_url):
        raise CredentialsError(f"{past.run_with}; no key is set up for it now", hint=_key_hint(server, environ))
    if server.url or key or past.server:
        settings = ModelSettings(base_url=server.url, api_key=key, **common)
        return ModelChoice(settings, _unsent_key(server, key, environ))
    _refuse_to_simulate(flags, past, "no model server is set up now", f"{_GO_REAL}; ")
    if offline is False:
        raise CredentialsError(f"no model server is set up, and {asked_by} requires one", hint=_GO_REAL)
    missing = "no model server is set up"
    return simulated(f"{missing}, so answers are simulated; {_GO_REAL}", missing)


def secrets_given(flags: ModelFlags, environ: Mapping[str, str], *files: Config) -> tuple[NamedValue, ...]:
    """The key on the command line, and the logins in the addresses that any source names."""
    addresses = [flags.base_url, environ.get("OPENAI_BASE_URL"), *(file.openai.base_url for file in files)]
    return ModelSettings(api_key=flags.api_key).secrets + tuple(
        secret for address in addresses if address for secret in ModelSettings(address).secrets
    )


def _common(
    flags: ModelFlags, environ: Mapping[str, str], files: tuple[Config, Config], root: Path | None, past: Past
) -> dict[str, Any]:
    """The settings that apply to every server."""
    workspace, user = files
    kept = past.kept or _NOTHING_KEPT
    default = environ.get("OPENAI_MODEL")
    chosen = {**user.models, **workspace.models, **({"default": default} if default else {})}
    limits = ("concurrency", "timeout", "max_retries")
    said = {option: _first(getattr(file.openai, option) for file in files) for option in limits}
    return {
        "model": flags.model or kept.model,
        "models": {**chosen, **kept.models, **_renamed_models(workspace, past)},
        "max_answer": workspace.limits.max_answer_mb * 1_000_000,
        "responses": flags.responses or (root / workspace.responses if root else None),
        **{option: value for option, value in said.items() if value is not None},
    }


def _renamed_models(workspace: Config, past: Past) -> dict[str, str]:
    """The model names in the workspace's file, which override those of an existing task, as a changed step would.

    `default` may come from the environment, which takes precedence over the file.
    """
    return {name: model for name, model in workspace.models.items() if past.kept and name != "default"}


def _offline_setting(
    flags: ModelFlags, environ: Mapping[str, str], files: tuple[Config, Config], past: Past
) -> tuple[bool | None, str]:
    """Whether to simulate answers (None: not set), and which setting decides."""
    if flags.offline is None and (flags.base_url or flags.api_key):
        return None, ""  # a server given as a flag overrides `offline` in a file
    if flags.offline is None and past.is_simulated and not flags.require_real:
        return True, "as before in this task"
    said = [(flags.offline, "--offline"), (_switch(environ), "ALOMA_OFFLINE")]
    said += [(file.offline, f"`offline` in {file.file}") for file in files]
    return next(((value, who) for value, who in said if value is not None), (None, ""))


def _switch(environ: Mapping[str, str]) -> bool | None:
    value = environ.get("ALOMA_OFFLINE", "").strip()
    if value and value.casefold() not in _SWITCH:
        raise ConfigError(f"ALOMA_OFFLINE is {value!r} in the environment", hint="it may be 1 or 0")
    return _SWITCH.get(value.casefold())


def _server(flags: ModelFlags, environ: Mapping[str, str], files: tuple[Config, Config], past: Past) -> _Server:
    if flags.base_url:
        if not is_url(split_login(flags.base_url)[0]):
            shown = shown_broken(flags.base_url)
            raise InputError(f"--base-url {shown!r} is not a URL", hint="use one such as http://127.0.0.1:11434/v1")
        return _Server(flags.base_url)
    if past.server:
        return _kept_server(past.server, environ, files)
    if url := environ.get("OPENAI_BASE_URL"):
        if not is_url(split_login(url)[0]):
            raise ConfigError(f"OPENAI_BASE_URL is {shown_broken(url)!r} in the environment, which is not a URL")
        return _Server(url)
    file = next((file for file in files if file.openai.base_url), None)
    return _Server(file.openai.base_url, file) if file else _Server(None)


def _kept_server(url: str, environ: Mapping[str, str], files: tuple[Config, Config]) -> _Server:
    """The server of a task, with the file that names it now: this decides which key it gets."""
    typed = environ.get("OPENAI_BASE_URL")
    if is_same_server(typed, url):
        return _Server(typed)
    file = next((file for file in files if is_same_server(file.openai.base_url, url)), None)
    if file:
        return _Server(file.openai.base_url, file)
    others = any(file.openai.base_url and file.openai.api_key_env == _KEY for file in files)
    if is_same_server(OPENAI_URL, url) and not typed and not others:
        return _Server(None)
    return _Server(url, _RECORD)


def _key_for(server: _Server, files: tuple[Config, Config], environ: Mapping[str, str]) -> str | None:
    """The key for `server`, from the environment variable that a file names, else from OPENAI_API_KEY."""
    named_in = server.named_by or next((f for f in files if f.openai.api_key_env and not f.openai.base_url), None)
    variable = named_in.openai.api_key_env if named_in else _KEY
    key = environ.get(variable, "").strip() if variable else ""
    typed = server.url and not server.named_by  # a server of one's own often needs no key
    if named_in and variable and not key and not typed:
        raise CredentialsError(
            f"{variable} is not set, and `openai.api_key_env` in {named_in.file} names it",
            hint=f"`export {variable}=…`, or `--offline` for simulated answers",
        )
    return key or None


def _unsent_key(server: _Server, key: str | None, environ: Mapping[str, str]) -> str | None:
    if key or not server.named_by or not environ.get(_KEY):
        return None
    if server.named_by is _RECORD:
        return (
            f"{_KEY} is not sent to {server.url}, which only the record of the task names; "
            f"to send it there, add `--base-url {server.url}`"
        )
    file = server.named_by.file
    return (
        f"{_KEY} is not sent to {split_login(server.url or '')[0]}, which {file} names; "
        f"if it is meant for that server, write `api_key_env: {_KEY}` under `openai:` there"
    )


def _key_hint(server: _Server, environ: Mapping[str, str]) -> str:
    export = f"run `export {_KEY}=…`"
    if server.url is None:
        return f"{export}, or use `--offline` to continue with simulated answers"
    send = f"add `--base-url {server.url}` to send the key there"
    return send if environ.get(_KEY) else f"{export} and {send}"


def _refuse_to_simulate(flags: ModelFlags, past: Past, why: str, cure: str = "") -> None:
    if past.real and not past.is_simulated and not flags.offline:
        raise CredentialsError(
            f"{past.run_with}; {why}", hint=f"{cure}use `--offline` to continue with simulated answers"
        )


def _simulated(
    flags: ModelFlags, past: Past, root: Path | None, common: dict[str, Any], notice: str, why: str
) -> ModelChoice:
    if flags.require_real:
        raise CredentialsError(f"--require-real: {why}", hint=_GO_REAL)
    kept = past.kept or _NOTHING_KEPT
    chosen = {
        **common,
        "responses": flags.responses or past.responses(root) or common["responses"],
        "delay": kept.delay if flags.delay is None else flags.delay,
    }
    return ModelChoice(ModelSettings(offline=True, **chosen), notice)


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value is not None), None)
