"""One call as people read it: what was asked, part by part, what came back, and what it took."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, TextIO

from aloma_cli.connectors.address import shown
from aloma_cli.connectors.chat.parse import was_repaired
from aloma_cli.document.stash import hide_stash
from aloma_cli.jsontext import Json, JsonError, JsonObject, loads
from aloma_cli.record.calls import ANSWERED, FAILED, RecordedCall
from aloma_cli.record.figures import is_estimated
from aloma_cli.record.who import person
from aloma_cli.values import dataclass
from aloma_cli.view.format import clean, clean_lines, clock_time, data_size, duration, error_text, money, plural
from aloma_cli.view.terminal import Ink, is_for_people, size_of, write, write_plain
from aloma_cli.view.theme import DIM, Glyphs, glyphs_for, style_of
from aloma_cli.view.width import broken, fit, line

if TYPE_CHECKING:
    from rich.text import Text

_INDENT = "  "
_WIDTH = 100
_ONE_LINE = sys.maxsize
_LONGEST_DATA = 200
_STYLES = {
    "system": "bold",
    "developer": "bold",
    "user": f"bold {style_of('changed')}",
    "assistant": f"bold {style_of('fired')}",
    "answer": f"bold {style_of('fired')}",
    "tool": f"bold {style_of('waiting')}",
    "error": f"bold {style_of('failed')}",
}
_USUAL_ENDS = ("stop", "tool_calls", None)
_NOT_OPTIONS = frozenset({"model", "messages", "schema", "tools"})


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a call: a message, the shape, the answer. `title` says which, `text` has any number of lines."""

    title: str
    text: str


def write_call(
    call: RecordedCall,
    stream: TextIO,
    *,
    environ: Mapping[str, str],
    write: Callable[[TextIO, str], None] = write,
) -> None:
    """Write one call to `stream`, for people with `write`."""
    if is_for_people(stream, environ):
        room = min(size_of(stream).room, _WIDTH)
        lines = [*call_lines(call, room, glyphs_for(stream.encoding))]
        write(stream, Ink(stream, environ).text(lines))
    else:
        write_plain(stream, plain_call_lines(call))


def call_lines(
    call: RecordedCall,
    room: int,
    glyphs: Glyphs,
    indent: str = "",
    before: Sequence[RecordedCall] = (),
    zone: tzinfo | None = None,
) -> Iterator[Text]:
    """The lines of `call` for a terminal, none wider than `room`. `before` are the earlier calls of its firing."""
    yield fit(_call_headline(call, indent), room, glyphs)
    facts = glyphs.dot.join(call_facts(call, zone))
    for piece in broken(facts, max(8, room - len(indent) - len(_INDENT))):
        yield line((f"{indent}{_INDENT}{piece}", DIM))
    for part in parts(call, before, width=room - len(indent) - 2 * len(_INDENT)):
        yield line()
        yield fit(line(indent + _INDENT, (part.title, _STYLES.get(part.title.partition(" ")[0], "bold"))), room, glyphs)
        yield from _body_lines(part.text, indent + 2 * _INDENT, room)


def plain_call_lines(call: RecordedCall, before: Sequence[RecordedCall] = ()) -> Iterator[str]:
    """The lines of `call` for a file or a pipe: nothing is cut or broken."""
    yield f"call {call.number}  {clean(call.step)}  {call.function}  {call.state}"
    yield f"{_INDENT}{', '.join((call.at, *call_figures(call)))}"
    for part in parts(call, before):
        yield ""
        yield f"{_INDENT}{part.title}"
        yield from (f"{2 * _INDENT}{text}".rstrip() for text in clean_lines(part.text))


def parts(call: RecordedCall, before: Sequence[RecordedCall] = (), *, width: int = _WIDTH) -> Iterator[Part]:
    """What was asked and answered. Messages that an earlier call of the firing sent as well are only counted."""
    asked = hide_stash(call.arguments)
    if asked is not None:
        yield from (_chat_parts(asked, before, width) if is_chat(call) else _request_parts(call, asked, width))
    if call.error is not None:
        yield Part("error", _error(call.error))
    if call.answer is not None:
        yield from _answer_parts(call, width)


