"""Signed links to the pages on which a question is answered. A link opens one question, as it was asked once."""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import sha256

from aloma_cli.clock import from_iso
from aloma_cli.errors import InputError
from aloma_cli.jsontext import JsonError, JsonObject, dumps, loads
from aloma_cli.values import dataclass

LASTS = 30 * 24 * 3600.0
"""Seconds for which a link to a question without a deadline can be used."""

PATH = "/answer/"

_SIGNATURE = 32
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a link opens. `into` or `call`: which question. `asked_at`: when it was asked (ISO). `to`: who got the link;
    "" without a link. `expires`: seconds since 1970.
    """

    task: str
    into: str | None
    call: int | None
    asked_at: str | None
    to: str
    expires: float


def ticket_for(asked: JsonObject, to: str, now: float) -> Ticket:
    """The ticket for an open question of a record."""
    until = asked.get("until")
    expires = now + LASTS if until is None else from_iso(until)
    return Ticket(asked["task"], asked.get("into"), asked.get("call"), asked.get("asked_at"), to, expires)


def token_of(ticket: Ticket, key: bytes) -> str:
    """The signed ticket, as a part of a URL."""
    fields = (ticket.task, ticket.into, ticket.call, ticket.asked_at, ticket.to, int(ticket.expires))
    body = dumps(list(fields)).encode()
    return base64.urlsafe_b64encode(_signature(body, key) + body).decode().rstrip("=")


def ticket_of(token: str, key: bytes) -> Ticket:
    """The ticket in a token, which may have expired. Raises InputError for a token that this key did not sign."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    signature, body = raw[:_SIGNATURE], raw[_SIGNATURE:]
    if len(token) > _LONGEST or not hmac.compare_digest(signature, _signature(body, key)):
        raise InputError("this link is not valid")
    try:
        return Ticket(*loads(body))
    except (JsonError, TypeError):  # signed with this key for something else
        raise InputError("this link is not valid") from None


def _signature(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"aloma answer\n" + body, sha256)
