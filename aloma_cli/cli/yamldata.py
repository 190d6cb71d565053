"""A task's data from YAML, which is read as JSON in easier clothes.

As in YAML 1.2 only `true` and `false` are booleans, and only JSON's numbers are numbers: a date, `12:30`, `yes` and
`010` stay the texts they were written as. What JSON has no word for is refused rather than guessed.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from aloma_cli.errors import InputError
from aloma_cli.jsontext import MAX_DEPTH, Json, JsonError, JsonObject, dumps, loads

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Finds out what is written, and makes no values of it."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (as in the base class)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
            raise _refused(event, f"`*{event.anchor}` stands for something written elsewhere; write it out")
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
        node = yaml.compose(content.decode("utf-8-sig"), Loader=_Loader)
        return None if node is None else loads(dumps(_value(node)))
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is not UTF-8: byte {error.start} is 0x{content[error.start]:02x}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{source}{_why(error)}") from None
    except RecursionError:
        raise InputError(f"{source}: nested deeper than {MAX_DEPTH} levels") from None
    except JsonError as error:
        raise InputError(f"{source}: {error}") from None
    except InputError as error:
        raise InputError(f"{source}{error}") from None


def _value(node: Any) -> Json:
    match node.tag.removeprefix(_TAG), node:
        case "str", yaml.ScalarNode():
            return node.value
        case "null", yaml.ScalarNode():
            return None
        case "bool" | "int" | "float", yaml.ScalarNode():
            return _literal(node)
        case "seq", yaml.SequenceNode():
            return [_value(item) for item in node.value]
        case "map", yaml.MappingNode():
            return _object(node)
        case tag, _:
            raise _refused(node, f"JSON has no `{tag}`")


def _literal(node: Any) -> Json:
    try:
        return loads(node.value.lower())
    except JsonError:
        raise _refused(node, f"JSON cannot say `{node.value}`") from None


def _object(node: Any) -> JsonObject:
    result: JsonObject = {}
    for key, item in node.value:
        if key.tag != f"{_TAG}str":
            written = f"`{key.value}`" if isinstance(key, yaml.ScalarNode) else f"(a {key.id})"
            raise _refused(key, f"the key {written} is no text; put it in quotes")
        if key.value in result:
            raise _refused(key, f"the key {key.value!r} stands twice in one mapping")
        result[key.value] = _value(item)
    return result


def _refused(where: Any, problem: str) -> InputError:
    """The error to raise; the source's name is put before it."""
    return InputError(f":{where.start_mark.line + 1}: {problem}")


def _why(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return f": is not YAML: the character #x{error.character:02x} has no place in it"
    context, problem, mark = (getattr(error, name, None) for name in ("context", "problem", "problem_mark"))
    line = f":{mark.line + 1}" if mark else ""
    return f"{line}: is not YAML: {', '.join(part for part in (context, problem) if part)}"
