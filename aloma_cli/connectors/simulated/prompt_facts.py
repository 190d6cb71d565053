"""The topic of a prompt, and the parts of it that change from run to run."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aloma_cli.jsontext import JsonObject, cut

_LABELLED = re.compile(r"^[ \t]*(?:[-*][ \t]+)?[A-Z][\w ()/&'-]{0,59}:[ \t]+([^\s{\[].*)$", re.MULTILINE)
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"  # a time
    r"|(?<!\d)1\d{12}(?!\d)"  # milliseconds since 1970, as in coord_1790000000000
    r"|(?<![0-9a-z])0[0-9a-hjkmnp-tv-z]{15}(?:\.\d+)*(?![0-9a-z])"  # the id of a task
)
_LONGEST_TOPIC = 60


def steady(text: str) -> str:
    """`text` with times and task ids replaced, so that it is the same in every run."""
    return _VOLATILE.sub("~", text)


def topic(messages: Sequence[JsonObject]) -> str | None:
    """The topic of the user's messages: the value of the first line `Label: text` that is the same in every run."""
    texts = (text_of(message) for message in messages if message.get("role") == "user")
    values = (" ".join(value.replace("_", " ").split()) for text in texts for value in _LABELLED.findall(text))
    return next((cut(value, _LONGEST_TOPIC) for value in values if steady(value) == value), None)


def text_of(message: JsonObject) -> str:
    """The text of a message, whose content may be a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""
