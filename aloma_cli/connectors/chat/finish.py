"""Why an answer ended, in the spellings of many servers."""

from __future__ import annotations

import re

from aloma_cli.jsontext import JsonObject

_CUT = re.compile(
    r"length|max_?(?:output_?|new_?|completion_?)?tokens|token_?limit|context_?window|truncat|incomplete", re.IGNORECASE
)
_REFUSED = re.compile(
    r"content_?filter|safety|refus|recitation|block_?list|prohibited|spii|guardrail|sensitive|moderation|policy",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"error|abort|cancel|timeout|insufficient_system_resource|malformed|unknown_?failure", re.IGNORECASE
)

_LONGEST = 100


def was_cut(choice: JsonObject) -> bool:
    """Whether the answer ended at the token limit."""
    return _CUT.search(reason(choice)) is not None


def was_refused(choice: JsonObject) -> bool:
    """Whether the model, or a filter after it, refused to answer."""
    return bool(choice["message"].get("refusal")) or _REFUSED.search(reason(choice)) is not None


def broke_off(choice: JsonObject) -> bool:
    """Whether the server gave up in the middle of the answer."""
    return _BROKEN.search(reason(choice)) is not None


def is_whole(choice: JsonObject) -> bool:
    """Whether the model ended its answer by itself."""
    return not (was_cut(choice) or was_refused(choice) or broke_off(choice))


def reason(choice: JsonObject) -> str:
    """The reason in the words of the server and, behind a gateway, of the server behind it."""
    given = (choice.get(name) for name in ("finish_reason", "native_finish_reason"))
    return " ".join(one[:_LONGEST] for one in given if isinstance(one, str))