def call_facts(call: RecordedCall, zone: tzinfo | None = None) -> list[str]:
    """Who answered, the tokens, the price, the seconds and the time of day, as far as they are known."""
    return [*call_figures(call), clock_time(call.at, zone)]


def first_line(call: RecordedCall) -> str:
    """The first line of an answer or an error; of JSON all of it on one line."""
    if call.error is not None:
        return clean(error_text(call.error))
    if call.event is None:
        return ""
    if is_chat(call) and (message := _message(call.answer)) is not None:
        return _first_line(_message_text(message))
    if call.function.startswith("http.") and isinstance(call.answer, dict):
        return _first_line(_body_text(call.answer, _ONE_LINE))
    return _first_line(call.answer if isinstance(call.answer, str) else _one_line(hide_stash(readable(call.answer))))


def readable(answer: Json) -> Json:
    """An answer with the size of its vectors in their place."""
    vectors = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(vectors, list):
        return answer
    return {**answer, "data": [_vector_told(one) for one in vectors]}


def _vector_told(one: Json) -> Json:
    match one:
        case {"embedding": str(packed)}:
            return {**one, "embedding": f"{len(packed) * 3 // 16:,} numbers"}
    return one


def is_chat(call: RecordedCall) -> bool:
    """Whether a model was asked."""
    return isinstance((call.arguments or {}).get("messages"), list)


def target(call: RecordedCall) -> str:
    """What was called: a model, an address, or the function alone."""
    if "model" in call.about:
        return str(call.about["model"])
    url = (call.arguments or {}).get("url")
    if isinstance(url, str):
        return shown(url).partition("://")[2] or shown(url)
    return str((call.arguments or {}).get("model", ""))


def call_figures(call: RecordedCall) -> Iterator[str]:
    """Who answered, the tokens, the price and the seconds, as far as they are known."""
    about, usage = call.about, call.usage
    server = about.get("server") or about.get("provider")
    if "model" in about:
        yield f"{about['model']} at {server}" if server and not about.get("simulated") else str(about["model"])
    if call.event is not None and call.event.who is not None:
        yield f"by {person(call.event.who)}"
    for passed in about.get("instead_of") or ():
        yield f"not {passed.get('server')}/{passed.get('model')} ({passed.get('error')})"
    if about.get("simulated"):
        yield "simulated"
    if usage:
        guessed = "about " if is_estimated(call.event) else ""
        cached, thought = _some(usage, "cached_tokens", "cached"), _some(usage, "reasoning_tokens", "reasoning")
        yield f"{guessed}{plural(usage.get('input_tokens') or 0, 'token')} in{cached}"
        yield f"{guessed}{usage.get('output_tokens') or 0:,} out{thought}"
        if usage.get("cost"):
            yield money(usage["cost"])
    if call.arguments and was_repaired(call.arguments, call.answer):
        yield "repaired"
    if call.seconds is not None:
        yield duration(call.seconds)


def _some(usage: JsonObject, name: str, word: str) -> str:
    return f" ({usage[name]:,} {word})" if usage.get(name) else ""


def _call_headline(call: RecordedCall, indent: str) -> Text:
    state = {ANSWERED: "fired", FAILED: "failed"}.get(call.state, "waiting")
    return line(
        indent, (f"call {call.number}", "bold"), f"  {call.step}  {call.function}  ", (call.state, style_of(state))
    )


