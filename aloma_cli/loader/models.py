"""Which model server a run uses: flag, then environment, then aloma.yaml, then the user's configuration.

Two rules override this order. A key goes only to the server it is meant for: a server named in a file gets the key
named in the same file, never the value of the provider's variable. And answers are simulated by a choice made here,
before the run, never because a real server fails.
"""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from aloma_cli.connectors.address import is_url, shown_broken, split_login
from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConfigError, CredentialsError, InputError
from aloma_cli.later import Later
from aloma_cli.loader.answering import NEW, Past, check_of, is_same_server
from aloma_cli.loader.config import Config
from aloma_cli.loader.sources import LIMITS, ModelFlags, Sources, provider_set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aloma_cli.loader import named as named_ones
else:
    named_ones = Later("aloma_cli.loader.named")

_SWITCH = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_RECORD = Config(file="the record of the task")
_NO_SECRETS: Mapping[str, str] = MappingProxyType({})


class ModelChoice(NamedTuple):
    """`notice`: a message about the choice, shown once before the run."""

    settings: ModelSettings
    notice: str | None = None


class _Server(NamedTuple):
    """`url`: None is the provider's own. `named_by`: the file that names the URL; else None."""

    url: str | None
    named_by: Config | None = None


def resolve_models(
    flags: ModelFlags,
    environ: Mapping[str, str],
    config: Config,
    user_config: Config,
    workspace_root: Path | None,
    past: Past = NEW,
    *,
    stored: Mapping[str, str] = _NO_SECRETS,
    honours: Callable[[], Path] | None = None,
) -> ModelChoice:
    """Choose the model server; a task with a past keeps its own, unless `flags` name another.

    `stored`: the secrets of the workspace, among which keys are looked up. `honours` gives that of ModelSettings.
    Raises CredentialsError if a key is named but not set, if a real server is required and none is set up, or if a
    task with real answers would get simulated ones; InputError and ConfigError for invalid values.
    """
    sources = _sources(flags, environ, (config, user_config), past, stored)
    simulated = partial(_simulated, sources, workspace_root)
    offline, asked_by = _offline_setting(sources)
    if offline:
        if past.real:
            _refuse_to_simulate(sources, f"{asked_by} simulates the answers now")
        return simulated(f"answers are simulated ({asked_by})", f"{asked_by} simulates the answers")
    real = _real(sources, {**_common(sources, workspace_root), "honours": honours and honours()})
    if real is not None:
        return real
    if past.real:
        _refuse_to_simulate(sources, "no model server is set up now", f"{sources.go_real}; ")
    if offline is False:
        raise CredentialsError(f"no model server is set up, and {asked_by} requires one", hint=sources.go_real)
    missing = "no model server is set up"
    return simulated(f"{missing}, so answers are simulated; {sources.go_real}", missing)


def _real(sources: Sources, common: dict[str, Any]) -> ModelChoice | None:
    """The real server that is set up; None if there is none."""
    flags, past = sources.flags, sources.past
    named = named_ones.named_servers(sources, common)
    common = named_ones.routed(sources, named, common)
    first = named_ones.first_named(sources, named)
    if first is not None:
        return ModelChoice(named_ones.named_choice(sources, named[first], common))
    server = _chosen_server(sources)
    key = flags.api_key or _key_for(server, sources)
    if past.real and past.kept.with_key and not (key or flags.base_url):
        raise CredentialsError(f"{past.run_with}; no key is set up for it now", hint=_key_hint(server, sources))
    if not (server.url or key or past.kept.server):
        return None
    settings = ModelSettings(base_url=server.url, api_key=key, **common)
    return ModelChoice(settings, _unsent_key(server, key, sources))


def configured_servers(
    flags: ModelFlags,
    environ: Mapping[str, str],
    config: Config,
    user_config: Config,
    *,
    stored: Mapping[str, str] = _NO_SECRETS,
    honours: Callable[[], Path] | None = None,
) -> dict[str, ModelSettings]:
    """All named servers, whether their keys are set or not."""
    sources = _sources(flags, environ, (config, user_config), NEW, stored)
    return named_ones.named_servers(sources, {**_common(sources, None), "honours": honours and honours()})


def _sources(
    flags: ModelFlags,
    environ: Mapping[str, str],
    files: tuple[Config, Config],
    past: Past,
    stored: Mapping[str, str],
) -> Sources:
    """With the provider of the task's server, else the first one that the environment, a secret or a file sets up."""
    kept = past.kept.server
    own = (name for name, one in PROVIDERS.items() if kept and is_same_server(one.URL, kept))
    name = next(own, None) or provider_set_up({**stored, **environ}, [file.providers for file in files])
    said = [(file, file.providers[name]) for file in files if name in file.providers]
    return Sources(name, PROVIDERS[name], flags, environ, files, said, past, stored)


def _common(sources: Sources, root: Path | None) -> dict[str, Any]:
    """The settings that apply to every server."""
    flags, environ, kept = sources.flags, sources.environ, sources.past.kept
    workspace, user = sources.files
    default = environ.get(sources.provider.MODEL_VARIABLE)
    sections = [section for _, section in reversed(sources.said)]  # that of the workspace overrides that of the user
    # The names in the workspace's file override those of an existing task, as a changed step would. `default` may come
    # from the environment, which takes precedence over the file.
    renamed = {name: model for name, model in workspace.models.items() if name != "default"}
    chosen = {**user.models, **workspace.models, **({"default": default} if default else {})}
    return {
        "provider": sources.name,
        "model": flags.model or kept.model,
        "models": {**chosen, **kept.models, **renamed},
        "max_answer": workspace.limits.max_answer_mb * 1_000_000,
        "responses": flags.responses or (root / workspace.responses if root else None),
        **{option: value for one in sections for option in LIMITS if (value := getattr(one, option)) is not None},
    }


