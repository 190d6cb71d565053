"""A task's data from YAML: whatever is not plain JSON in disguise is refused rather than guessed."""

from __future__ import annotations

from typing import Any

import yaml

from aloma_cli.errors import InputError
from aloma_cli.jsontext import Json, JsonError, dumps, loads


class _Loader(yaml.SafeLoader):
    """Safe YAML that reads dates and times as the text they were written as."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, (key_node, _) in zip(keys, node.value, strict=True):
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise InputError(f"the key {key!r} at line {line} is no text; put it in quotes")
            if keys.count(key) > 1:
                raise InputError(f"the key {key!r} stands twice in one mapping, at line {line}")
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_yaml(content: bytes, source: str) -> Json:
    """The value of a YAML text. Raises InputError naming `source` and the line."""
    try:
        return loads(dumps(yaml.load(content.decode("utf-8-sig"), _Loader)))  # noqa: S506  (a SafeLoader, see above)
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is not UTF-8: byte {error.start}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{source} is not YAML: {_place(error)}") from None
    except JsonError as error:
        raise InputError(f"{source} holds what JSON cannot say: {error}") from None
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be parsed"
    return f"{problem} at line {mark.line + 1}, column {mark.column + 1}" if mark else problem
