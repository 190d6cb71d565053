"""What a command takes, read from its signature; and the words typed after it, taken as that.

    def show(task: Annotated[str | None, Argument("[ID]", "…")] = None,
             as_json: Annotated[bool, Option(("--json",), "…")] = False,
             models: Annotated[ModelFlags, Group.of(model_flags)]) -> int: ...

A `Group` stands for the options that its maker has as parameters; the command gets what the maker returns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_type_hints

REQUIRED: Any = object()
"""The default of an argument that has none."""

_PLAIN_INTEGER = r"[0-9]{1,15}"


class Argument(NamedTuple):
    """A word in its place. `offers`: what a shell offers for it, a kind of `offers.py` or the words themselves."""

    metavar: str
    help: str
    offers: str | tuple[str, ...] = ()


class Option(NamedTuple):
    """A value after one of `names`; a flag where its type is `bool`. `min`: the least integer. `offers` as above.

    `part`: where a long help lists the name alone, such as `Limits`; "" for what the first screen explains.
    """

    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    min: int | None = None
    offers: str | tuple[str, ...] = ()
    part: str = ""


class Parameter(NamedTuple):
    """A parameter of a command. `kind`: its type, such as `str`, `bool` or `list[str]`, without None."""

    name: str
    kind: Any
    declared: Argument | Option
    default: Any = None

    @property
    def min(self) -> int | None:
        """The least integer that it takes."""
        return self.declared.min if isinstance(self.declared, Option) else None


class Group(NamedTuple):
    """Options that several commands share, and what makes one value of theirs; so is a command with all its options.

    `own`: the options themselves. `groups`: those of which `make` takes a value besides, by its parameters.
    """

    make: Callable[..., Any]
    own: tuple[Parameter, ...]
    groups: Mapping[str, Group] = MappingProxyType({})

    @classmethod
    def of(cls, maker: Callable[..., object], part: str = "") -> Group:
        """The options that `maker` has as parameters; `part`: that of those which name none."""
        own, groups, defaults = [], {}, _defaults_of(maker)
        # The module `inspect` would tell the same, but takes a tenth of the time of a command to import.
        for name, hint in get_type_hints(maker, include_extras=True).items():
            declared = None if name == "return" else hint.__metadata__[0]
            if isinstance(declared, Group):
                groups[name] = declared
            elif declared is not None:
                own.append(
                    Parameter(
                        name, _without_none(hint.__origin__), _in_part(part, declared), defaults.get(name, REQUIRED)
                    )
                )
        return cls(maker, tuple(own), groups)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All of them, those of groups last."""
        return (*self.own, *(one for group in self.groups.values() for one in group.parameters))

    def make_from(self, values: Mapping[str, Any]) -> Any:
        """What the maker returns for those of `values` that are of this group."""
        own = {one.name: values[one.name] for one in self.own}
        return self.make(**own, **{name: group.make_from(values) for name, group in self.groups.items()})


def parameters_of(command: Callable[..., int]) -> tuple[Parameter, ...]:
    """All parameters of a command."""
    return Group.of(command).parameters


def _defaults_of(maker: Any) -> dict[str, Any]:
    made: Any = vars(maker)["__init__"] if isinstance(maker, type) else maker
    given = made.__defaults__ or ()
    named = made.__code__.co_varnames[made.__code__.co_argcount - len(given) :]
    return {**dict(zip(named, given, strict=False)), **(made.__kwdefaults__ or {})}


def _without_none(kind: Any) -> Any:
    return next(one for one in get_args(kind) if one is not NoneType) if isinstance(kind, UnionType) else kind


def _in_part(part: str, declared: Argument | Option) -> Argument | Option:
    return declared if isinstance(declared, Argument) or declared.part else declared._replace(part=part)


def parse(parameters: Iterable[Parameter], words: Sequence[str]) -> dict[str, Any] | None:
    """The values that `words` give; None for whatever is not plainly right: `--help`, mistakes, rare spellings."""
    options = {name: one for one in parameters if isinstance(one.declared, Option) for name in one.declared.names}
    arguments = [one for one in parameters if isinstance(one.declared, Argument)]
    values: dict[str, Any] = {one.name: one.default for one in parameters}
    rest = iter(words)
    loose = []
    for word in rest:
        option = options.get(word)
        if option is None and word.startswith("-") and word != "-":
            return None
        if option is None:
            loose.append(word)
        elif option.kind is bool:
            values[option.name] = True
        elif not _take_value(option, next(rest, None), values):
            return None
    return values if _fill(arguments, loose, values) else None


def _take_value(option: Parameter, word: str | None, values: dict[str, Any]) -> bool:
    """Whether `word` is plainly a value of `option`, which is then in `values`."""
    if word is None:
        return False
    if option.kind is int and re.fullmatch(_PLAIN_INTEGER, word) and int(word) >= (option.min or 0):
        values[option.name] = int(word)
    elif option.kind is str:
        values[option.name] = word
    elif option.kind == list[str]:
        values[option.name] = [*(values[option.name] or ()), word]
    else:
        return False
    return True


def _fill(arguments: list[Parameter], words: list[str], values: dict[str, Any]) -> bool:
    for argument in arguments:
        if argument.kind == list[str]:
            values[argument.name], words = words or argument.default, []
        elif words:
            values[argument.name], *words = words
    return not words and REQUIRED not in values.values()
