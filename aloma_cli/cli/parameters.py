"""What a command takes, read from its signature; and the words typed after it, taken as that.

    def show(task: Annotated[str | None, Argument("[ID]", "…")] = None,
             as_json: Annotated[bool, Option(("--json",), "…")] = False,
             models: Annotated[ModelFlags, Group.of(model_flags)]) -> int: ...

A `Group` stands for the options that its maker has as parameters; the command gets what the maker returns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import NoneType, UnionType
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
    """Options that several commands share, and what makes one value of theirs."""

    options: tuple[Parameter, ...]
    make: Callable[..., object]

    @classmethod
    def of(cls, maker: Callable[..., object], part: str = "") -> Group:
        """The options that `maker` has as parameters; `part`: that of those which name none."""
        return cls(tuple(_in_part(part, one) for one in _parameters_of(maker)), maker)

    def make_from(self, values: dict[str, Any]) -> Any:
        """What the maker returns for those of `values` that are of this group."""
        return self.make(**{option.name: values[option.name] for option in self.options})


def _in_part(part: str, option: Parameter) -> Parameter:
    declared = option.declared
    if isinstance(declared, Argument) or declared.part:
        return option
    return option._replace(declared=declared._replace(part=part))


def parameters_of(command: Callable[..., int]) -> list[Parameter]:
    """All parameters of a command, those of its groups last."""
    declared = [*_declared(command)]
    groups = [one for _, one, _ in declared if isinstance(one, Group)]
    return [*_parameters_of(command), *(option for group in groups for option in group.options)]


def call(command: Callable[..., int], values: dict[str, Any]) -> int:
    """Run a command with values for all its parameters; gives its exit code."""
    groups = {name: group for name, group, _ in _declared(command) if isinstance(group, Group)}
    grouped = {option.name for group in groups.values() for option in group.options}
    own = {name: value for name, value in values.items() if name not in grouped}
    return command(**own, **{name: group.make_from(values) for name, group in groups.items()})


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


def _parameters_of(function: Any) -> Iterator[Parameter]:
    made: Any = vars(function)["__init__"] if isinstance(function, type) else function
    given = made.__defaults__ or ()
    named = made.__code__.co_varnames[made.__code__.co_argcount - len(given) :]
    defaults = {**dict(zip(named, given, strict=False)), **(made.__kwdefaults__ or {})}
    for name, declared, kind in _declared(function):
        if not isinstance(declared, Group):
            yield Parameter(name, _without_none(kind), declared, defaults.get(name, REQUIRED))


def _without_none(kind: Any) -> Any:
    return next(one for one in get_args(kind) if one is not NoneType) if isinstance(kind, UnionType) else kind


def _declared(function: Any) -> Iterator[tuple[str, Argument | Option | Group, Any]]:
    """Each parameter with what is declared of it, and its type."""
    # The module `inspect` would tell the same, but takes a tenth of the time of a command to import.
    for name, hint in get_type_hints(function, include_extras=True).items():
        if name != "return":
            yield name, hint.__metadata__[0], hint.__origin__
