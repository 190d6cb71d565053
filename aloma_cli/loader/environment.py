"""`config`: the environment of a workspace, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, overload

from aloma_cli.errors import PermanentError, did_you_mean
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")
_REQUIRED: object = object()


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class Environment:
    """The parameter `config` of steps: `config("NAME")` is the first value found in `sources`."""

    _sources: tuple[Mapping[str, str], ...] = ()

    @overload
    def __call__(self, name: str) -> str: ...
    @overload
    def __call__(self, name: str, default: _T) -> str | _T: ...
    def __call__(self, name: str, default: object = _REQUIRED) -> object:
        """The value of `name`, else `default`. Raises PermanentError if there is neither."""
        for source in self._sources:
            if name in source:
                return source[name]
        if default is _REQUIRED:
            raise PermanentError(f'config("{name}") has no value', hint=self._missing_hint(name))
        return default

    def _missing_hint(self, name: str) -> str:
        # The first source is the process environment, where a similar name would be a coincidence.
        known = [key for source in self._sources[1:] for key in source]
        cure = f"run `aloma secret set {name}`, or `export {name}=…`, or set it under `environment:` in aloma.yaml"
        return "; ".join(filter(None, [did_you_mean(name, known), cure]))
