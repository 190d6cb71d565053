"""Lines of `content` that lose something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeAlias

from aloma_cli.checking.finding import Finding
from aloma_cli.checking.subject import Subject

_MADE = (
    ast.Dict,
    ast.List,
    ast.Tuple,
    ast.Set,
    ast.Constant,
    ast.JoinedStr,
    ast.DictComp,
    ast.ListComp,
    ast.SetComp,
    ast.GeneratorExp,
    ast.Subscript,
    ast.BinOp,
    ast.Compare,
)
"""Expressions that are never None; the result of a call such as `log("done")` may be None."""

_Content: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def find(subject: Subject) -> Iterator[Finding]:
    """As every rule."""
    for step in subject.steps:
        text = subject.python(step)
        if text is None:
            continue
        content = next((one for one in ast.parse(text).body if getattr(one, "name", "") == "content"), None)
        if isinstance(content, ast.FunctionDef | ast.AsyncFunctionDef):
            for line, message, cure in _slips(content):
                place = subject.line(step, line)
                yield Finding(place, "lost", f"{step.name}: {message}", cure, step.name, "error")


def _slips(content: _Content) -> Iterator[tuple[int, str, str]]:
    """Line, what is wrong, what to write instead."""
    takes_data = any(one.arg == "data" for one in (*content.args.args, *content.args.kwonlyargs))
    for node in _own_nodes(content):
        match node:
            case ast.Return(value=ast.expr() as value) if _is_made(value, content):
                yield node.lineno, "the return value of content is ignored", "write into data, and return nothing"
            case ast.Assign(targets=[ast.Name(id="data")]) | ast.AnnAssign(target=ast.Name(id="data")) if takes_data:
                yield (
                    node.lineno,
                    "this assigns to the name data, which does not change the document",
                    "use data.update(…)",
                )
            case ast.Call(func=ast.Name(id="input")):
                yield (node.lineno, "a step has no keyboard, so input() cannot work", "use task.ask(…)")
            case _ if isinstance(content, ast.AsyncFunctionDef) and (call := _not_awaited(node, content)):
                text = ast.unparse(call.func)
                yield call.lineno, f"{text} is called without await, so it is never sent", f"write await {text}(…)"


def _is_made(value: ast.expr, content: _Content) -> bool:
    """Whether a value is surely not None."""
    if isinstance(value, ast.Name):
        given = [one.arg for one in (*content.args.args, *content.args.kwonlyargs)]
        values = _assigned(value.id, content)
        return not values if value.id in given else bool(values) and all(_is_displayed(one) for one in values)
    return _is_displayed(value)


def _is_displayed(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Await):
        match value.value:
            case ast.Call(func=ast.Attribute(attr="chat") as function):
                return _root(function) == "connectors"
        return False
    return isinstance(value, _MADE) and not (isinstance(value, ast.Constant) and value.value is None)


def _assigned(name: str, content: ast.AST) -> list[ast.expr | None]:
    """The values that a name gets; None for one that is not known, as in a loop."""
    known = [
        one.value
        for one in ast.walk(content)
        if isinstance(one, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == name for target in one.targets)
    ]
    stored = sum(isinstance(one, ast.Name) and one.id == name and _is_store(one) for one in ast.walk(content))
    return [*known, *[None] * (stored - len(known))]


def _not_awaited(node: ast.AST, content: ast.AST) -> ast.Call | None:
    """The call of a connector in `node` whose result is lost or used as if it had been awaited."""
    match node:
        case ast.Expr(value=ast.Call() as call) | ast.Attribute(value=ast.Call() as call):
            lost = True
        case ast.Subscript(value=ast.Call() as call):
            lost = True
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
            lost = len(_assigned(name, content)) == 1 and not _is_passed_on(name, content)
        case ast.Assign(targets=[ast.Subscript() as target], value=ast.Call() as call):
            lost = _root(target) == "data"
        case _:
            return None
    return call if lost and _root(call.func) == "connectors" else None


def _is_passed_on(name: str, content: ast.AST) -> bool:
    """Whether a name is used for more than an attribute or an item: it may be awaited there."""
    used = sum(isinstance(one, ast.Name) and one.id == name and not _is_store(one) for one in ast.walk(content))
    within = [one.value for one in ast.walk(content) if isinstance(one, ast.Attribute | ast.Subscript)]
    return used > sum(isinstance(one, ast.Name) and one.id == name for one in within)


def _is_store(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _own_nodes(content: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside it."""
    for node in ast.iter_child_nodes(content):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield node
            yield from _own_nodes(node)


def _root(place: ast.expr) -> str | None:
    """The name that a chain of attributes and items begins with."""
    while isinstance(place, ast.Attribute | ast.Subscript):
        place = place.value
    return place.id if isinstance(place, ast.Name) else None
