"""The fix for each common mistake: one row a mistake, in this order."""

from __future__ import annotations

import ast
import contextlib
import inspect
import linecache
import re
from collections.abc import Callable
from functools import cached_property
from itertools import islice
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from aloma_cli.content.authors import is_own
from aloma_cli.content.function import StepFunction
from aloma_cli.content.lost import place_in_content
from aloma_cli.errors import DocumentError, did_you_mean
from aloma_cli.later import Later
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from aloma_cli.content.handles import step as steps
    from aloma_cli.content.handles import task as tasks
else:
    steps = Later("aloma_cli.content.handles.step")
    tasks = Later("aloma_cli.content.handles.task")


@dataclass(frozen=True)
class Scene:
    """An error, its message, and the content that raised it."""

    error: BaseException
    message: str
    content: StepFunction

    @cached_property
    def _own(self) -> TracebackType | None:
        """The innermost part of the traceback in an author's code."""
        found, trace = None, self.error.__traceback__
        while trace is not None:
            found = trace if is_own(trace.tb_frame.f_code.co_filename) else found
            trace = trace.tb_next
        return found

    @cached_property
    def expression(self) -> ast.expr | None:
        """The expression that failed there."""
        if self._own is None:
            return None
        code, at = self._own.tb_frame.f_code, self._own.tb_lasti // 2
        line, end_line, begin, end = next(islice(code.co_positions(), at, None), (None,) * 4)
        if line is None or end_line is None or begin is None or end is None:
            return None
        lines = [text.encode() for text in linecache.getlines(code.co_filename)[line - 1 : end_line]]
        if not lines:
            return None
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][begin:]
        return ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body

    def value(self, node: ast.expr) -> Any:
        """The value of a name, or of a part of it, there. May raise anything."""
        frame: FrameType | None = self._own.tb_frame if self._own else None
        match node:
            case ast.Name(id=name) if frame is not None:
                return frame.f_locals[name] if name in frame.f_locals else frame.f_globals[name]
            case ast.Attribute(value=inner, attr=name):
                return getattr(self.value(inner), name)
            case ast.Subscript(value=inner, slice=ast.Constant(value=key)):
                return self.value(inner)[key]
        raise LookupError(ast.unparse(node))


def hint_for(scene: Scene) -> str | None:
    """The fix in one line, if it is known."""
    for recognise in _RECOGNISERS:
        # An author's values and source may be anything.
        with contextlib.suppress(Exception):
            hint = recognise(scene)
            if hint:
                return hint
    return None


def place_for(scene: Scene) -> str | None:
    """`file:line` that wrote a value into the document that is not JSON: that line raises nothing."""
    written = _assignment(scene)
    return (
        None if written is None else place_in_content(scene.content, lambda node: ast.dump(node) == ast.dump(written))
    )


def in_authors_words(message: str) -> str:
    """A message of Python with the names that steps use."""
    for ours, theirs in _NAMES:
        message = re.sub(ours, theirs, message)
    return message


_NAMES = (
    (r"\bLog\.__call__\(\)", "log()"),
    (r"\bTaskHandle\.", "task."),
    (r"\bStepHandle\.", "step."),
    (r"'Log' object", "`log`"),
    (r"'TaskHandle' object", "`task`"),
    (r"'StepHandle' object", "`step`"),
)


def _dotted(scene: Scene) -> str | None:
    error = scene.error
    if not isinstance(error, AttributeError) or not isinstance(error.obj, dict):
        return None
    of = ast.unparse(scene.expression.value) if isinstance(scene.expression, ast.Attribute) else ""
    return f'write {of}["{error.name}"]'


def _misspelt_key(scene: Scene) -> str | None:
    node = scene.expression
    if not isinstance(scene.error, KeyError) or not isinstance(node, ast.Subscript):
        return None
    key, owner = scene.error.args[0], scene.value(node.value)
    if not isinstance(owner, dict) or key in owner or not isinstance(key, str):
        return None
    known = [name for name in owner if isinstance(name, str)]
    near = did_you_mean(key, known)
    shown = near.split("`")[1] if near else ", ".join(known[:_MOST_KEYS]) or "no keys"
    return f"{ast.unparse(node.value)} has {shown}{'; did you mean that?' if near else ''}"


