"""The rules for names and imports in CONTRIBUTING.md that a machine can hold."""

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
