"""A pattern as JSON and as text for people, and as a fingerprint that identifies it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable

from aloma_cli.condition.regexes import options_of
from aloma_cli.jsontext import Json, dumps


def describe(pattern: object) -> Json:
    """`pattern` as JSON: types as their names, regular expressions as `$regex` and `$options`."""
    return _render(pattern, lambda kind: kind.__name__)


def written(pattern: object, dump: Callable[[Json], str] = dumps) -> str:
    """`pattern` as text: JSON, but a type is a bare word, unlike a string: `{"name":"str","size":int}`."""
    text = dump(_render(pattern, lambda kind: f"\0{kind.__name__}"))
    return re.sub(r'"\\u0000(\w+)"', r"\1", text)


def fingerprint(pattern: object) -> str:
    """16 hexadecimal digits: equal for equal patterns, in any order of keys."""
    rendered = _render(pattern, lambda kind: {"$type": kind.__name__})  # so that str is not "str"
    return hashlib.sha256(json.dumps(rendered, sort_keys=True).encode()).hexdigest()[:16]


def _render(pattern: object, render_type: Callable[[type], Json]) -> Json:
    if isinstance(pattern, type):
        return render_type(pattern)
    if isinstance(pattern, re.Pattern):
        return _regex(pattern)
    if isinstance(pattern, list):
        return [_render(item, render_type) for item in pattern]
    if isinstance(pattern, dict):
        parts = {key: _render(part, render_type) for key, part in pattern.items()}
        return parts | _regex(pattern["$regex"]) if isinstance(pattern.get("$regex"), re.Pattern) else parts
    return pattern


def _regex(regex: re.Pattern[str]) -> dict[str, Json]:
    options = options_of(regex)
    return {"$regex": regex.pattern, "$options": options} if options else {"$regex": regex.pattern}
