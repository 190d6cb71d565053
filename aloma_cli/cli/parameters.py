"""What a command takes, read from its signature; and the words typed after it, taken as that.

    def show(task: Annotated[str | None, Argument("[ID]", "…")] = None,
             as_json: Annotated[bool, Option(("--json",), "…")] = False,
             models: Annotated[ModelFlags, Group.of(model_flags)]) -> int: ...

A `Group` stands for the options that its maker has as parameters; the command gets what the maker returns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType, UnionType
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
    """A parameter of a command. `kind`: its type, such as `str`, `bool` or `list[str]`, without None.

    `part`: that of the option, else of its group.
    """

    name: str
    kind: Any
    declared: Argument | Option
    default: Any = None
    part: str = ""

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
        own, groups = [], {}
        # The module `inspect` would give the same, but takes a tenth of the time of a command to import.
        made: Any = vars(maker).get("__init__", maker)
        positional = made.__code__.co_varnames[: made.__code__.co_argcount]
        given = dict(zip(reversed(positional), reversed(made.__defaults__ or ()), strict=False))
        defaults = {**given, **(made.__kwdefaults__ or {})}
        hints = get_type_hints(maker, include_extras=True)
        hints.pop("return", None)
        for name, hint in hints.items():
            kind, declared = hint.__origin__, hint.__metadata__[0]
            if isinstance(declared, Group):
                groups[name] = declared
                continue
            if isinstance(kind, UnionType):
                kind = get_args(kind)[0]  # the other is None
            own.append(
                Parameter(name, kind, declared, defaults.get(name, REQUIRED), getattr(declared, "part", "") or part)
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


def parse(parameters: Iterable[Parameter], words: Sequence[str]) -> dict[str, Any] | None:
    """The values that `words` give; None for whatever is not plainly right: `--help`, mistakes, rare spellings."""
    options = {name: one for one in parameters if isinstance(one.declared, Option) for name in one.declared.names}
    arguments = [one for one in parameters if isinstance(one.declared, Argument)]
    values: dict[str, Any] = {one.name: one.default for one in parameters}
    rest = iter(words)
    for word in rest:
        one = options.get(word)
        value: str | None = word
        if one is not None and one.kind is not bool:
            value = next(rest, None)
        elif one is None and arguments and (word == "-" or not word.startswith("-")):
            # A list takes all that are left.
            one = arguments[0] if arguments[0].kind == list[str] else arguments.pop(0)
        if one is None or not _take_value(one, value, values):
            return None
    return None if REQUIRED in values.values() else values


def _take_value(parameter: Parameter, word: str | None, values: dict[str, Any]) -> bool:
    """Whether `word` is plainly a value of `parameter`, which is then in `values`; of a flag it is its name."""
    if word is None:
        return False
    if parameter.kind is bool:
        values[parameter.name] = True
    elif parameter.kind is str:
        values[parameter.name] = word
    elif parameter.kind == list[str]:
        values[parameter.name] = [*(values[parameter.name] or ()), word]
    elif re.fullmatch(_PLAIN_INTEGER, word) and int(word) >= (parameter.min or 0):
        values[parameter.name] = int(word)
    else:
        return False
    return True
