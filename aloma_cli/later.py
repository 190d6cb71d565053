"""Modules that are imported when they are first used: one for each feature that most runs do without."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any


class Later:
    """The module `name`. Only the first use of one of its attributes imports it.

        if TYPE_CHECKING:
            from aloma_cli.engine import requests
        else:
            requests = Later("aloma_cli.engine.requests")

    So a type checker, and the check of the layers, see an ordinary import.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._module: ModuleType | None = None

    def __getattr__(self, attribute: str) -> Any:
        if self._module is None:
            self._module = import_module(self._name)
        return getattr(self._module, attribute)
