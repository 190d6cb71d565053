"""Filling a schema when there is no model: the same for the same prompt, and marked as simulated wherever it is text.

Numbers are the smallest allowed, never a plausible measurement: nobody measured anything.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from aloma_cli.jsontext import Json, JsonObject

MARK = "(simulated)"

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\s-]+")


class Filler:
    """Fills one answer. `facts` are what its texts speak of; `seed` picks among them and among alternatives."""

    def __init__(self, seed: int, facts: Sequence[str]) -> None:
        self._seed = seed
        self._facts = facts
        self._picks = 0
        self._ids: Counter[str] = Counter()

    def fill(self, schema: JsonObject, name: str = "answer") -> Json:
        """A value for `schema`, which a shape was turned into; `name` is the key it stands at."""
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][self._pick(len(schema["enum"]))]
        if "anyOf" in schema:
            return self.fill(schema["anyOf"][0], name)
        return self._fill_kind(schema, name)

    def complete(self, given: Json, schema: JsonObject, name: str = "answer") -> Json:
        """`given`, with what the schema requires and it lacks filled in, at any depth."""
        if isinstance(given, dict) and "properties" in schema:
            wanted = [key for key in schema["properties"] if key in given or key in schema["required"]]
            return given | {key: self._complete_key(given, key, schema["properties"][key]) for key in wanted}
        if isinstance(given, list) and "items" in schema:
            return [self.complete(item, schema["items"], name) for item in given]
        return given

    def _complete_key(self, given: JsonObject, key: str, schema: JsonObject) -> Json:
        if key not in given:
            return self.fill(schema, key)
        alternatives = schema.get("anyOf", [schema])
        return self.complete(given[key], alternatives[0], key)

    def _fill_kind(self, schema: JsonObject, name: str) -> Json:
        match schema.get("type"):
            case "object":
                properties = schema.get("properties") or {"note": {"type": "string"}}
                return {key: self.fill(inner, key) for key, inner in properties.items()}
            case "array":
                return self._list(schema, name)
            case "string":
                return self._string(name)[: schema.get("maxLength")]
            case "integer" | "number":
                return _least(schema)
            case "boolean":
                return False
        return None

    def _list(self, schema: JsonObject, name: str) -> list[Json]:
        size = min(max(schema.get("minItems", 0), 2), schema.get("maxItems", 2))
        item = schema.get("items", {"type": "string"})
        return [self.fill(item, f"{_singular(name)} {place + 1}") for place in range(size)]

    def _string(self, name: str) -> str:
        if name == "id" or name.endswith(("Id", "_id")):
            self._ids[name] += 1
            return f"{'_'.join(_words(name)[:-1] or ['id'])}_{self._ids[name]}"
        words = " ".join(_words(name))
        if not self._facts:
            return f"{MARK} {words}"
        return f"{MARK} {words}: about {self._facts[self._pick(len(self._facts))]}"

    def _pick(self, size: int) -> int:
        self._picks += 1
        return (self._seed + self._picks) % size


def _least(schema: JsonObject) -> Json:
    return schema["minimum"] if "minimum" in schema else min(0, schema.get("maximum", 0))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _HUMP.split(name) if word]


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
