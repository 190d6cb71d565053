"""Ask for an answer as a stream, report what comes, and return the whole answer."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from aloma_cli.connectors.base import Call, Progress, unwatched
from aloma_cli.connectors.cause import cause
from aloma_cli.connectors.chat.reply import rejected_in
from aloma_cli.connectors.chat.stream import Assembly, Events, begins_stream
from aloma_cli.connectors.honours import Honours
from aloma_cli.errors import ConnectorError
from aloma_cli.jsontext import JsonObject, dumps

if TYPE_CHECKING:
    import openai

_EVERY = 0.1
"""The least seconds between two reports of what has come."""

_MOST_KEPT = 100_000
"""Bytes that are kept of a stream without any answer."""

_NAMED = re.compile(r"\bstream(?:s|ing|ed|_options)?\b", re.IGNORECASE)
_OPTIONS = re.compile(r"stream_options|include_usage", re.IGNORECASE)
_REFUSALS = (400, 404, 405, 415, 422, 501)
_UNCLEAR = (400, 422)
"""With these a server may refuse a stream in words of its own."""


class RequestForm(NamedTuple):
    """A form of a request. `mark` makes its idempotency key another: one key must not be sent with two bodies."""

    mark: str
    body: JsonObject


_WITH_USAGE = RequestForm("", {"stream": True, "stream_options": {"include_usage": True}})
_WITHOUT_USAGE = RequestForm(".stream", {"stream": True})
_WHOLE = RequestForm(".whole", {})
IN_ONE_PIECE = RequestForm("", {})

Post: TypeAlias = Callable[[RequestForm], Awaitable[bytes]]
"""Sends a request in this form, and gives the body of the answer."""


class Reception:
    """What is received of one answer. It is the listener of `client.hearing`."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._events = Events()
        self._assembly = Assembly()
        self._begun = b""
        self._raw = bytearray()
        self._is_stream: bool | None = None
        self._told = -_EVERY

    @property
    def size(self) -> int:
        """How much of the answer is held, in characters."""
        return self._assembly.size + self._events.waiting

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be read."""
        return self._assembly.is_over

    @property
    def has_begun(self) -> bool:
        """Whether any part of an answer has come as a stream."""
        return self._assembly.has_begun

    def hear(self, part: bytes) -> bool:
        """Take in a part of the body, and return whether it belongs to a stream; else the body must be kept."""
        if self._is_stream is None:
            self._begun += part
            self._is_stream = begins_stream(self._begun)
            part = self._begun
        if self._is_stream:
            if not self.has_begun and len(self._raw) < _MOST_KEPT:
                self._raw += part
            for data in self._events.feed(part):
                self._assembly.add(data)
            self._tell_progress()
        return bool(self._is_stream)

    def answer(self, content: bytes, url: str, *, cut_by: str | None = None) -> bytes:
        """The body of the answer, as if it had come in one piece; `content` is what was kept of it.

        `cut_by`: why no more came. Raises ConnectorError with what came if that is not all of an answer.
        """
        if not self._is_stream:
            return content
        for data in self._events.finish():
            self._assembly.add(data)
        assembly = self._assembly
        if (rejected := rejected_in(assembly.error)) is not None:
            return dumps(rejected).encode()
        if assembly.error is not None and not assembly.has_begun:
            return dumps({"error": assembly.error}).encode()
        if not assembly.has_begun:
            return bytes(self._raw)
        if not assembly.is_complete:
            raise self.broken(url, cut_by or assembly.failure or "it ended without its last part")
        return dumps(assembly.completion()).encode()

    def broken(self, url: str, reason: str) -> ConnectorError:
        """The error for an answer of which only a part came; it holds that part."""
        came = f"after {len(self._assembly.text):,} characters"
        error = ConnectorError(f"the answer of {url} broke off {came}: {reason}", retryable=True, elsewhere=True)
        error.answer = self._assembly.completion()
        return error

    def _tell_progress(self) -> None:
        now = monotonic()
        if now - self._told >= _EVERY and (text := self._assembly.text):
            self._told = now
            self._progress("streaming", text=text)


class Streams:
    """How the models of one server take requests for streams: found out once, and remembered across runs."""

    def __init__(self, honours: Honours, url: str) -> None:
        self._honours = honours
        self._url = url
        self._forms: dict[str, RequestForm] = {}
        self._streamed: set[str] = set()
        self._received: dict[str, Reception] = {}

    async def post(self, model: str, call: Call, post: Post) -> bytes:
        """The body of the answer, received as a stream where a view shows it and the server can stream.

        Raises ConnectorError, with what came, if the answer broke off.
        """
        import openai

        form = IN_ONE_PIECE if call.progress is unwatched else self._request_form(model)
        while True:
            try:
                content = await self._receive(call, form, post)
            except openai.APIStatusError as error:
                lower = self._after_refusal(model, form, error)
                if lower is None:
                    raise
                form = lower
            else:
                self._accepted(model, form)
                return content

    def broken(self, call: Call, reason: str, *, retryable: bool = True) -> ConnectorError | None:
        """The error for a call that was ended; None if nothing of an answer has come."""
        reception = self._received.get(call.key)
        if reception is None or not reception.has_begun:
            return None
        error = reception.broken(self._url, reason)
        error.retryable = retryable
        return error

    def forget(self, call: Call) -> None:
        """A call has ended."""
        self._received.pop(call.key, None)

    def _request_form(self, model: str) -> RequestForm:
        if model not in self._forms:
            streams = self._honours.load(self._url, model).get("streaming") is not False
            self._forms[model] = _WITH_USAGE if streams else _WHOLE
        return self._forms[model]

    async def _receive(self, call: Call, form: RequestForm, post: Post) -> bytes:
        import openai

        from aloma_cli.connectors.client import hearing  # the client's making has loaded it, in a thread

        if not form.body:
            return await post(form)
        reception = self._received[call.key] = Reception(call.progress)
        token = hearing.set(reception)
        try:
            content = await post(form)
        except openai.APIConnectionError as error:
            if not reception.has_begun:
                raise
            reason = str(error.__cause__) if isinstance(error, openai.APITimeoutError) else cause(error)
            return reception.answer(b"", self._url, cut_by=reason)
        finally:
            hearing.reset(token)
        return reception.answer(content, self._url)

    def _after_refusal(self, model: str, form: RequestForm, error: openai.APIStatusError) -> RequestForm | None:
        """The next form after a refusal; None if it has another reason."""
        told = f"{error} {error.body}"
        if not form.body or error.status_code not in _REFUSALS:
            return None
        if form is _WITH_USAGE and _OPTIONS.search(told):
            return _WITHOUT_USAGE
        in_own_words = error.status_code in _UNCLEAR and model not in self._streamed
        return _WHOLE if in_own_words or _NAMED.search(told) else None

    def _accepted(self, model: str, form: RequestForm) -> None:
        if form.body:
            self._streamed.add(model)
        if form is not IN_ONE_PIECE and form is not self._forms.get(model, form):
            self._forms[model] = form
            self._honours.save(self._url, model, streaming=bool(form.body))
