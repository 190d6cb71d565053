"""A provider is one module, and its line in the table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.connectors.providers.base import Provider
from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.loader.config import Config, ProviderConfig
from aloma_cli.loader.models import ModelChoice, resolve_models
from aloma_cli.loader.secrets import secret_values
from aloma_cli.loader.sources import ModelFlags
from tests.connectors.acme import module
from tests.connectors.support import Recorder, run


@pytest.fixture(autouse=True)
def acme() -> Iterator[None]:
    table: Any = PROVIDERS
    table["acme"] = module()
    yield
    del table["acme"]


def chosen(environ: Mapping[str, str], config: Config | None = None) -> ModelChoice:
    return resolve_models(ModelFlags(), environ, config or Config(), Config(), None)


def test_its_key_chooses_it_and_its_connector_asks_it() -> None:
    settings = chosen({"ACME_KEY": "k", "ACME_MODEL": "m"}).settings
    assert (settings.provider, settings.api_key, dict(settings.models)) == ("acme", "k", {"default": "m"})
    connectors = open_connectors(settings, {})
    assert set(connectors) == {"acme", "http"}
    assert run(Recorder().call(connectors["acme"]["chat"], messages="Hi")).data == "from acme"


def test_the_first_in_the_table_goes_before() -> None:
    assert chosen({"ACME_KEY": "k", "OPENAI_API_KEY": "o"}).settings.provider == "openai"


def test_its_section_names_another_server_and_the_variable_of_its_key() -> None:
    config = Config(providers={"acme": ProviderConfig(base_url="http://here/v1", api_key_env="MINE")})
    settings = chosen({"MINE": "k", "ACME_KEY": "other"}, config).settings
    assert (settings.provider, settings.base_url, settings.api_key) == ("acme", "http://here/v1", "k")


def test_simulated_answers_stand_in_for_each_provider() -> None:
    connectors = open_connectors(ModelSettings(offline=True), {})
    assert set(connectors) == {"openai", "acme", "http"}


def test_the_login_in_its_variable_is_a_secret() -> None:
    secrets = secret_values({"ACME_URL": "http://me:hunter22@acme.test/v1"}, [Config()])
    assert "hunter22" in [value for _, value in secrets]


def test_its_section_is_read_and_its_key_is_kept_secret(tmp_path: Path) -> None:
    """In a process of its own, in which the table has the line from the start."""
    (tmp_path / "steps").mkdir()
    (tmp_path / "aloma.yaml").write_text("acme: {timeout: 9, api_key_env: MINE}\n")
    program = """
import pathlib, sys
from aloma_cli.connectors.providers import table
from tests.connectors.acme import module
table.PROVIDERS["acme"] = module()
from aloma_cli.errors import ConfigError
from aloma_cli.loader.workspace import load_workspace
root = pathlib.Path(sys.argv[1])
loaded = load_workspace(root, root, {"ACME_KEY": "key-one-1234", "MINE": "key-two-1234"})
assert loaded.config.providers["acme"].timeout == 9
assert {value for _, value in loaded.secrets} == {"key-one-1234", "key-two-1234"}
for file in ("acme: {api_key: x}", "environment: {ACME_KEY: x}"):
    (root / "aloma.yaml").write_text(file)
    try:
        load_workspace(root, root, {})
    except ConfigError as error:
        print(error.hint)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    hint = "run `export ACME_KEY=…`, or name another variable in `acme.api_key_env`"
    assert (done.stderr, done.stdout.splitlines()) == ("", [hint, hint])


@pytest.mark.parametrize("name", [*PROVIDERS])
def test_each_module_holds_what_a_provider_does(name: str) -> None:
    provider: Provider = PROVIDERS[name]
    assert all(isinstance(getattr(provider, word), str) for word in Provider.__annotations__)
    assert callable(provider.open)
