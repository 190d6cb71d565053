"""Which model server a run uses, and which key goes there."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConfigError, CredentialsError, InputError
from aloma_cli.loader.config import Config, ProviderConfig
from aloma_cli.loader.models import ModelChoice, resolve_models
from aloma_cli.loader.sources import ModelFlags

FLAG, ENV, FILE, USER = "http://flag/v1", "http://env/v1", "http://file/v1", "http://user/v1"


def openai(**said: Any) -> dict[str, ProviderConfig]:
    return {"openai": ProviderConfig(**said)}


GO_REAL = "`export OPENAI_API_KEY=…` for OpenAI, or `--base-url URL` for another server"


NOTHING = ModelFlags()
EMPTY = Config()


def file(
    name: str = "aloma.yaml",
    *,
    offline: bool | None = None,
    base_url: str | None = None,
    api_key_env: str | None = None,
) -> Config:
    return Config(file=name, offline=offline, providers=openai(base_url=base_url, api_key_env=api_key_env))


def choose(
    flags: ModelFlags = NOTHING,
    environ: dict[str, str] | None = None,
    config: Config = EMPTY,
    user: Config = EMPTY,
    root: Path | None = None,
) -> ModelChoice:
    return resolve_models(flags, environ or {}, config, user, root)


OPENAI_KEY = {"OPENAI_API_KEY": "real-key"}
ENV_URL = {"OPENAI_BASE_URL": ENV}
NAMED = "LOCAL_KEY"
LOCAL_KEY = {"LOCAL_KEY": "local-key"}


@pytest.mark.parametrize(
    ("flags", "environ", "config", "user", "url", "key"),
    [
        # the URL: flag, environment, aloma.yaml, the user's
        (ModelFlags(base_url=FLAG), ENV_URL, file(base_url=FILE), file(base_url=USER), FLAG, None),
        (ModelFlags(), ENV_URL, file(base_url=FILE), file(base_url=USER), ENV, None),
        (ModelFlags(), {}, file(base_url=FILE), file(base_url=USER), FILE, None),
        (ModelFlags(), {}, file(), file(base_url=USER), USER, None),
        (ModelFlags(), {"OPENAI_BASE_URL": ""} | OPENAI_KEY, file(), file(), None, "real-key"),
        # a typed key goes where it is typed for
        (ModelFlags(api_key="typed"), OPENAI_KEY, file(), file(), None, "typed"),
        (ModelFlags(api_key="typed"), OPENAI_KEY, file(base_url=FILE, api_key_env=NAMED), file(), FILE, "typed"),
        # OPENAI_API_KEY goes to OpenAI and to a server named by a person
        (ModelFlags(), OPENAI_KEY, file(), file(), None, "real-key"),
        (ModelFlags(), {"OPENAI_API_KEY": " real-key\n"}, file(), file(), None, "real-key"),
        (ModelFlags(), OPENAI_KEY | ENV_URL, file(base_url=FILE), file(), ENV, "real-key"),
        (ModelFlags(base_url=FLAG), OPENAI_KEY, file(base_url=FILE), file(), FLAG, "real-key"),
        # … and to one named by a file only where that file says so
        (ModelFlags(), OPENAI_KEY, file(base_url=FILE), file(), FILE, None),
        (ModelFlags(), OPENAI_KEY, file(), file(base_url=USER), USER, None),
        (ModelFlags(), OPENAI_KEY, file(base_url=FILE, api_key_env="OPENAI_API_KEY"), file(), FILE, "real-key"),
        (ModelFlags(), OPENAI_KEY, file(base_url=FILE), file(api_key_env="OPENAI_API_KEY"), FILE, None),
        (ModelFlags(), OPENAI_KEY, file(api_key_env="OPENAI_API_KEY"), file(base_url=USER), USER, None),
        # a key named by a file goes to the server of that file
        (ModelFlags(), OPENAI_KEY | LOCAL_KEY, file(base_url=FILE, api_key_env=NAMED), file(), FILE, "local-key"),
        (ModelFlags(), OPENAI_KEY | LOCAL_KEY, file(), file(base_url=USER, api_key_env=NAMED), USER, "local-key"),
        (ModelFlags(base_url=FLAG), LOCAL_KEY, file(base_url=FILE, api_key_env=NAMED), file(), FLAG, None),
        (ModelFlags(), LOCAL_KEY | ENV_URL, file(base_url=FILE, api_key_env=NAMED), file(), ENV, None),
        # … or, where the file names no server, to the one chosen by a person
        (ModelFlags(), OPENAI_KEY | LOCAL_KEY, file(api_key_env=NAMED), file(), None, "local-key"),
        (ModelFlags(), OPENAI_KEY | LOCAL_KEY, file(), file(api_key_env=NAMED), None, "local-key"),
        (ModelFlags(), OPENAI_KEY | LOCAL_KEY | ENV_URL, file(api_key_env=NAMED), file(), ENV, "local-key"),
        (ModelFlags(base_url=FLAG), OPENAI_KEY, file(api_key_env=NAMED), file(), FLAG, None),
        # what switches simulation off, or is typed, wins over a file that switches it on
        (ModelFlags(offline=False), OPENAI_KEY, file(offline=True), file(), None, "real-key"),
        (ModelFlags(base_url=FLAG), {}, file(offline=True), file(), FLAG, None),
        (ModelFlags(), OPENAI_KEY | {"ALOMA_OFFLINE": "0"}, file(offline=True), file(), None, "real-key"),
        (ModelFlags(), OPENAI_KEY, file(offline=False), file(offline=True), None, "real-key"),
    ],
)  # fmt: skip  (a table)
def test_server_and_key_follow_who_named_them(
    flags: ModelFlags, environ: dict[str, str], config: Config, user: Config, url: str | None, key: str | None
) -> None:
    settings = choose(flags, environ, config, user).settings
    assert (settings.offline, settings.base_url, settings.api_key) == (False, url, key)


@pytest.mark.parametrize(
    ("flags", "environ", "config", "user", "notice"),
    [
        (ModelFlags(), {}, file(), file(), f"no model server is set up, so answers are simulated; {GO_REAL}"),
        (
            ModelFlags(),
            {"OPENAI_API_KEY": ""},
            file(),
            file(),
            f"no model server is set up, so answers are simulated; {GO_REAL}",
        ),
        (ModelFlags(offline=True), OPENAI_KEY, file(), file(), "answers are simulated (--offline)"),
        (ModelFlags(offline=True, base_url=FLAG), {}, file(), file(), "answers are simulated (--offline)"),
        (
            ModelFlags(),
            OPENAI_KEY | {"ALOMA_OFFLINE": "1"},
            file(offline=False),
            file(),
            "answers are simulated (ALOMA_OFFLINE)",
        ),
        (ModelFlags(), OPENAI_KEY, file(offline=True), file(), "answers are simulated (`offline` in aloma.yaml)"),
        (
            ModelFlags(),
            OPENAI_KEY,
            file(),
            file("/u/config.yaml", offline=True),
            "answers are simulated (`offline` in /u/config.yaml)",
        ),
    ],
)  # fmt: skip  (a table)
def test_simulated_answers_are_chosen_and_announced(
    flags: ModelFlags, environ: dict[str, str], config: Config, user: Config, notice: str
) -> None:
    choice = choose(flags, environ, config, user)
    assert (choice.settings.offline, choice.settings.api_key, choice.notice) == (True, None, notice)
    with pytest.raises(CredentialsError, match=r"^--require-real: ") as caught:
        choose(dataclasses.replace(flags, require_real=True), environ, config, user)
    assert "so answers are simulated" not in str(caught.value), "none are: it refuses"
    assert caught.value.hint == GO_REAL


def test_require_real_lets_a_real_server_be() -> None:
    assert not choose(ModelFlags(require_real=True), OPENAI_KEY).settings.offline


@pytest.mark.parametrize(
    ("flags", "environ", "config", "who"),
    [
        (ModelFlags(offline=False), {}, file(), "--offline"),
        (ModelFlags(), {"ALOMA_OFFLINE": "no"}, file(), "ALOMA_OFFLINE"),
        (ModelFlags(), {}, file(offline=False), "`offline` in aloma.yaml"),
    ],
)
def test_where_simulation_is_switched_off_a_missing_server_is_an_error(
    flags: ModelFlags, environ: dict[str, str], config: Config, who: str
) -> None:
    with pytest.raises(CredentialsError) as caught:
        choose(flags, environ, config)
    assert (str(caught.value), caught.value.hint) == (f"no model server is set up, and {who} requires one", GO_REAL)


@pytest.mark.parametrize("config", [file(api_key_env=NAMED), file(base_url=FILE, api_key_env=NAMED)])
def test_a_named_key_that_is_not_there_is_an_error_and_no_reason_to_simulate(config: Config) -> None:
    with pytest.raises(CredentialsError) as caught:
        choose(environ=OPENAI_KEY, config=config)
    assert str(caught.value) == "LOCAL_KEY is not set, and `openai.api_key_env` in aloma.yaml names it"
    assert caught.value.hint == "`export LOCAL_KEY=…`, or `--offline` for simulated answers"


def test_a_key_that_was_not_sent_is_told_with_the_way_to_send_it() -> None:
    assert choose(environ=OPENAI_KEY, config=file(base_url=FILE)).notice == (
        "OPENAI_API_KEY is not sent to http://file/v1, which aloma.yaml names; "
        "if it is meant for that server, write `api_key_env: OPENAI_API_KEY` under `openai:` there"
    )
    assert choose(config=file(base_url=FILE)).notice is None
    assert choose(environ=OPENAI_KEY).notice is None


def test_values_that_make_no_sense_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"^ALOMA_OFFLINE is 'maybe' in the environment$"):
        choose(environ={"ALOMA_OFFLINE": "maybe"})
    with pytest.raises(ConfigError, match=r"^OPENAI_BASE_URL is 'localhost' in the environment, which is not a URL$"):
        choose(environ={"OPENAI_BASE_URL": "localhost"})
    with pytest.raises(InputError, match=r"^--base-url 'ftp://a' is not a URL$"):
        choose(ModelFlags(base_url="ftp://a"))


def test_model_names_merge_by_name_and_a_typed_model_answers_for_all_of_them() -> None:
    config, user = Config(models={"gpt-4": "a", "default": "b"}), Config(models={"gpt-4": "c", "gpt-5": "d"})
    assert choose(config=config, user=user).settings.models == {"gpt-4": "a", "gpt-5": "d", "default": "b"}
    environ = {"OPENAI_MODEL": "e"}
    assert choose(environ=environ, config=config).settings.models == {"gpt-4": "a", "default": "e"}
    assert choose(ModelFlags(), environ, config).settings.models == {"gpt-4": "a", "default": "e"}
    assert choose(ModelFlags(model="f"), environ, config).settings.model == "f"


def test_limits_come_from_the_nearest_file_that_names_them(tmp_path: Path) -> None:
    config = Config(providers=openai(timeout=5, max_retries=0), responses="answers")
    user = Config(providers=openai(timeout=9, max_retries=7, concurrency=3))
    settings = choose(ModelFlags(delay=0.5), config=config, user=user, root=tmp_path).settings
    assert (settings.timeout, settings.max_retries, settings.concurrency) == (5, 0, 3)
    assert (settings.responses, settings.delay) == (tmp_path / "answers", 0.5)
    assert choose().settings == ModelSettings(offline=True)
