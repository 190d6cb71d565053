"""The trigger `webhook`: a task for each request that knows the secret. It knows no server."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from aloma_cli.errors import AlomaError, CredentialsError, InputError
from aloma_cli.jsontext import Json, JsonError, JsonObject, loads
from aloma_cli.triggers.event import TriggerEvent
from aloma_cli.triggers.trigger import Trigger

PER_MINUTE = 600
"""How many requests a webhook takes a minute."""

_FORM = "application/x-www-form-urlencoded"
_HIDDEN = ("authorization", "proxy-authorization", "cookie")
"""Headers that an event does not have."""


EXAMPLE = TriggerEvent({"body": {}, "query": {}, "headers": {}}, via={"from": "127.0.0.1"})
"""The event of a request with an empty object."""


class HookReply(NamedTuple):
    """What the client gets; `retry` in seconds."""

    status: int
    body: JsonObject
    retry: int | None = None


class Webhook:
    """`time` gives seconds of any clock. Raises CredentialsError where its secret has no value."""

    def __init__(self, trigger: Trigger, time: Callable[[], float]) -> None:
        self.trigger = trigger
        said = trigger.config.said
        self._signed = "signature" in said
        self._header: str = said.get("header", "x-hub-signature-256" if self._signed else "authorization")
        self._secret = _secret_of(trigger).encode()
        most = said.get("per_minute", PER_MINUTE)
        # Two, so that a stranger cannot use up what belongs to those who know the secret.
        self._taken, self._refused = _Rate(most, time), _Rate(most, time)

    def take(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, client: str) -> HookReply:
        """Answer one request. `headers` have lower-case names; `client` is the address that it came from."""
        known = self._knows_secret(headers, body)
        rate = self._taken if known else self._refused
        if not rate.take():
            return HookReply(429, {"error": "too many requests"}, rate.wait())
        if not known:
            return HookReply(401, {"error": f"the header {self._header} does not match the secret"})
        try:
            event = TriggerEvent(self._event_body(headers, query, body), via={"from": client})
        except InputError as error:
            return HookReply(415 if isinstance(error, _KindError) else 400, {"error": str(error)})
        return self._fire(event)

    def example(self) -> TriggerEvent:
        """EXAMPLE."""
        return EXAMPLE

    def _fire(self, event: TriggerEvent) -> HookReply:
        try:
            made = self.trigger.fire(event)
        except InputError as error:
            self.trigger.failed(error)
            return HookReply(422, {"error": str(error)})
        except AlomaError as error:
            self.trigger.failed(error)
            return HookReply(503, {"error": "the task could not be made; send it again"}, 10)
        if not made.new:
            return HookReply(409, {"error": "there is a task with this key", "task": made.task})
        return HookReply(202, {"task": made.task})

    def _knows_secret(self, headers: Mapping[str, str], body: bytes) -> bool:
        shown = headers.get(self._header, "")
        wanted = self._secret
        if self._signed:
            wanted, shown = hmac.new(wanted, body, hashlib.sha256).hexdigest().encode(), shown.removeprefix("sha256=")
        elif self._header == "authorization":
            shown = shown.removeprefix("Bearer ")
        return hmac.compare_digest(shown.encode("utf-8", "surrogateescape"), wanted)

    def _event_body(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> JsonObject:
        hidden = {*_HIDDEN, self._header}
        told = {name: value for name, value in headers.items() if name not in hidden}
        return {"body": _parsed_body(headers.get("content-type", ""), body), "query": dict(query), "headers": told}


class _KindError(InputError):
    """The body is of a kind that a webhook does not read."""


def _parsed_body(content_type: str, body: bytes) -> Json:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        try:
            return loads(body)
        except JsonError as error:
            raise InputError(f"the body is not valid JSON: {error}") from None
    if kind == _FORM and body.lstrip()[:1] in (b"{", b"["):  # what curl -d sends by default
        raise _KindError("the body is JSON, and its content type says that it is a form: send application/json")
    if kind == _FORM:
        try:
            return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000))
        except ValueError as error:
            raise InputError(f"the body is not a valid form: {error}") from None
    raise _KindError(f"the body must be application/json or {_FORM}, not {kind or 'of an unknown type'}")


def _secret_of(trigger: Trigger) -> str:
    name = trigger.config.said["secret"]
    value = trigger.home.loaded.environment(name, None)
    if not value:
        raise CredentialsError(
            f"no value for {name}, the secret of the webhook {trigger.config.name}",
            hint=f"run `aloma secret set {name}` or `export {name}=…`",
        )
    return value


class _Rate:
    """At most this many a minute; unused ones add up to those of a minute."""

    def __init__(self, most: int, time: Callable[[], float]) -> None:
        self._most, self._time = most, time
        self._left, self._at = float(most), time()

    def take(self) -> bool:
        now = self._time()
        self._left, self._at = min(self._most, self._left + (now - self._at) * self._most / 60), now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def wait(self) -> int:
        """Seconds until one more is allowed."""
        return max(1, round((1 - self._left) * 60 / self._most))