_MOST_KEYS = 6


def _answer_for_its_data(scene: Scene) -> str | None:
    """`answer["price"]`, where the price is in `answer.data`."""
    match scene.expression:
        case ast.Subscript(value=owner, slice=ast.Constant(value=str(key))) | ast.Attribute(value=owner, attr=key):
            data = getattr(scene.value(owner), "data", None)
            known = isinstance(scene.error, KeyError | AttributeError) and isinstance(data, dict) and key in data
            return f'write {ast.unparse(owner)}.data["{key}"]' if known else None
    return None


def _wrong_arguments(scene: Scene) -> str | None:
    """What a method of `task` or `step` takes."""
    if not isinstance(scene.error, TypeError) or not isinstance(scene.expression, ast.Call):
        return None
    function = scene.value(scene.expression.func)
    if not isinstance(getattr(function, "__self__", None), tasks.TaskHandle | steps.StepHandle):
        return None
    plain = [one.replace(annotation=one.empty) for one in inspect.signature(function).parameters.values()]
    return f"it takes ({', '.join(map(str, plain))})"


def _needless_await(scene: Scene) -> str | None:
    if not isinstance(scene.error, TypeError) or "await" not in scene.message:
        return None
    node = scene.expression
    work = node.value if isinstance(node, ast.Await) else node
    if not isinstance(work, ast.Call):
        return None
    name = ast.unparse(work.func)
    if name == "task.ask":
        return "task.ask does not wait: the answer is written at its `into`; a step waits for it with its condition"
    return f"{name} does not wait for anything: remove `await`"


def _not_json(scene: Scene) -> str | None:
    error = scene.error
    if not isinstance(error, DocumentError) or error.kind is None:
        return None
    if error.key:
        return "write str(key)"
    written = _assignment(scene)
    value = ast.unparse(written.value) if isinstance(written, ast.Assign) else "it"
    cures = (cure for kinds, cure in _AS_JSON.items() if error.kind.__name__ in kinds.split())
    return next((f"write {cure.format(value)}" for cure in cures), None)


_AS_JSON = {
    "datetime date time": "{}.isoformat()",
    "set frozenset deque generator map filter zip range dict_keys dict_values dict_items": "list({})",
    "bytes bytearray": "{}.decode()",
    "Decimal Fraction": "float({}), or str({0}) to keep every digit",
    "coroutine ConnectorCall Task Future": "await {}",
}
"""What to write for a value, by the names of types: those that the author's own libraries have count as well."""


def _assignment(scene: Scene) -> ast.Assign | None:
    """Where the step's content assigns the value that is not JSON: `….["key"] = …`, by its key."""
    keys = scene.error.path if isinstance(scene.error, DocumentError) else ()
    found: list[ast.Assign] = []

    def collect(node: ast.AST) -> bool:
        if isinstance(node, ast.Assign) and any(_key_of(target) in keys for target in node.targets):
            found.append(node)
        return False

    if keys:
        place_in_content(scene.content, collect)
    return found[-1] if found else None


def _key_of(target: ast.expr) -> Any:
    match target:
        case ast.Subscript(slice=ast.Constant(value=key)):
            return key
    return None


def _by_words(scene: Scene) -> str | None:
    return next(
        (hint for words, hint in _WORDS if re.search(words, f"{type(scene.error).__name__}: {scene.message}")), None
    )


_WORDS = (
    (r"^TypeError: Log\.__call__\(\)", "write log(…), log.warning(…) or log.error(…)"),
    (r"^JSONDecodeError: ", "ask the model with shape=…: answer.data is then read and checked"),
    (r"'coroutine' object", "write `await` before the call"),
    (r"asyncio\.run\(\) cannot be called", "write `await` instead of asyncio.run()"),
    (r"^EOFError: ", "a step has no keyboard: use task.ask"),
)

_RECOGNISERS: tuple[Callable[[Scene], str | None], ...] = (
    _dotted,
    _misspelt_key,
    _answer_for_its_data,
    _wrong_arguments,
    _needless_await,
    _not_json,
    _by_words,
)
