"""Fill a schema without a model: the same values for the same prompt, with prose marked as simulated.

No measurement is invented. A percentage is 100, so that no quality gate stops a simulation; any other number is the
smallest allowed. A short string is a name: it is numbered and not marked, because it becomes part of task names.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from aloma_cli.connectors.simulated.keywords import FORMATS, distinct, kind_in, merged, number_for, refuse_unfillable
from aloma_cli.jsontext import Json, JsonObject

MARK = "(simulated)"

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\s-]+")
_LONGEST_NAME = 80

_DEEPEST = 12
"""Levels below which a schema that contains itself is filled as briefly as it allows."""

_SIZES = ((6, 2), (_DEEPEST, 1), (math.inf, 0))
"""The usual size of a list down to a level."""

_SENTENCES = [
    ("summar|overview", ["{} is well understood: the parts agree, and one question is open."]),
    (
        "recommend|action|plan|step|improve|measure|change",
        ["Start {} with a small trial.", "Give {} one owner and one date.", "Review {} again after a month."],
    ),
    (
        "risk|bottleneck|flag|issue|trigger",
        ["{} may take longer than planned.", "Two sources on {} contradict each other."],
    ),
    (
        "insight|finding|result|pattern|connection|implication|outcome",
        ["A few cases make up most of {}.", "Most delay in {} is waiting.", "{} differs more by region than by price."],
    ),
    ("assess|quality|validation|performance|effective", ["The results on {} agree, but rest on few sources."]),
    ("reason|cause|justif|approach|strategy", ["This is the simplest way to move {} forward."]),
]


class Filler:
    """Fills one answer. `topic` is the subject of its texts; `seed` picks among alternatives."""

    def __init__(self, seed: int, topic: str | None = None) -> None:
        self._seed = seed
        self._topic = topic
        self._picks = 0
        self._named: Counter[str] = Counter()
        self._root: JsonObject = {}
        self._depth = 0

    def fill(self, schema: JsonObject, name: str = "answer") -> Json:
        """A value for the `schema` of an answer; `name` is its key.

        Raises ConnectorError for a keyword that cannot be met without a model.
        """
        self._root = schema
        return self._fill(schema, name)

    def complete(self, given: Json, schema: JsonObject) -> Json:
        """`given`, with the missing values that the schema requires, at any depth."""
        self._root = schema
        return self._complete(given, schema, "answer")

    def _complete(self, given: Json, schema: Json, name: str) -> Json:
        schema = merged(schema, self._root)
        properties = schema.get("properties", {})
        if isinstance(given, dict):
            wanted = [key for key in properties if key in given or key in schema.get("required", ())]
            return given | {
                key: self._complete(given[key], properties[key], key)
                if key in given
                else self._fill(properties[key], key)
                for key in wanted
            }
        if isinstance(given, list) and "items" in schema:
            return [self._complete(item, schema["items"], name) for item in given]
        return given

    def _fill(self, schema: Json, name: str) -> Json:
        known = merged(schema, self._root, shortest=self._depth > _DEEPEST)
        for word in ("const", "default"):
            if word in known:
                return known[word]
        if known.get("examples"):
            return known["examples"][0]
        if "enum" in known:
            return self._pick(known["enum"])
        refuse_unfillable(known, name)
        self._depth += 1
        try:
            return self._fill_kind(known, name)
        finally:
            self._depth -= 1

    def _fill_kind(self, schema: JsonObject, name: str) -> Json:
        match kind_in(schema):
            case "object":
                return self._fill_object(schema, name)
            case "array":
                return self._fill_list(schema, name)
            case "string":
                return self._string(name, schema)
            case "integer" | "number":
                return number_for(schema)
            case "boolean":
                return False
        return None

    def _fill_object(self, schema: JsonObject, name: str) -> JsonObject:
        known, required = schema.get("properties", {}), schema.get("required", ())
        others = schema.get("additionalProperties", {"type": "string"})
        properties = {**known, **{key: others for key in required if key not in known}}
        if not properties and others is not False:
            properties = {"note": others}
        if self._depth > _DEEPEST:  # a schema that contains itself
            properties = {key: inner for key, inner in properties.items() if key in required}
        return {key: self._fill(inner, _element_name(key, name)) for key, inner in properties.items()}

    def _fill_list(self, schema: JsonObject, name: str) -> list[Json]:
        first, item = schema.get("prefixItems", []), schema.get("items", {"type": "string"})
        usual = 0 if item is False else next(size for depth, size in _SIZES if self._depth <= depth)
        most = schema.get("maxItems", math.inf)
        size = int(min(max(schema.get("minItems", 0), usual, len(first)), most))
        schemas = [*first, *[item] * (size - len(first))][:size]
        values = [self._fill(one, f"{_singular(name)} {place + 1}") for place, one in enumerate(schemas)]
        return distinct(values, schema, name)

    def _string(self, name: str, schema: JsonObject) -> str:
        if schema.get("contentMediaType") == "application/json":
            return "null"
        if "format" in schema:
            return FORMATS[schema["format"]]
        least, longest = schema.get("minLength", 0), schema.get("maxLength")
        text = self._fill_text(name, longest)
        return text if len(text) >= least else text.ljust(least, ".")

    def _fill_text(self, name: str, longest: int | None) -> str:
        words = [word.lower() for word in _HUMP.split(name) if word]
        if name == "id" or name.endswith(("Id", "_id")):
            return self._numbered_text("_".join(words[:-1] or ["id"]), "_")[:longest]
        text = " ".join(words)
        if longest is not None and longest <= _LONGEST_NAME:
            return (text if text[-1:].isdigit() else self._numbered_text(text, " "))[:longest]
        return f"{MARK} {self._prose(text)}"[:longest]

    def _numbered_text(self, text: str, between: str) -> str:
        self._named[text] += 1
        return f"{text}{between}{self._named[text]}"

    def _prose(self, words: str) -> str:
        for kinds, sentences in _SENTENCES:
            if re.search(kinds, words):
                sentence = self._pick(sentences).format(self._topic or "this work")
                return str(sentence[:1].upper() + sentence[1:])
        return f"{words} for {self._topic}" if self._topic else words

    def _pick(self, choices: list[Json]) -> Json:
        self._picks += 1
        return choices[(self._seed + self._picks) % len(choices)]


def _element_name(key: str, owner: str) -> str:
    """The name for a string at `key`: a list element's `name` is the name of the element, as in `phase 2`."""
    return owner if key == "name" and owner[-1:].isdigit() else key


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