def _chat_parts(asked: JsonObject, before: Sequence[RecordedCall], width: int) -> Iterator[Part]:
    earlier = _continued(asked["messages"], before)
    same: JsonObject = earlier.arguments or {} if earlier is not None else {}
    known = len(same.get("messages", ()))
    if earlier is not None:
        yield Part(f"continues call {earlier.number}", f"({plural(known, 'message')} not shown again)")
    tools: dict[str, str] = {}
    for number, message in enumerate(asked["messages"]):
        tools |= _names_of_tools(message)  # some servers use an id again in each turn
        if number >= known:
            yield _message_part(message, tools, width)
    more = {name: value for name, value in asked.items() if name not in same or same[name] != value}
    if offered := more.get("tools"):
        told = "\n".join(map(_tool_text, offered)) if isinstance(offered, list) else _one_line(offered)
        yield Part("tools", told)
    if "schema" in more:
        yield Part("shape", as_text(more["schema"], width))
    if options := {name: value for name, value in more.items() if name not in _NOT_OPTIONS}:
        yield Part("options", "\n".join(f"{name}: {_one_line(value)}" for name, value in options.items()))


def _names_of_tools(message: Json) -> dict[str, str]:
    """The names of the tools that a message calls, by the ids of the calls."""
    return {
        call["id"]: name
        for call in (_list(message.get("tool_calls")) if isinstance(message, dict) else ())
        if isinstance(call, dict) and isinstance(call.get("id"), str) and (name := _name_of(call))
    }


def _name_of(call: JsonObject) -> str:
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _continued(messages: list[Json], before: Sequence[RecordedCall]) -> RecordedCall | None:
    """The last of the calls `before` whose messages these continue."""
    for call in reversed(before):
        known = (call.arguments or {}).get("messages")
        if isinstance(known, list) and known and len(known) < len(messages) and messages[: len(known)] == known:
            return call
    return None


def _message_part(message: Json, tools: dict[str, str], width: int) -> Part:
    if not isinstance(message, dict):
        return Part("message", as_text(message, width))
    key = message.get("tool_call_id")
    name = message.get("name") or (tools.get(key, key) if isinstance(key, str) else None)
    title = f"{message.get('role', 'message')}{f' {name}' if name else ''}"
    return Part(clean(title), _message_text(message, width))


def _message_text(message: JsonObject, width: int = _WIDTH) -> str:
    """The text of a message, and the tools that it calls."""
    content = message.get("content")
    texts = [_content_text(content, width)] if content else []
    if message.get("refusal"):
        texts.append(f"refused: {message['refusal']}")
    calls = message.get("tool_calls")
    texts += [tool_call_text(call) for call in calls] if isinstance(calls, list) else []
    return "\n".join(texts)


def _content_text(content: Json, width: int) -> str:
    if isinstance(content, list):
        return "\n".join(_piece(piece, width) for piece in content)
    return _pretty(content, width) if isinstance(content, str) else as_text(content, width)


def _piece(piece: Json, width: int) -> str:
    match piece:
        case str(text) | {"text": str(text)}:
            return _pretty(text, width)
    return _cut_data(_one_line(piece))


def _cut_data(text: str) -> str:
    """A picture or a file is for the model; people see only its length."""
    more = len(text) - _LONGEST_DATA
    return text if more <= 0 else f"{text[:_LONGEST_DATA]}… ({more:,} more characters)"


def _tool_text(tool: Json) -> str:
    match tool:
        case {"function": {"name": str(name), **more}}:
            about = more.get("description")
            return f"{name}: {_first_line(about)}" if isinstance(about, str) and about else name
    return _one_line(tool)


def tool_call_text(call: Json) -> str:
    """What a model calls, with the arguments, on one line."""
    match call:
        case {"function": {"name": str(name), "arguments": str(arguments)}}:
            return f"calls {name} {arguments}"
    return f"calls {_one_line(call)}"


def _request_parts(call: RecordedCall, asked: JsonObject, width: int) -> Iterator[Part]:
    if not call.function.startswith("http.") or not isinstance(asked.get("url"), str):
        yield Part("arguments", as_text(asked, width))
        return
    rest = {name: value for name, value in asked.items() if name not in ("method", "url", "json", "text")}
    yield Part("request", f"{asked.get('method')} {shown(asked['url'])}\n{_field_lines(rest)}".rstrip())
    if "json" in asked or "text" in asked:
        yield Part("body", as_text(asked["json"], width) if "json" in asked else str(asked["text"]))


