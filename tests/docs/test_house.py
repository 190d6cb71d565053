"""The rules for names, imports and the layout in CONTRIBUTING.md that a machine can hold."""

from __future__ import annotations

import ast
from pathlib import Path

from tools import house

ROOT = Path(__file__).parents[2]
TREES = {path: ast.parse(path.read_text()) for path in sorted((ROOT / house.PACKAGE).rglob("*.py"))}


def test_a_class_name_is_used_once() -> None:
    assert house.repeated(TREES, (ast.ClassDef,), 2) == []


def test_a_private_name_is_not_in_three_files() -> None:
    names = house.repeated(TREES, (ast.FunctionDef, ast.AsyncFunctionDef), 3)
    assert [name for name in names if name[0] == "_" != name[1]] == []


def test_few_imports_are_inside_functions() -> None:
    assert sum(map(house.inner_imports, TREES.values())) <= 25


def test_each_module_imported_later_is_used() -> None:
    """The linter does not see that such a name is unused, because it is assigned."""
    unused = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in TREES.items()
        for name in _later_names(tree) - _names_read(tree)
    }
    assert unused == set()


def _later_names(tree: ast.Module) -> set[str]:
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
    return {ast.unparse(node.targets[0]) for node in assigned if ast.unparse(node.value).startswith("Later(")}


def _names_read(tree: ast.Module) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def test_a_plain_run_makes_few_detours() -> None:
    assert [name for name, now, most in house.detours(ROOT) if now > most] == []


def test_the_classes_that_run_tasks_are_small() -> None:
    assert max(map(house.methods, TREES.values())) <= 15
