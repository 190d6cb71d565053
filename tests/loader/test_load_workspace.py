"""A workspace as a whole: libraries, connectors, `config`, and what is broken."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from aloma_cli.connectors.providers.table import BUILT_IN
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.errors import ConfigError, PermanentError, StepError
from aloma_cli.loader.environment import Environment
from aloma_cli.loader.workspace import LoadedWorkspace, load_workspace
from aloma_cli.redact import Redactor

Write = Callable[[str, str], Path]

STEP = "condition = {}\ndef content(data): ...\n"


def load(root: Path, **environ: str) -> LoadedWorkspace:
    return load_workspace(None, root, environ)


def test_a_workspace_is_read_whole(root: Path, write: Write) -> None:
    write("aloma.yaml", "name: Shop\nenvironment: {REGION: eu}")
    write("steps/orders/ship.py", STEP)
    write("libraries/prices.py", "def total(items): return sum(items)")
    write("connectors/slack.py", "async def send(text): ...")
    workspace = load(root)
    workspace.check()
    assert (workspace.root, workspace.config.name) == (root, "Shop")
    assert list(workspace.steps) == ["orders/ship"]
    assert workspace.lib.prices.total([1, 2]) == 3
    assert list(workspace.connector_modules) == ["slack"]
    assert workspace.environment("REGION") == "eu"


def test_a_workspace_made_in_memory_is_empty_and_sound() -> None:
    workspace = LoadedWorkspace()
    workspace.check()
    assert (workspace.root, workspace.steps, dir(workspace.lib)) == (None, {}, [])


def test_libraries_of_two_workspaces_are_not_shared(root: Path, write: Write, tmp_path: Path) -> None:
    write("libraries/shared.py", "seen = []")
    first, second = load(root), load(root)
    first.lib.shared.seen.append(1)
    assert second.lib.shared.seen == []


def test_an_unknown_library_is_told_the_known_ones(root: Path, write: Write) -> None:
    with pytest.raises(AttributeError, match=r"^no library `prices`: libraries/ has no modules$"):
        _ = load(root).lib.prices
    write("libraries/prices.py", "")
    write("libraries/dates.py", "")
    with pytest.raises(
        AttributeError, match=r"^no library `price`: the libraries are dates, prices \(did you mean `prices`\?\)$"
    ):
        _ = load(root).lib.price


def test_lib_can_be_copied_and_asked_like_any_object(root: Path, write: Write) -> None:
    write("libraries/prices.py", "")
    lib = load(root).lib
    assert copy.copy(lib).prices is lib.prices
    assert not hasattr(lib, "dates")


@pytest.mark.parametrize("folder", ["libraries", "connectors"])
def test_a_broken_helper_is_told_like_a_broken_step(root: Path, write: Write, folder: str) -> None:
    write(f"{folder}/a-b.py", "")
    write(f"{folder}/c.py", "\n1 / 0")
    write(f"{folder}/_private.py", "1 / 0")
    assert [(str(error), error.hint) for error in load(root).broken] == [
        (f"{folder}/a-b.py: 'a-b' is not a valid Python name", "rename it to a_b.py"),
        (f"{folder}/c.py:2: ZeroDivisionError: division by zero", None),
    ]


def test_the_built_in_connectors_are_all_known() -> None:
    opened = set(open_connectors(ModelSettings(offline=True), {}))
    assert opened | {"mcp"} == set(BUILT_IN), "mcp is there if aloma.yaml names a server"


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_connector_may_not_hide_a_built_in_one(root: Path, write: Write, name: str) -> None:
    write(f"connectors/{name}.py", "")
    with pytest.raises(ConfigError) as caught:
        load(root)
    assert str(caught.value) == f"connectors/{name}.py: the connector `{name}` is built in"


def test_check_raises_the_only_error_as_it_is(root: Path, write: Write) -> None:
    write("steps/a.py", STEP)
    write("steps/b.py", "1 / 0")
    workspace = load(root)
    with pytest.raises(StepError) as caught:
        workspace.check()
    assert caught.value is workspace.broken[0]
    assert list(workspace.steps) == ["a"]


def test_check_raises_the_first_of_several_errors_and_counts_the_others(root: Path, write: Write) -> None:
    for name in ("a", "b", "c"):
        write(f"steps/{name}.py", "retries = 3")
    with pytest.raises(StepError) as caught:
        load(root).check()
    assert (
        str(caught.value) == "steps/a.py:1: a step has no option `retries` (and 2 more; `aloma step check` shows all)"
    )
    assert caught.value.hint == "did you mean `retry`?"


def test_the_environment_wins_over_aloma_yaml() -> None:
    config = Environment(({"REGION": "us", "EMPTY": ""}, {"REGION": "eu", "PORT": "1", "EMPTY": "x"}))
    assert (config("REGION"), config("PORT"), config("EMPTY")) == ("us", "1", "")


def test_a_default_is_taken_only_where_there_is_no_value() -> None:
    config = Environment(({"REGION": "us"},))
    assert config("REGION", "eu") == "us"
    assert config("PORT", None) is None
    assert config("PORT", 80) == 80


def test_a_missing_value_says_where_to_set_it() -> None:
    with pytest.raises(PermanentError) as caught:
        Environment(({}, {"REGION": "eu"}))("REGOIN")
    assert str(caught.value) == 'config("REGOIN") has no value'
    assert caught.value.hint == (
        "did you mean `REGION`?; run `aloma secret set REGOIN`, or `export REGOIN=…`, "
        "or set it under `environment:` in aloma.yaml"
    )


def test_a_login_in_an_address_is_hidden_before_any_file_runs(root: Path, write: Write) -> None:
    write("aloma.yaml", "openai: {base_url: 'http://me:hunter2hunter2@127.0.0.1/v1'}")
    write("steps/a.py", f"print('hunter2hunter2')\n{STEP}")
    hidden: list[Redactor] = []
    assert load_workspace(None, root, {}, hide=hidden.append).broken == ()
    assert [redactor.text("hunter2hunter2") for redactor in hidden] == ["«secret:base-url-password»"]
