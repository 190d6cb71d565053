from __future__ import annotations

import pytest

from aloma_cli.testing.play import Home, Play
from aloma_cli.testing.script import Script
from tests.testing.steps import STEPS, ledger


@pytest.fixture
def home() -> Home:
    return Home.of(STEPS, ledger=ledger)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def play(home: Home, script: Script) -> Play:
    return Play(home, script)