def _answer_parts(call: RecordedCall, width: int) -> Iterator[Part]:
    message = _message(call.answer) if is_chat(call) else None
    if message is not None:
        thought = message.get("reasoning_content") or message.get("reasoning")
        if isinstance(thought, str) and thought:
            yield Part("reasoning", thought)
        reason = call.answer["choices"][0].get("finish_reason")
        yield Part("answer" if reason in _USUAL_ENDS else f"answer ({clean(reason)})", _message_text(message, width))
    elif call.function.startswith("http.") and isinstance(call.answer, dict) and "status" in call.answer:
        yield Part(f"answer {call.answer['status']}", _field_lines(call.answer.get("headers") or {}))
        yield Part("body", _body_text(call.answer, width))
    else:
        yield Part(
            "answer",
            _pretty(call.answer, width) if isinstance(call.answer, str) else as_text(readable(call.answer), width),
        )


def _body_text(answer: JsonObject, width: int) -> str:
    if isinstance(binary := answer.get("base64"), str):
        return f"({data_size(len(binary) * 3 // 4)} of binary data)"
    body = answer.get("json", answer.get("body"))
    return _pretty(body, width) if isinstance(body, str) else as_text(body, width)


def _message(answer: Json) -> JsonObject | None:
    match answer:
        case {"choices": [{"message": dict() as message}, *_]}:
            return dict(message)
    return None


def _error(error: JsonObject) -> str:
    hint = error.get("hint")
    return f"{error_text(error)}{f'{chr(10)}→ {hint}' if hint else ''}"


def _field_lines(values: JsonObject) -> str:
    return "\n".join(
        f"{name}: {value if isinstance(value, str) else _one_line(value)}" for name, value in values.items()
    )


def _pretty(text: str, width: int) -> str:
    """JSON in readable lines, any other text as it is."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return as_text(loads(text), width)
    except JsonError:
        return text


def as_text(value: Json, width: int = _WIDTH) -> str:
    """JSON in lines: what fits into `width` characters is on one line."""
    return "\n".join(_json_lines(hide_stash(value), width))


def _json_lines(value: Json, width: int) -> list[str]:
    flat = _one_line(value)
    if len(flat) <= width or not isinstance(value, dict | list) or not value:
        return [flat]
    if isinstance(value, dict):
        items = [(f"{_one_line(key)}: ", item) for key, item in value.items()]
        return ["{", *_item_lines(items, width), "}"]
    return ["[", *_item_lines([("", item) for item in value], width), "]"]


def _item_lines(items: list[tuple[str, Json]], width: int) -> Iterator[str]:
    for number, (name, item) in enumerate(items, 1):
        first, *rest = _json_lines(item, width - len(_INDENT) - len(name) - 1)
        *block, last = [f"{_INDENT}{name}{first}", *(f"{_INDENT}{text}" for text in rest)]
        yield from block
        yield last + ("," if number < len(items) else "")


def _one_line(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _first_line(text: str) -> str:
    """The first line with something in it; of JSON all of it, on one line."""
    text = text.strip()
    if text.startswith(("{", "[")):
        try:
            return clean(_one_line(loads(text)))
        except JsonError:
            return clean(text)
    return clean(text.split("\n", 1)[0])


def _body_lines(text: str, indent: str, room: int) -> Iterator[Text]:
    """Lines broken between words; the rest of a broken line keeps the spaces at its beginning."""
    for whole in clean_lines(text):
        body = whole.lstrip(" ")
        margin = indent + " " * min(len(whole) - len(body), max(0, room - len(indent) - 16))
        yield from (line(margin + piece) for piece in broken(body, max(8, room - len(margin))))
