"""A provider is one module, and its line in the table."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.api.doctor import Doctor
from aloma_cli.clock import SystemClock
from aloma_cli.connectors.check_result import CheckResult
from aloma_cli.connectors.providers.base import Provider
from aloma_cli.connectors.providers.table import PROVIDERS
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.loader.config import Config, ProviderConfig
from aloma_cli.loader.models import ModelChoice, resolve_models
from aloma_cli.loader.origins import origins
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


ACME = {"ACME_KEY": "k", "ACME_MODEL": "large"}


def examined(folder: Path, environ: Mapping[str, str]) -> tuple[list[str], list[CheckResult]]:
    """The servers that doctor knows, and what it finds about them."""
    doctor = Doctor(None, Config(), ModelFlags(), environ, SystemClock(), folder / "honours.json")

    async def all_findings() -> list[CheckResult]:
        return [finding for name in doctor.servers async for finding in doctor.server(name)]

    return [*doctor.servers], asyncio.run(all_findings())


def test_doctor_lets_the_provider_check_its_own_server(tmp_path: Path) -> None:
    asked = []

    async def checkup(settings: ModelSettings, models: Sequence[str], *_: object) -> AsyncIterator[CheckResult]:
        asked.append((settings.api_key, [*models]))
        yield CheckResult("key", "ok", "accepted by acme")

    table: Any = PROVIDERS
    table["acme"].checkup = checkup
    assert examined(tmp_path, ACME) == (["acme"], [CheckResult("key", "ok", "accepted by acme")])
    assert asked == [("k", ["large"])]


def test_doctor_says_that_a_provider_has_no_check(tmp_path: Path) -> None:
    names, [finding] = examined(tmp_path, ACME)
    assert (names, finding.state) == (["acme"], "warning")
    assert finding.says == "Acme has no check, so its server was not called"


def test_the_settings_are_those_of_the_provider_that_is_used(tmp_path: Path) -> None:
    def shown(environ: Mapping[str, str]) -> dict[str, tuple[object, str]]:
        found = origins(tmp_path, ModelFlags(base_url="http://here/v1"), environ, tmp_path / "config.yaml")
        return {one.key: (one.value, one.origin) for one in found}

    both = {**ACME, "OPENAI_MODEL": "small"}
    assert shown(both)["models.default"] == ("large", "environment")
    assert shown({**both, "OPENAI_API_KEY": "o"})["models.default"] == ("small", "environment")
    assert shown(both)["acme.base_url"] == ("http://here/v1", "flag")
    assert shown(both)["acme.api_key_env"] == ("ACME_KEY", "default")
    assert shown({})["openai.base_url"] == ("http://here/v1", "flag")


@pytest.mark.parametrize("name", [*PROVIDERS])
def test_each_module_holds_what_a_provider_does(name: str) -> None:
    provider: Provider = PROVIDERS[name]
    assert all(isinstance(getattr(provider, word), str) for word in Provider.__annotations__)
    assert callable(provider.open)
    assert provider.checkup is None or callable(provider.checkup)
