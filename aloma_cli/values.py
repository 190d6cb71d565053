"""The decorator of data classes, at a third of what the standard one costs when a module is imported.

The standard decorator compiles six methods for each class, and a command makes over a hundred classes. Here only
`__init__` is compiled, and all classes share the other methods. A type checker sees the standard decorator. It alone
forbids to write into a frozen value: at run time, that would make every new value slower.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  (others import it from here)
else:

    def dataclass(
        *,
        frozen: bool = False,
        eq: bool = True,
        repr: bool = True,  # noqa: A002  (as the standard decorator calls it)
        **options: bool,
    ) -> Callable[[type], type]:
        """As the standard decorator."""

        def decorate(cls: type) -> type:
            own = set(vars(cls))
            cls.__doc__ = cls.__doc__ or cls.__name__  # else the standard decorator writes a signature
            made = dataclasses.dataclass(repr=False, eq=False, **options)(cls)
            shared = {"__repr__": _repr} if repr else {}
            if eq:
                shared |= {"__eq__": _eq, "__hash__": _hash if frozen else None}
            for name in shared.keys() - own:
                setattr(made, name, shared[name])
            return made

        return decorate


@cache
def _key_of(kind: Any) -> Callable[[Any], Any]:
    """What distinguishes two values of a class."""
    return attrgetter(*[field.name for field in dataclasses.fields(kind) if field.compare] or ["__class__"])


def _eq(self: Any, other: Any) -> Any:
    key = _key_of(self.__class__)
    return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash(_key_of(self.__class__)(self))


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (field.name for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"
