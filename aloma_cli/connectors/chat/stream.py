"""Put a streamed answer together: from bytes to events, and from events to the completion that they add up to.

Nothing here knows a server or waits for one. The parts may be cut anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aloma_cli.connectors.chat.server_errors import reason_in
from aloma_cli.jsontext import Json, JsonError, JsonObject, cut, dumps, is_integer, loads

_LINE_END = re.compile(rb"\r\n|\n|\r")
_TEXTS = ("content", "refusal", "reasoning_content", "reasoning")
_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")
_DONE = "[DONE]"


class Events:
    """The data of server-sent events, from bytes that come in any parts."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0
        self._data: list[str] = []

    @property
    def waiting(self) -> int:
        """How many bytes of a line, and characters of an event, have come without their end."""
        return len(self._rest) + sum(map(len, self._data))

    def feed(self, part: bytes) -> Iterator[str]:
        """The data of each event that ends in `part`."""
        self._rest += part
        # A line may end in a part of its own: only what is new is searched.
        searched, start = max(0, self._searched - 1), 0
        while (end := _LINE_END.search(self._rest, searched)) is not None:
            if end[0] == b"\r" and end.end() == len(self._rest):
                break  # its line feed may be in the next part
            yield from self._take_line(bytes(self._rest[start : end.start()]))
            start = searched = end.end()
        del self._rest[:start]
        self._searched = len(self._rest)

    def finish(self) -> Iterator[str]:
        """The data of the last event, if its end is missing."""
        yield from self._take_line(bytes(self._rest).rstrip(b"\r"))
        yield from self._take_line(b"")

    def _take_line(self, line: bytes) -> Iterator[str]:
        if not line:
            if self._data:
                yield "\n".join(self._data)
                self._data.clear()
            return
        name, _, value = line.decode("utf-8", "replace").removeprefix("\ufeff").partition(":")
        if name == "data":
            if self._data and _is_complete(self._data):  # some servers leave out the empty line
                yield self._data.pop()
            self._data.append(value.removeprefix(" "))


def begins_stream(begun: bytes) -> bool | None:
    """Whether a body with this beginning is a stream of events; None if that is not known yet."""
    begun = begun.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begun.startswith(_BEGINNINGS):
        return True
    return None if any(name.startswith(begun) for name in _BEGINNINGS) else False


def _is_complete(data: list[str]) -> bool:
    try:
        return data == [_DONE] or isinstance(loads(data[0]), dict)
    except JsonError:
        return False


class Assembly:
    """The completion that chunks add up to. `failure` is what ended it early, in words."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.error: Json = None
        self.done = False
        self.size = 0
        self._whole: JsonObject = {}
        self._choices: dict[int, _Choice] = {}

    @property
    def has_begun(self) -> bool:
        """Whether any part of an answer has come."""
        return bool(self._choices)

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be read."""
        return self.done or self.failure is not None

    @property
    def is_complete(self) -> bool:
        """Whether the server has said that the answer is whole."""
        ended = bool(self._choices) and all(choice.is_finished for choice in self._choices.values())
        return self.failure is None and (self.done or ended)

    @property
    def text(self) -> str:
        """What the first choice says so far: its text, else its thoughts, else the tools it calls."""
        return self._choices[min(self._choices)].text if self._choices else ""

    def add(self, data: str) -> None:
        """Take in the data of one event."""
        if self.is_over or not data.strip():
            return
        if data.strip() == _DONE:
            self.done = True
            return
        try:
            chunk = loads(data)
        except JsonError as error:
            self.failure = f"a part of it is not JSON ({error}): {cut(data, 100)!r}"
            return
        self._take_chunk(chunk)

    def completion(self) -> JsonObject:
        """The answer so far, as a server sends it in one piece."""
        choices = [choice.to_json(index) for index, choice in sorted(self._choices.items())]
        return {**self._whole, "object": "chat.completion", "choices": choices}

    def _take_chunk(self, chunk: Json) -> None:
        match chunk:
            case dict():
                self._merge({name: value for name, value in chunk.items() if name not in ("choices", "error")})
                choices, failure = chunk.get("choices"), chunk.get("error")
                for choice in choices if isinstance(choices, list) else ():
                    self._add_choice(choice)
                if failure:
                    self.error, self.failure = (
                        failure,
                        f"the server reported an error: {cut(reason_in(failure) or str(failure), 300)}",
                    )
            case _:
                self.failure = f"a part of it is not an object: {cut(str(chunk), 100)!r}"

    def _merge(self, more: JsonObject) -> None:
        first = {"id", "created"}
        for name, value in more.items():
            if value is not None and not (name in first and self._whole.get(name)):
                self._whole[name] = value

    def _add_choice(self, choice: Json) -> None:
        if not isinstance(choice, dict):
            return
        index = choice.get("index")
        number = index if is_integer(index) else 0
        self.size += self._choices.setdefault(number, _Choice()).add(choice)


