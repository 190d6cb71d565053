"""Named servers in aloma.yaml: what may be written, which of them is the default, and which key goes where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.kinds import KINDS
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import ConfigError, CredentialsError
from aloma_cli.loader.answering import Answering, Past
from aloma_cli.loader.config import Config, ProviderConfig
from aloma_cli.loader.config_files import read_config
from aloma_cli.loader.models import resolve_models
from aloma_cli.loader.sources import ModelFlags

Write = Callable[[str, str], Path]
LOCAL, OTHER = "http://127.0.0.1:11434/v1", "http://10.0.0.2/v1"


@pytest.fixture
def chosen(root: Path, write: Write) -> Callable[..., ModelSettings]:
    """The settings for `text` in aloma.yaml, the environment, flags and a past."""

    def chosen(text: str, *, past: Past | None = None, stored: Any = None, **environ: Any) -> ModelSettings:
        return choose(read(root, write, text), past=past, stored=stored, **environ)

    return chosen


def read(root: Path, write: Write, text: str) -> Config:
    write("aloma.yaml", text)
    return read_config(root)


def choose(
    config: Config,
    user: Config | None = None,
    *,
    flags: ModelFlags | None = None,
    past: Past | None = None,
    stored: Any = None,
    **environ: Any,
) -> ModelSettings:
    return resolve_models(
        flags or ModelFlags(), environ, config, user or Config(), None, past or Past(), stored=stored or {}
    ).settings


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].url])
def test_the_name_of_a_kind_is_enough(chosen: Callable[..., ModelSettings], kind: str) -> None:
    variable = KINDS[kind].key
    settings = chosen(f"providers: {{{kind}: {{}}}}", **({variable: "the-key"} if variable else {}))
    assert (settings.base_url, settings.kind, settings.name) == (KINDS[kind].url, kind, kind)
    assert (settings.api_key, settings.offline) == ("the-key" if variable else None, False)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{local: {}}", "aloma.yaml:1: `providers.local` needs a base_url", "kind: openai"),
        ("{olama: {}}", "aloma.yaml:1: `providers.olama` needs a base_url", "did you mean `ollama`?"),
        ("{azure: {}}", "aloma.yaml:1: `providers.azure` needs a base_url", "https://NAME.openai.azure.com"),
        ("{x: {kind: olama}}", "aloma.yaml:1: `providers.x.kind` is 'olama', which is not a known", "`ollama`?"),
        ("{x/y: {kind: ollama}}", "aloma.yaml:1: `providers.x/y` is not a name for a provider", "without /"),
        ("{ollama: {api_version: '1'}}", "aloma.yaml:1: `providers.ollama` has an api_version", ""),
        ("{ollama: {api_key: x}}", "aloma.yaml:1: `providers.ollama.api_key` is a secret", "api_key_env"),
        ("{ollama: {url: x}}", "aloma.yaml:1: `providers.ollama.url` is an unknown setting", "base_url"),
        (
            "{openai: {}}\nopenai: {timeout: 3}",
            "aloma.yaml: `openai` and `providers.openai` configure the same provider",
            "keep one",
        ),
    ],
)
def test_what_cannot_be_a_provider_is_refused(root: Path, write: Write, text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(root, write, f"providers: {text}")
    assert str(caught.value).startswith(message)
    assert hint in str(caught.value.hint or "")


def test_azure_is_addressed_by_its_resource(chosen: Callable[..., ModelSettings]) -> None:
    at = "base_url: 'https://acme.openai.azure.com{}', api_key_env: K"
    for end in ("", "/", "/openai", "/openai/v1/"):
        new = chosen(f"providers: {{azure: {{{at.format(end)}}}}}", K="k")
        old = chosen(f"providers: {{azure: {{{at.format(end)}, api_version: 2024-10-21}}}}", K="k")
        assert new.base_url == "https://acme.openai.azure.com/openai/v1"
        assert (old.base_url, old.api_version) == ("https://acme.openai.azure.com/openai", "2024-10-21")


def test_the_first_named_server_is_the_default_unless_another_setting_names_one(
    chosen: Callable[..., ModelSettings], root: Path, write: Write
) -> None:
    two = "providers: {ollama: {}, openai: {}}\n"
    assert chosen(two, OPENAI_API_KEY="k").name == "ollama"
    assert chosen("providers: {openai: {}, ollama: {}}", OPENAI_API_KEY="k").name == "openai"
    assert chosen(f"{two}models: {{default: m}}", OPENAI_BASE_URL=OTHER).base_url == OTHER
    old = chosen(f"providers: {{ollama: {{}}}}\nopenai: {{base_url: '{OTHER}'}}")
    assert (old.base_url, old.name, [*old.servers]) == (OTHER, None, ["ollama"])
    assert choose(Config(), read(root, write, two), OPENAI_API_KEY="k").name == "ollama", "the user's"


def test_a_key_goes_to_the_server_that_it_was_given_for(chosen: Callable[..., ModelSettings]) -> None:
    text = """
    providers:
      mine: {kind: openrouter, base_url: 'http://mine/v1'}
      router: {kind: openrouter}
      own: {base_url: 'http://own/v1', api_key_env: OWN_KEY}
    """
    settings = chosen(text, OPENROUTER_API_KEY="or", OPENAI_API_KEY="oa", OWN_KEY="own")
    assert {name: one.api_key for name, one in settings.servers.items()} == {"mine": None, "router": "or", "own": "own"}
    assert {"or", "own"} <= {value for _, value in settings.secrets}


def test_a_key_may_be_a_secret_of_the_workspace(chosen: Callable[..., ModelSettings]) -> None:
    text = "providers: {openrouter: {}, own: {base_url: 'http://own/v1', api_key_env: OWN_KEY}}"
    stored = {"OPENROUTER_API_KEY": "stored", "OWN_KEY": "stored too"}
    settings = chosen(text, stored=stored, OWN_KEY="from the environment")
    assert [one.api_key for one in settings.servers.values()] == ["stored", "from the environment"]
    assert chosen("", stored={"OPENAI_API_KEY": "k"}).api_key == "k"


def test_the_workspaces_server_replaces_the_users_of_the_same_name_as_a_whole(root: Path, write: Write) -> None:
    user = read(root, write, f"providers: {{local: {{base_url: '{LOCAL}', api_key_env: K}}}}")
    config = read(root, write, f"providers: {{local: {{base_url: '{OTHER}'}}}}")
    settings = choose(config, user, K="the-users-key")
    assert (settings.base_url, settings.api_key) == (OTHER, None)


def test_a_default_without_its_key_is_an_error_and_no_reason_to_simulate(chosen: Callable[..., ModelSettings]) -> None:
    with pytest.raises(CredentialsError, match="OPENROUTER_API_KEY is not set") as caught:
        chosen("providers: {openrouter: {}}")
    assert "aloma secret set OPENROUTER_API_KEY" in str(caught.value.hint)
    assert not chosen("providers: {ollama: {}, openrouter: {}}").offline


def test_a_server_given_as_a_flag_answers_all_calls_by_itself(root: Path, write: Write) -> None:
    config = read(root, write, "providers: {ollama: {}}\nmodels: {gpt-4: ollama/qwen, x: org/y}\nfallbacks: [x]")
    settings = choose(config, flags=ModelFlags(base_url=OTHER, model="ollama/m"))
    assert (settings.base_url, dict(settings.servers), dict(settings.fallbacks)) == (OTHER, {}, {})
    assert (settings.model, dict(settings.models)) == ("m", {"gpt-4": "qwen", "x": "org/y"})


def test_fallbacks_are_for_all_names_or_for_some(root: Path, write: Write) -> None:
    assert read(root, write, "fallbacks: [a, b/c]").fallbacks == {"*": ("a", "b/c")}
    user = read(root, write, "providers: {ollama: {}}\nfallbacks: {m: [x], n: [y]}")
    config = read(root, write, "fallbacks: {m: [z]}")
    assert choose(config, user).fallbacks == {"m": ("z",), "n": ("y",)}


# -- a task keeps its servers ----------------------------------------------------------------------------------------


def past_of(settings: ModelSettings) -> Past:
    kept = asdict(Answering.of(settings, None))
    return Past(Answering.from_json(kept), real=True)


def test_a_task_keeps_its_default_by_name_and_says_where_it_went(chosen: Callable[..., ModelSettings]) -> None:
    text = f"providers: {{local: {{base_url: '{LOCAL}', api_key_env: K}}, ollama: {{}}}}\nmodels: {{gpt-4: local/q}}"
    past = past_of(chosen(text, K="k"))
    assert "'k'" not in str(past.kept)
    moved = chosen(text.replace(LOCAL, OTHER).replace("providers: {", "providers: {vllm: {}, "), past=past, K="k")
    assert (moved.name, moved.base_url, moved.api_key) == ("local", OTHER, "k")
    assert past.kept is not None
    told = past.kept.changes_to(Answering.of(moved, None))
    assert f"model server local changed: {LOCAL} → {OTHER}" in told


def test_a_server_that_only_the_record_names_gets_no_key(chosen: Callable[..., ModelSettings]) -> None:
    past = past_of(chosen(f"providers: {{ollama: {{}}, b: {{base_url: '{OTHER}', api_key_env: K}}}}", K="k"))
    settings = chosen("providers: {ollama: {}}", past=past, K="k")
    assert (settings.servers["b"].base_url, settings.servers["b"].api_key) == (OTHER, None)


def test_a_server_that_has_another_name_now_is_known_by_its_address(chosen: Callable[..., ModelSettings]) -> None:
    text = f"providers: {{ollama: {{}}, b: {{base_url: '{OTHER}', api_key_env: K}}}}"
    settings = chosen(text.replace("b: {", "c: {"), past=past_of(chosen(text, K="k")), K="k")
    assert (settings.servers["b"].api_key, settings.servers["b"].name) == ("k", "b")


def test_a_task_that_was_run_with_one_server_alone_keeps_to_it(chosen: Callable[..., ModelSettings]) -> None:
    """Also one from a program that knew no named servers."""
    past = Past(Answering.from_json({"server": OTHER, "models": {"gpt-4": "m"}}), real=True)
    settings = chosen("providers: {ollama: {}}\nmodels: {other: ollama/qwen}\nfallbacks: [ollama/qwen]", past=past)
    assert (settings.base_url, dict(settings.servers), dict(settings.fallbacks)) == (OTHER, {}, {})
    assert settings.models == {"gpt-4": "m", "other": "qwen"}


# -- the law of keys -------------------------------------------------------------------------------------------------

KEYS = ("K1", "K2", "OPENAI_API_KEY", "OPENROUTER_API_KEY")
SECTIONS = st.builds(
    lambda kind, url, key: ProviderConfig(
        kind=kind, base_url=url or (None if KINDS.get(kind) else "http://one/v1"), api_key_env=key
    ),
    st.sampled_from(["openai", "ollama", "openrouter", "compatible"]),
    st.sampled_from([None, "http://one/v1", "http://two/v1"]),
    st.sampled_from([None, *KEYS]),
)
FILES = st.dictionaries(st.sampled_from(["a", "b", "openai"]), SECTIONS, max_size=3)


@given(workspace=FILES, user=FILES, keys=st.sets(st.sampled_from(KEYS)), typed=st.booleans(), url=st.booleans())
def test_no_server_gets_a_key_that_was_given_for_another(
    workspace: dict[str, ProviderConfig], user: dict[str, ProviderConfig], keys: set[str], typed: bool, url: bool
) -> None:
    files = (Config(providers=workspace), Config(file="user", providers=user))
    environ = {name: f"value of {name}" for name in keys} | ({"OPENAI_BASE_URL": OTHER} if url else {})
    flags = ModelFlags(api_key="typed" if typed else None)
    try:
        settings = resolve_models(flags, environ, files[0], files[1], None).settings
    except CredentialsError:
        return
    assert settings.api_key != "typed" or typed
    for one in [settings, *settings.servers.values()]:
        variable = (one.api_key or "").removeprefix("value of ")
        said = [section for file in files if (section := file.providers.get(one.name or ""))][:1]
        meant = {section.api_key_env for section in said if section.base_url in (None, one.base_url)}
        usual = next((kind.key for kind in KINDS.values() if kind.url == one.base_url), None)
        # A server without a name is OpenAI's, or the one in the environment: both get the keys of its section.
        plain = (
            {"OPENAI_API_KEY", *(file.providers["openai"].api_key_env for file in files if "openai" in file.providers)}
            if not one.name
            else set()
        )
        assert variable in {"", "typed" if one is settings else "", usual, *meant, *plain}
