"""Fill a schema without a model: the same values for the same prompt, with prose marked as simulated.

No measurement is invented. A percentage is 100, so that no quality gate stops a simulation; any other number is the
smallest allowed. A short string is a name: it is numbered and not marked, because it becomes part of task names.
"""

from __future__ import annotations

import re
from collections import Counter

from aloma_cli.jsontext import Json, JsonObject

MARK = "(simulated)"

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\s-]+")
_LONGEST_NAME = 80

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

    def fill(self, schema: JsonObject, name: str = "answer") -> Json:
        """A value for the `schema` of a shape; `name` is its key."""
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._pick(schema["enum"])
        if "anyOf" in schema:
            return self.fill(schema["anyOf"][0], name)
        return self._fill_kind(schema, name)

    def complete(self, given: Json, schema: JsonObject, name: str = "answer") -> Json:
        """`given`, with the missing values that the schema requires, at any depth."""
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
                return {key: self.fill(inner, _called(key, name)) for key, inner in properties.items()}
            case "array":
                return self._list(schema, name)
            case "string":
                return self._string(name, schema.get("maxLength"))
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return False
        return None

    def _list(self, schema: JsonObject, name: str) -> list[Json]:
        size = min(max(schema.get("minItems", 0), 2), schema.get("maxItems", 2))
        item = schema.get("items", {"type": "string"})
        return [self.fill(item, f"{_singular(name)} {place + 1}") for place in range(size)]

    def _string(self, name: str, longest: int | None) -> str:
        words = _words_of_name(name)
        if name == "id" or name.endswith(("Id", "_id")):
            return self._numbered("_".join(words[:-1] or ["id"]), "_")[:longest]
        text = " ".join(words)
        if longest is not None and longest <= _LONGEST_NAME:
            return (text if text[-1:].isdigit() else self._numbered(text, " "))[:longest]
        return f"{MARK} {self._prose(text)}"[:longest]

    def _numbered(self, text: str, between: str) -> str:
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


def _called(key: str, owner: str) -> str:
    """The name for a string at `key`: a list element's `name` is the name of the element, as in `phase 2`."""
    return owner if key == "name" and owner[-1:].isdigit() else key


def _number(schema: JsonObject) -> Json:
    least, most = schema.get("minimum"), schema.get("maximum")
    if (least, most) == (0, 100):
        return most
    return min(0, most or 0) if least is None else least


def _words_of_name(name: str) -> list[str]:
    return [word.lower() for word in _HUMP.split(name) if word]


def _singular(name: str) -> str:
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name
