"""Pictures, sounds and files in messages: recorded by their hash, and counted by what they are.

The bytes stay out of the record, because the answer to a recorded call no longer needs them, and each further turn
would repeat them. A call that has to be sent again is made again by its step, which has the bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from aloma_cli.connectors.address import is_secret_name
from aloma_cli.connectors.chat.media import Measure, file_tokens, measured, picture_tokens, sound_tokens
from aloma_cli.jsontext import Json, JsonObject, dumps

_PLACES = {"image_url": "url", "input_audio": "data", "file": "file_data", "video_url": "url", "audio_url": "url"}
"""By the type of a part, which is also the key of its object: the key of its bytes."""

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,]{0,200},", re.ASCII)
_FACT = re.compile(r";(\w+)=([\w.]+)")
_SHORT = 1000
"""Characters that are recorded as they are."""

_CHARACTERS_PER_TOKEN = 4
_HIDDEN = "***"
_HEADERS = "extra_headers"

_ASIDE: ContextVar[JsonObject] = ContextVar("aside")
"""In a call: what its recorded arguments leave out, by what they have in its place."""


@contextmanager
def set_aside(request: JsonObject) -> Iterator[JsonObject]:
    """The request as it is recorded: without the bytes of its parts, and without the secrets in its headers."""
    aside: JsonObject = {}

    def stand_in(media: str, payload: str) -> str:
        if len(payload) <= _SHORT:
            return payload
        short = _stand_in(media, payload)
        aside[short] = payload
        return short

    recorded = _changed_in(request, stand_in)
    headers = request.get(_HEADERS)
    if isinstance(headers, dict) and any(map(is_secret_name, headers)):
        aside[_HEADERS] = headers
        shown = {name: _HIDDEN if is_secret_name(name) else value for name, value in headers.items()}
        recorded[_HEADERS] = shown
    token = _ASIDE.set(aside)
    try:
        yield recorded
    finally:
        _ASIDE.reset(token)


def put_back(arguments: JsonObject) -> JsonObject:
    """The recorded arguments of the current call as they are sent."""
    aside = _ASIDE.get({})
    if not aside:
        return arguments
    whole = _changed_in(arguments, lambda _, short: aside.get(short, short))
    return whole | ({_HEADERS: aside[_HEADERS]} if _HEADERS in aside else {})


def prompt_tokens(messages: Json, model: str) -> int:
    """About how many tokens `messages` are: their text, and their parts by what they are."""
    text, tokens = counted_apart(messages, model)
    return text_tokens(text) + tokens


def counted_apart(messages: Json, model: str) -> tuple[Json, int]:
    """`messages` without the bytes of their parts, and the tokens that these are for the model."""
    tokens: list[int] = []

    def leave_out(media: str, payload: str) -> str:
        facts = _facts(media, payload)
        if media.startswith("image/"):
            tokens.append(picture_tokens(model, facts.size, low=media.endswith(";low")))
        else:
            tokens.append(sound_tokens(facts.seconds) if media.startswith("audio/") else file_tokens(facts.pages))
        return ""

    return _changed(messages, leave_out), sum(tokens)


def text_tokens(value: Json) -> int:
    """About how many tokens a text is, or a JSON value that is sent as one; 0 for None."""
    text = value if isinstance(value, str) else "" if value is None else dumps(value)
    return 0 if value is None else max(1, len(text) // _CHARACTERS_PER_TOKEN)


def _changed_in(request: JsonObject, change: Callable[[str, str], str]) -> JsonObject:
    return {**request, **({"messages": _changed(request["messages"], change)} if "messages" in request else {})}


def _changed(messages: Json, change: Callable[[str, str], str]) -> Json:
    """A copy of `messages` with `change(media type, payload)` in the place of each payload."""
    if not isinstance(messages, list):
        return messages
    return [_changed_message(message, change) for message in messages]


def _changed_message(message: Json, change: Callable[[str, str], str]) -> Json:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    return {**message, "content": [_changed_part(part, change) for part in content]}


def _changed_part(part: Json, change: Callable[[str, str], str]) -> Json:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in _PLACES or not isinstance(part.get(kind), dict):
        return part
    body, key = part[kind], _PLACES[kind]
    if not isinstance(body.get(key), str):
        return part
    return {**part, kind: {**body, key: change(_media(kind, body, body[key]), body[key])}}


def _media(kind: str, body: JsonObject, payload: str) -> str:
    """The media type; that of a picture ends in `;low` if it is sent with little detail."""
    if kind == "image_url":
        return "image/*;low" if body.get("detail") == "low" else "image/*"
    if kind in {"input_audio", "audio_url"}:
        return "audio/*"
    found = _DATA_URL.match(payload)
    return (found and found[1]) or "application/octet-stream"


def _stand_in(media: str, payload: str) -> str:
    """`data:image/png;sha256=…;bytes=48213;width=800;height=600,`: what is recorded of a payload."""
    begin = _DATA_URL.match(payload)
    data = _bytes(payload)
    facts = measured(media, data)
    told: dict[str, Any] = {"sha256": hashlib.sha256(payload.encode()).hexdigest(), "bytes": len(data)}
    if facts.size:
        told |= {"width": facts.size[0], "height": facts.size[1]}
    told |= {name: value for name, value in (("seconds", facts.seconds), ("pages", facts.pages)) if value}
    kind = (begin and begin[1]) or media.replace("*", "x-unknown").partition(";")[0]
    return f"data:{kind}{''.join(f';{name}={value}' for name, value in told.items())},"


def _facts(media: str, payload: str) -> Measure:
    """What is known of a payload: bytes, a stand-in for them, or an address."""
    told = dict(_FACT.findall(payload[:_SHORT])) if payload.startswith("data:") else {}
    if "sha256" not in told:
        own = payload.startswith("data:") or media.startswith("audio/")
        return measured(media, _bytes(payload)) if own else Measure()
    size = (int(told["width"]), int(told["height"])) if "width" in told else None
    return Measure(size, float(told.get("seconds", 0)), int(told.get("pages", 1)))


def _bytes(payload: str) -> bytes:
    begin = _DATA_URL.match(payload)
    try:
        return base64.b64decode(payload[begin.end() if begin else 0 :], validate=False)
    except (binascii.Error, ValueError):
        return payload.encode(errors="replace")