class _Choice:
    """One choice of an answer."""

    def __init__(self) -> None:
        self._fields: JsonObject = {}
        self._message: JsonObject = {}
        self._texts: dict[str, list[str]] = {}
        self._lists: dict[str, list[Json]] = {}
        self._tools: list[_ToolCall] = []
        self._logprobs: dict[str, list[Json]] = {}

    @property
    def is_finished(self) -> bool:
        return self._fields.get("finish_reason") is not None

    @property
    def text(self) -> str:
        for name in _TEXTS:
            if said := "".join(self._texts.get(name, ())):
                return said
        return "\n".join(f"calls {tool.name} {tool.arguments}" for tool in self._tools)

    def add(self, choice: JsonObject) -> int:
        """Take in a part; returns how many characters it has."""
        for name, value in choice.items():
            if name == "logprobs" and isinstance(value, dict):
                for kind, tokens in value.items():
                    self._logprobs.setdefault(kind, []).extend(tokens if isinstance(tokens, list) else ())
            elif name not in ("delta", "message", "index") and value is not None:
                self._fields[name] = value
        delta = choice.get("delta") or choice.get("message")
        return self._add_delta(delta) if isinstance(delta, dict) else 0

    def _add_delta(self, delta: JsonObject) -> int:
        size = 0
        for name, value in delta.items():
            if name == "tool_calls" and isinstance(value, list):
                size += sum(self._add_tool(part) for part in value if isinstance(part, dict))
            elif name in _TEXTS and isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
                size += len(value)
            elif isinstance(value, list):
                self._lists.setdefault(name, []).extend(value)
                size += len(str(value))
            elif value is not None:
                self._message[name] = value
        return size

    def _add_tool(self, part: JsonObject) -> int:
        tool = self._tool_of(part)
        if tool is None:
            tool = _ToolCall()
            self._tools.append(tool)
        return tool.add(part)

    def _tool_of(self, part: JsonObject) -> _ToolCall | None:
        """The call that `part` continues: that of its index, unless its id is another; else of its id, or the last."""
        index, key = part.get("index"), part.get("id")
        if index is None and not key:
            return self._tools[-1] if self._tools else None
        found = [tool for tool in self._tools if index is None or tool.index == index]
        return next((tool for tool in reversed(found) if not key or tool.id in (None, key)), None)

    def to_json(self, index: int) -> JsonObject:
        message: JsonObject = {"role": "assistant", "content": None, **self._message, **self._lists}
        message |= {name: self._whole_text(name) for name in self._texts}
        if self._tools:
            message["tool_calls"] = [tool.to_json() for tool in self._tools]
        logprobs = {"logprobs": self._logprobs} if self._logprobs else {}
        return {"index": index, "message": message, "finish_reason": None, **self._fields, **logprobs}

    def _whole_text(self, name: str) -> Json:
        """A text; where the server began with a list of parts, that list with the text as its last part."""
        said, before = "".join(self._texts[name]), self._lists.get(name)
        return said if before is None else [*before, {"type": "text", "text": said}]


class _ToolCall:
    """One call of a tool, whose arguments come in pieces."""

    def __init__(self) -> None:
        self.index: Json = None
        self.id: Json = None
        self._fields: JsonObject = {}
        self._function: JsonObject = {}
        self._pieces: list[str] = []

    @property
    def name(self) -> str:
        return str(self._function.get("name", ""))

    @property
    def arguments(self) -> str:
        return "".join(self._pieces)

    def add(self, part: JsonObject) -> int:
        self.index = part.get("index") if self.index is None else self.index
        self.id = self.id or part.get("id")
        self._fields |= {
            name: value for name, value in part.items() if name not in ("index", "id", "function") and value
        }
        function = part.get("function")
        return self._add_function(function) if isinstance(function, dict) else 0

    def _add_function(self, function: JsonObject) -> int:
        name, piece = function.get("name"), function.get("arguments")
        more = {field: value for field, value in function.items() if field not in ("name", "arguments") and value}
        self._function |= more
        if isinstance(name, str) and name != self.name:  # some servers repeat it, others send it in pieces
            self._function["name"] = self.name + name
        self._pieces.append(dumps(piece) if isinstance(piece, dict) else piece if isinstance(piece, str) else "")
        return len(self._pieces[-1])

    def to_json(self) -> JsonObject:
        identity = {} if self.id is None else {"id": self.id}
        return {
            **identity,
            "type": "function",
            **self._fields,
            "function": {**self._function, "arguments": self.arguments},
        }
