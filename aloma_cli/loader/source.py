"""The source of a Python file of the workspace, and the lines of its parts."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from aloma_cli.values import dataclass

if TYPE_CHECKING:
    import pathlib

    from aloma_cli.jsontext import Path


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """A loaded module's source; satisfies `aloma_cli.content.source.Source`.

    `shown`: how messages name the file, relative to the workspace.
    """

    path: pathlib.Path
    shown: str
    text: str
    docstring: str | None = None

    def place(self, name: str, path: Path = ()) -> str:
        """`file:line` of the assignment to `name`, as close to `path` inside its value as the source shows."""
        for statement in reversed(ast.parse(self.text).body):
            if name in _names_set_by(statement):
                value = getattr(statement, "value", None)
                return f"{self.shown}:{_line_inside(value, path, statement.lineno)}"
        return self.shown


def _names_set_by(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in statement.names]
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _line_inside(node: ast.expr | None, path: Path, line: int) -> int:
    """The line of the item at `path` in a literal; if the path leaves the literal, the last line before that."""
    for key in path:
        if isinstance(node, ast.Dict):
            found = _dict_item(node, key)
            if found is None:
                return line
            line, node = found
        elif isinstance(node, ast.List) and isinstance(key, int) and key < len(node.elts):
            node = node.elts[key]
            line = node.lineno
        else:
            return line
    return line


def _dict_item(node: ast.Dict, wanted: str | int) -> tuple[int, ast.expr] | None:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == wanted:
            return key.lineno, value
    return None
