"""Read the body of a reply with status 200, or of a refusal that contains an answer."""

from __future__ import annotations

import re

from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, dumps, loads

_TITLE = re.compile(r"<title[^<>]*>([^<>]*)", re.IGNORECASE)
_TITLE_WITHIN = 5000
_ERROR_WITHIN = 2000
_MOST_KEPT = 100_000
"""Characters recorded of a body that is not JSON."""

_REJECTED = "json_validate_failed"
"""The code of a server that rejected an answer because it did not fit the schema."""


def read_completion(content: bytes, url: str) -> JsonObject:
    """The completion in a body. Raises ConnectorError with the body as its `answer`."""
    value = read_json(content, url)
    match value:
        case {"choices": [{"message": dict()}, *_]}:
            return dict(value)
    shown = cut(content.decode(errors="replace").strip(), 200)
    raise holding(value, f"{url} returned JSON that is not a chat completion: {shown!r}", retryable=False)


def read_json(content: bytes, url: str) -> Json:
    """The JSON in a body, which is not the report of an error. Raises ConnectorError with the body as its `answer`."""
    try:
        value = loads(content)
    except JsonError as error:
        raise _not_json(content.decode(errors="replace").strip(), url, error) from None
    failure = value.get("error") if isinstance(value, dict) and not value.get("choices") else None
    if failure:
        raise holding(value, f"{url} answered with an error: {cut(str(failure), 300)}", retryable=True)
    return value


def failure_in(content: bytes) -> str:
    """The failure that a gateway reports with status 200; empty if the body is something else."""
    if b'"error"' not in content[:_ERROR_WITHIN] or len(content) > _MOST_KEPT:
        return ""
    try:
        value = loads(content)
    except JsonError:
        return ""
    failed = isinstance(value, dict) and value.get("error") and not value.get("choices")
    return dumps(value["error"]) if failed else ""


def rejected_answer(error: Exception) -> JsonObject | None:
    """The answer that a server rejected, as a completion; None for any other refusal."""
    return rejected_in({"code": getattr(error, "code", None), **_object_or_empty(getattr(error, "body", None))})


def rejected_in(failure: Json) -> JsonObject | None:
    """As `rejected_answer`, of the object that describes an error."""
    if _object_or_empty(failure).get("code") != _REJECTED:
        return None
    said = _object_or_empty(failure).get("failed_generation")
    message = {"role": "assistant", "content": said if isinstance(said, str) else ""}
    return {"choices": [{"index": 0, "message": message, "finish_reason": _REJECTED}]}


def _object_or_empty(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def is_page(text: str) -> bool:
    """Whether a text is a web page."""
    return text.startswith("<")


def _not_json(text: str, url: str, error: JsonError) -> ConnectorError:
    if is_page(text):
        title = _TITLE.search(text, 0, _TITLE_WITHIN)
        named = f' ("{cut(title[1].strip(), 100)}")' if title else ""
        says, hint = (
            f"returned a web page{named}, not JSON",
            "check the base URL, which often ends in /v1; `aloma doctor` tries it",
        )
    elif text.startswith("data:"):
        says, hint = f"sent a stream without an answer: {cut(text, 200)!r}", None
    else:
        says, hint = f"did not return JSON ({error}): {cut(text, 200)!r}", None
    return holding(cut(text, _MOST_KEPT), f"{url} {says}", retryable=not is_page(text), hint=hint)


def holding(answer: Json, message: str, *, retryable: bool, hint: str | None = None) -> ConnectorError:
    """The error about an answer that cannot be read, with that answer."""
    error = ConnectorError(message, retryable=retryable, hint=hint, elsewhere=True)
    error.answer = answer
    return error
