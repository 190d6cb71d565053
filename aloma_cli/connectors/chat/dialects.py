"""The dialects of the models of one server: found out once, and remembered across runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from aloma_cli.connectors.chat.completion import content_of
from aloma_cli.connectors.chat.dialect import Dialect, Form
from aloma_cli.connectors.chat.finish import is_whole
from aloma_cli.connectors.honours import Honours
from aloma_cli.jsontext import Json, JsonObject

_LONGEST = 20_000
"""The most characters of an answer that is checked for whether the server heeded the schema."""


class Dialects:
    """The dialects by model; what is known at first comes from `honours`."""

    def __init__(self, honours: Honours, base_url: str) -> None:
        self._honours = honours
        self._base_url = base_url
        self._known: dict[str, Dialect] = {}

    def of(self, model: str) -> Dialect:
        if model not in self._known:
            self._known[model] = _dialect(self._honours.load(self._base_url, model))
        return self._known[model]

    def accepted(self, model: str, dialect: Dialect) -> None:
        """The server accepted a request in this dialect."""
        if dialect != self._known.get(model):
            self._known[model] = dialect
            found: JsonObject = {"form": dialect.form, "without": sorted(dialect.without)}
            found |= {"spoken": dialect.spoken, "loose": dialect.loose}
            self._honours.save(self._base_url, model, **found)

    def answered(self, model: str, schema: JsonObject | None, completion: JsonObject) -> None:
        """Notice that the server ignores schemas, by a whole answer that does not fit one."""
        content = content_of(completion)
        if schema is not None and len(content) < _LONGEST and is_whole(completion["choices"][0]):
            self.accepted(model, self.of(model).after_answer(content, schema))


def _dialect(found: Mapping[str, Json]) -> Dialect:
    """The dialect in a finding; whatever is odd in it counts as not known."""
    form: Form = next((form for form in get_args(Form) if form == found.get("form")), "json_schema")
    without = found.get("without")
    words = frozenset(word for word in without if isinstance(word, str)) if isinstance(without, list) else frozenset()
    return Dialect(form, words, spoken=found.get("spoken") is True, loose=found.get("loose") is True)
