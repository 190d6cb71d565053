"""A task's data from YAML.

As in YAML 1.2, only `true` and `false` are booleans, and only JSON's numbers are numbers. A date, `12:30`, `yes` and
`010` are strings. Whatever JSON cannot express is invalid.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from aloma_cli.errors import InputError
from aloma_cli.jsontext import MAX_DEPTH, Json, JsonError, JsonObject, dumps, loads
from aloma_cli.loader.yaml import compose, decode

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Reads nodes as written, without converting them to Python values."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (as in the base class)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
            raise _RefusedError(event, f"`*{event.anchor}` is an alias, which JSON does not have; repeat the value")
        return super().compose_node(parent, index)


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("float", r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|nan)", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"(?:{_pattern})$"), _first)


def load_yaml(content: bytes, source: str) -> Json:
    """The value of a YAML text. Raises InputError naming `source` and the line."""
    try:
        node = compose(decode(content, source, InputError), source, InputError, _Loader)
        return None if node is None else loads(dumps(_yaml_value(node)))
    except _RefusedError as refused:
        raise InputError(f"{source}:{refused.line}: {refused}") from None
    except RecursionError:
        raise InputError(f"{source}: nested deeper than {MAX_DEPTH} levels") from None
    except JsonError as error:
        raise InputError(f"{source}: {error}") from None


class _RefusedError(Exception):
    """YAML that is not JSON, at `where`: an event or a node."""

    def __init__(self, where: Any, problem: str) -> None:
        super().__init__(problem)
        self.line: int = where.start_mark.line + 1


def _yaml_value(node: Any) -> Json:
    match node.tag.removeprefix(_TAG), node:
        case "str", yaml.ScalarNode():
            return node.value
        case "null", yaml.ScalarNode():
            return None
        case "bool" | "int" | "float", yaml.ScalarNode():
            return _literal(node)
        case "seq", yaml.SequenceNode():
            return [_yaml_value(item) for item in node.value]
        case "map", yaml.MappingNode():
            return _mapping(node)
        case tag, _:
            raise _RefusedError(node, f"JSON has no type `{tag}`")


def _literal(node: Any) -> Json:
    try:
        return loads(node.value.lower())
    except JsonError:
        raise _RefusedError(node, f"JSON does not allow `{node.value}`") from None


def _mapping(node: Any) -> JsonObject:
    result: JsonObject = {}
    for key, item in node.value:
        if key.tag != f"{_TAG}str":
            written = f"`{key.value}`" if isinstance(key, yaml.ScalarNode) else f"(a {key.id})"
            raise _RefusedError(key, f"the key {written} is not a string; put it in quotes")
        if key.value in result:
            raise _RefusedError(key, f"the key {key.value!r} appears twice in one mapping")
        result[key.value] = _yaml_value(item)
    return result
