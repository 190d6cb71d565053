"""An exception as data: its type, its place, and the fix."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeAlias, TypeVar

from aloma_cli.content.authors import is_own, place
from aloma_cli.content.function import StepFunction
from aloma_cli.content.hints import Scene, hint_for, in_authors_words, place_for
from aloma_cli.errors import AlomaError, AnswerError, ConnectorError
from aloma_cli.jsontext import JsonObject

Value = TypeVar("Value")

_MACHINERY = (f"{__name__.partition('.')[0]}.", "asyncio.")
_FRAMES_KEPT = 20
"""The innermost frames, because the place of the error matters most."""

_MOST_PARTS = 10
_DEEPEST = 5


def describe(error: BaseException, content: StepFunction) -> JsonObject:
    """`error` as in `events.FiringFailed`. Parts of it that raise when they are read are left out."""
    frames = _frames(error)
    described = _brief(error, content, frames, _DEEPEST)
    if frames:
        summary = traceback.StackSummary.extract(frames, limit=-_FRAMES_KEPT)
        described["trace"] = [line.rstrip() for line in traceback.format_list(summary)]
    if isinstance(error, ConnectorError):
        described["connector"] = True
        described |= {"retry_after": error.retry_after} if error.retry_after else {}
    if isinstance(error, AnswerError):
        described["misfits"] = list(error.misfits)
    return described


def type_name(error: BaseException) -> str:
    """The name of its type."""
    return str.__str__(type(error).__name__)


def _brief(error: BaseException, content: StepFunction, frames: _Frames, deeper: int) -> JsonObject:
    """Type and message, and if known: place, hint, notes, parts, cause."""
    scene = Scene(error, message_of(error), content)
    found: dict[str, Any] = {
        "type": type_name(error),
        "message": in_authors_words(scene.message),
        "place": _said(error, "place") or place_for(scene) or _place_in_content(frames, content),
        "hint": _said(error, "hint") or hint_for(scene),
        "notes": _asked(lambda: [str.__str__(note) for note in error.__notes__]),
    }
    if deeper:
        found["parts"] = [_brief(part, content, _frames(part), deeper - 1) for part in parts_of(error)[:_MOST_PARTS]]
        found["cause"] = _cause(error, content, deeper - 1)
    if found.get("parts"):
        found["message"] += f": {_part_line(found['parts'][0])}"
    return {name: value for name, value in found.items() if value or name in ("type", "message")}


def parts_of(error: BaseException) -> tuple[BaseException, ...]:
    """The errors that a group consists of."""
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()


def _cause(error: BaseException, content: StepFunction, deeper: int) -> JsonObject | None:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is None:
        return None
    frames = _frames(cause)
    # Our own errors already describe errors of libraries, but not those of an author's code.
    told = not isinstance(error, AlomaError) or any(is_own(frame.f_code.co_filename) for frame, _ in frames)
    return _brief(cause, content, frames, deeper) if told else None


def _part_line(described: JsonObject) -> str:
    at = described.get("place")
    return f"{described['type']}: {described['message']}{f' ({at})' if at else ''}"


def message_of(error: BaseException) -> str:
    """Its text, or the name of its type."""
    return _asked(lambda: str.__str__(str(error))) or type_name(error)


def _said(error: BaseException, attribute: str) -> str | None:
    value = _asked(lambda: getattr(error, attribute))
    return str.__str__(value) if isinstance(value, str) else None


def _asked(question: Callable[[], Value]) -> Value | None:
    try:
        return question()
    except BaseException:  # noqa: BLE001  (an author's error class may raise anything)
        return None


_Frames: TypeAlias = list[tuple[FrameType, int]]


def _frames(error: BaseException) -> _Frames:
    """The frames of the step and of its callees, without the engine's."""
    return [
        (frame, line or frame.f_code.co_firstlineno)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if not frame.f_globals.get("__name__", "").startswith(_MACHINERY)
    ]


def _place_in_content(frames: _Frames, content: StepFunction) -> str | None:
    """Where an author's own code failed; else where its callee failed."""
    own = [(frame, line) for frame, line in frames if is_own(frame.f_code.co_filename)]
    for frame, line in reversed(own or frames):
        return place(frame.f_code.co_filename, line, content.source)
    return None
