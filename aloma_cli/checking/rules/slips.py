"""Lines of `content` that lose something."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from aloma_cli.checking.finding import Finding
from aloma_cli.checking.subject import Subject

_MADE = (ast.Dict, ast.List, ast.Tuple, ast.Set, ast.Constant, ast.JoinedStr, ast.DictComp, ast.ListComp, ast.Subscript)
"""What is surely not None, as the result of a call such as `return log("done")` may be."""


def find(subject: Subject) -> Iterator[Finding]:
    """As every rule."""
    for step in subject.steps:
        if step.source is None or step.source.path.suffix != ".py":
            continue
        content = next((one for one in ast.parse(step.source.text).body if getattr(one, "name", "") == "content"), None)
        if isinstance(content, ast.FunctionDef | ast.AsyncFunctionDef):
            for line, message, cure in _slips(content):
                place = subject.line(step, line)
                yield Finding(place, "lost", f"{step.name}: {message}", cure, step.name, "error")


def _slips(content: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, str, str]]:
    """Line, what is wrong, what to write instead."""
    takes_data = any(one.arg == "data" for one in (*content.args.args, *content.args.kwonlyargs))
    for node in _own(content):
        match node:
            case ast.Return(value=ast.expr() as value) if isinstance(value, _MADE) and not _is_none(value):
                yield node.lineno, "what content returns is lost", "write into data, and return nothing"
            case ast.Assign(targets=[ast.Name(id="data")]) | ast.AnnAssign(target=ast.Name(id="data")) if takes_data:
                yield (
                    node.lineno,
                    "this gives the name data another value; the document stays as it is",
                    "use data.update(…)",
                )
            case ast.Expr(value=ast.Call() as call) if _is_connector(call) and isinstance(
                content, ast.AsyncFunctionDef
            ):
                text = ast.unparse(call.func)
                yield node.lineno, f"{text} is called without await, so it is never sent", f"write await {text}(…)"


def _own(content: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside it."""
    for node in ast.iter_child_nodes(content):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from _own(node)


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_connector(call: ast.Call) -> bool:
    function: ast.expr = call.func
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id == "connectors"
