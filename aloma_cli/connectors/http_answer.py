"""An HTTP answer for the record, each part once, and for a step."""

from __future__ import annotations

import codecs
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, dumps, loads

if TYPE_CHECKING:
    import httpx2

_NO_CHARSETS = frozenset({"undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape"})
"""Python codecs that no server uses for texts."""

_BODIES = ("base64", "body", "json")

_WORDS = 300


def as_recorded(response: httpx2.Response, *, binary: bool) -> JsonObject:
    """`status`, `headers`, and the body once: `base64` if binary, else `json` if it is JSON, else the string `body`.

    `note`: the charset that the server names is unknown.
    """
    recorded: JsonObject = {"status": response.status_code, "headers": dict(response.headers)}
    if binary:
        return {**recorded, "base64": b64encode(response.content).decode()}
    try:
        parsed = loads(response.content)
    except JsonError:
        parsed = None
    return {**recorded, **(_body_text(response) if parsed is None else {"json": parsed})}


def as_given(recorded: Json) -> dict[str, object]:
    """What a step receives: `status`, `headers`, `body` (string, or bytes if binary), `json` (None if not JSON).

    A person who settles a call may give the body alone, or an answer without some of its parts.
    """
    recorded = _completed(recorded)
    if "base64" in recorded:
        body: object = b64decode(recorded["base64"])
    else:
        body = recorded["body"] if "body" in recorded else dumps(recorded["json"])
    rest = {name: value for name, value in recorded.items() if name != "base64"}
    return {**rest, "body": body, "json": recorded.get("json")}


def _completed(settled: Json) -> JsonObject:
    """An answer with all its parts. An object is a body unless it has a status, and nothing but parts of an answer."""
    parts = {"status", "headers", "note", *_BODIES}
    if not isinstance(settled, dict) or type(settled.get("status")) is not int or settled.keys() - parts:
        settled = {"status": 200, "json": settled}
    return {"headers": {}, **({} if settled.keys() & {*_BODIES} else {"body": ""}), **settled}


def words_of(response: httpx2.Response) -> str:
    """A server's refusal on one line: the reason, and the beginning of the body."""
    said = " ".join(_body_text(response)["body"].split())
    return f"{response.status_code} {response.reason_phrase}".rstrip() + (f": {cut(said, _WORDS)}" if said else "")


def _body_text(response: httpx2.Response) -> JsonObject:
    charset = response.charset_encoding or "utf-8"
    text = _decoded(response.content, charset)
    if text is not None:
        return {"body": text}
    note = f"the charset {cut(charset, 40)!r} is unknown; the body was decoded as UTF-8"
    return {"body": response.content.decode("utf-8", "replace"), "note": note}


def _decoded(content: bytes, charset: str) -> str | None:
    """The text; None if `charset` is not a charset of texts."""
    try:
        known = codecs.lookup(charset).name.replace("-", "_") not in _NO_CHARSETS
        return content.decode(charset, "replace") if known else None
    except (LookupError, ValueError):
        return None