def _offline_setting(sources: Sources) -> tuple[bool | None, str]:
    """Whether to simulate answers (None: not set), and which setting decides."""
    flags, environ, past = sources.flags, sources.environ, sources.past
    if flags.offline is None and (flags.base_url or flags.api_key):
        return None, ""  # a server given as a flag overrides `offline` in a file
    if flags.offline is None and past.is_simulated and not flags.require_real:
        return True, "as before in this task"
    said = [
        (flags.offline, "--offline"),
        (_switch(environ["ALOMA_OFFLINE"]) if "ALOMA_OFFLINE" in environ else None, "ALOMA_OFFLINE"),
    ]
    said += [(file.offline, f"`offline` in {file.file}") for file in sources.files]
    return next(((value, who) for value, who in said if value is not None), (None, ""))


def _switch(value: str) -> bool | None:
    value = value.strip()
    if value and value.casefold() not in _SWITCH:
        raise ConfigError(f"ALOMA_OFFLINE is {value!r} in the environment", hint="it may be 1 or 0")
    return _SWITCH.get(value.casefold())


def _chosen_server(sources: Sources) -> _Server:
    flags, variable = sources.flags, sources.provider.URL_VARIABLE
    if flags.base_url:
        if not is_url(split_login(flags.base_url)[0]):
            shown = shown_broken(flags.base_url)
            raise InputError(f"--base-url {shown!r} is not a URL", hint="use one such as http://127.0.0.1:11434/v1")
        return _Server(flags.base_url)
    if sources.past.kept.server:
        return _kept_server(sources.past.kept.server, sources)
    if url := sources.environ.get(variable):
        if not is_url(split_login(url)[0]):
            raise ConfigError(f"{variable} is {shown_broken(url)!r} in the environment, which is not a URL")
        return _Server(url)
    named = ((section.base_url, file) for file, section in sources.said if section.base_url)
    return _Server(*next(named, (None, None)))


def _kept_server(url: str, sources: Sources) -> _Server:
    """The server of a task, with the file that names it now: this decides which key it gets."""
    typed = sources.environ.get(sources.provider.URL_VARIABLE)
    if is_same_server(typed, url):
        return _Server(typed)
    for file, section in sources.said:
        if is_same_server(section.base_url, url):
            return _Server(section.base_url, file)
    others = any(section.base_url and section.api_key_env == sources.key for _, section in sources.said)
    if is_same_server(sources.provider.URL, url) and not typed and not others:
        return _Server(None)
    own = _Server(url)
    key = _key_for(own, sources)
    was_given = key is not None and sources.past.kept.key_check == check_of(url, key)
    return own if was_given else _Server(url, _RECORD)


def _key_for(server: _Server, sources: Sources) -> str | None:
    """The key for `server`, from the environment variable that a file names, else from the provider's."""
    named = (file for file, section in sources.said if section.api_key_env and not section.base_url)
    named_in = server.named_by or next(named, None)
    section = named_in.providers.get(sources.name) if named_in else None
    variable = section.api_key_env if section else None if named_in else sources.key
    key = sources.value(variable)
    typed = server.url and not server.named_by  # a server of one's own often needs no key
    if named_in and variable and not key and not typed:
        raise CredentialsError(
            f"{variable} is not set, and `{sources.name}.api_key_env` in {named_in.file} names it",
            hint=f"`export {variable}=…`, or `--offline` for simulated answers",
        )
    return key or None


def _unsent_key(server: _Server, key: str | None, sources: Sources) -> str | None:
    if key or not server.named_by or not sources.environ.get(sources.key):
        return None
    if server.named_by is _RECORD:
        return (
            f"{sources.key} is not sent to {server.url}, which only the record of the task names; "
            f"to send it there, add `--base-url {server.url}`"
        )
    file = server.named_by.file
    return (
        f"{sources.key} is not sent to {split_login(server.url or '')[0]}, which {file} names; "
        f"if it is meant for that server, write `api_key_env: {sources.key}` under `{sources.name}:` there"
    )


def _key_hint(server: _Server, sources: Sources) -> str:
    export = f"run `export {sources.key}=…`"
    if server.url is None:
        return f"{export}, or use `--offline` to continue with simulated answers"
    send = f"add `--base-url {server.url}` to send the key there"
    return send if sources.environ.get(sources.key) else f"{export} and {send}"


def _refuse_to_simulate(sources: Sources, why: str, cure: str = "") -> None:
    """Refuse it for a task with real answers."""
    past = sources.past
    if not past.is_simulated and not sources.flags.offline:
        raise CredentialsError(
            f"{past.run_with}; {why}", hint=f"{cure}use `--offline` to continue with simulated answers"
        )


def _simulated(sources: Sources, root: Path | None, notice: str, why: str) -> ModelChoice:
    flags, past = sources.flags, sources.past
    kept, common = past.kept, _common(sources, root)
    if flags.require_real:
        raise CredentialsError(f"--require-real: {why}", hint=sources.go_real)
    recorded = past.folder_of(kept.responses, root) if kept.responses and not flags.responses else None
    chosen = {
        **common,
        "responses": flags.responses or recorded or common["responses"],
        "delay": kept.delay if flags.delay is None else flags.delay,
    }
    return ModelChoice(ModelSettings(offline=True, **chosen), notice)
