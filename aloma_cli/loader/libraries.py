"""`lib`: the modules of a workspace's `libraries/`, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aloma_cli.errors import did_you_mean
from aloma_cli.loader.layout import LIBRARIES_FOLDER
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Libraries:
    """The parameter `lib` of steps: `lib.NAME` is the module `libraries/NAME.py`."""

    _modules: Mapping[str, ModuleType]

    def __getattr__(self, name: str) -> ModuleType:
        if name.startswith("_"):  # copy and inspect look these up
            raise AttributeError(name)
        try:
            return self._modules[name]
        except KeyError:
            raise AttributeError(self._unknown(name)) from None

    def __dir__(self) -> list[str]:
        return sorted(self._modules)

    def _unknown(self, name: str) -> str:
        has = f"the libraries are {', '.join(dir(self))}" if self._modules else f"{LIBRARIES_FOLDER}/ has no modules"
        hint = did_you_mean(name, self._modules)
        return f"no library `{name}`: {has}" + (f" ({hint})" if hint else "")
