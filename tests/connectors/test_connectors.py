"""The table of connectors, and the small promises around it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from types import SimpleNamespace

import pytest

from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from tests.connectors.support import Recorder, run


def test_the_built_in_connectors_are_there_and_closing_unused_ones_is_fine() -> None:
    async def work() -> dict[str, list[str]]:
        async with aclosing(open_connectors(ModelSettings(), {})) as connectors:
            return {name: sorted(functions) for name, functions in connectors.items()}

    assert run(work()) == {"openai": ["chat", "embed"], "http": ["get", "post", "request"]}


def test_a_workspaces_connector_stands_beside_them_or_takes_the_place_of_one() -> None:
    def double(number: int) -> int:
        return 2 * number

    connectors = open_connectors(ModelSettings(), {"maths": SimpleNamespace(double=double), "http": SimpleNamespace()})

    assert (set(connectors), len(connectors), dict(connectors["http"])) == ({"openai", "http", "maths"}, 3, {})
    assert run(Recorder().call(connectors["maths"]["double"], 4)) == 8


def test_offline_answers_come_through_the_same_function() -> None:
    connectors = open_connectors(ModelSettings(offline=True), {})

    answer = run(Recorder().call(connectors["openai"]["chat"], messages=[], shape={"note": str}))

    assert answer.data == {"note": "(simulated) note"}
    assert answer.model == "aloma-offline"


def test_a_key_is_never_printed() -> None:
    assert "sk-secret" not in repr(ModelSettings(api_key="sk-secret"))


HEAVY = {"openai", "httpx2", "pydantic", "jsonschema", "genai_prices", "json_repair", "yaml"}


@pytest.mark.parametrize(
    ("imports", "heavy"),
    [
        ("from aloma_cli import List; from aloma_cli.connectors.providers.table import BUILT_IN", HEAVY | {"asyncio"}),
        ("from aloma_cli.connectors.table import open_connectors", HEAVY),
    ],
)
def test_importing_markers_names_and_connectors_loads_no_library(imports: str, heavy: set[str]) -> None:
    program = f"{imports}; import sys; found = {heavy!r} & set(sys.modules); assert not found, found"
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
