"""Print how large and how winding the package is, each figure beside its limit.

    .venv/bin/python tools/house.py [FOLDER]

FOLDER holds `aloma_cli/`; the default is this repository. How each figure is counted:

- Lines of code: lines with a token other than a comment or a docstring. Their limit is about what there is: a feature
  may raise it, and nothing else.
- Entered: distinct functions, and their files, called by `aloma task new -q` in a workspace of one one-line step, in
  every thread, counted by `sys.setprofile`. The body of a class, which an import runs, is not a function.
- Stays: the calls of functions in engine/ from `deliver`, which takes a firing's outcome, until the plan is asked what
  can start next (or the commit is emitted), as a sequence of files; neighbours in the same file are one stay. Returns:
  stays in a file that had been left before.
- Methods: of `Workspace` or of `Scheduler`, the engine's run of a tree, whichever has more.
- Class names used twice: in two files or more. Private names: functions `_name` defined in three files or more.
- Imports inside functions: `import` statements of this package below a `def`.
- Circles: groups of modules that import each other, inside functions too. Upwards: imports of a higher row of the
  contract in pyproject.toml.
- Start-up: the fastest of several runs, over the fastest `python -c pass`.
"""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "aloma_cli"
STEP = 'condition = {"name": str, "greeting": None}\ndef content(data): data["greeting"] = data["name"]\n'
RUNS = 9

Imports = dict[str, set[str]]
Row = tuple[str, float, float]

_LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER}

_ENTERED = """
import inspect, json, sys, threading
seen = set()
def profile(frame, event, _):
    code = frame.f_code
    if event == "call" and "/aloma_cli/" in code.co_filename and code.co_flags & inspect.CO_OPTIMIZED:
        if not code.co_name.startswith("<"):
            seen.add((code.co_filename, code.co_qualname))
from aloma_cli.__main__ import main
sys.argv = ["aloma", "task", "new", "T", "-d", '{"name": "Ada"}', "--offline", "-q"]
threading.setprofile(profile)
sys.setprofile(profile)
try:
    main()
except SystemExit:
    pass
sys.setprofile(None)
open("figures.json", "w").write(json.dumps([len(seen), len({file for file, _ in seen})]))
"""

_STAYS = """
import asyncio, json, sys
from aloma_cli import Step, Workspace
files, delivered = [], False
def profile(frame, event, _):
    global delivered
    if event == "call" and "/aloma_cli/engine/" in frame.f_code.co_filename:
        delivered = delivered or frame.f_code.co_name == "deliver"
        if delivered and frame.f_code.co_name.startswith("to_"):
            sys.setprofile(None)
        elif delivered and files[-1:] != [frame.f_code.co_filename]:
            files.append(frame.f_code.co_filename)
def emit(event):
    if type(event).__name__ == "Committed":
        sys.setprofile(None)
def content(data):
    data["greeting"] = data["name"]
workspace = Workspace([Step("greet", {"name": str, "greeting": None}, content)])
sys.setprofile(profile)
asyncio.run(workspace.run("T", {"name": "Ada"}, emit=emit))
open("figures.json", "w").write(json.dumps([len(files), len(files) - len(set(files))]))
"""


def main() -> None:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[1]).resolve()
    trees = {path: ast.parse(path.read_text()) for path in sorted((root / PACKAGE).rglob("*.py"))}
    print(f"{'':58}{'now':>9}{'at most':>9}")
    for name, now, most in (*detours(root), *counts(root, trees), *start_up(root)):
        print(f"{name:58}{now:9,.5g}{most:9,.5g}{'' if now <= most else '  over'}")


def detours(root: Path) -> Iterator[Row]:
    functions, files = probe(root, _ENTERED)
    yield "functions entered by the plainest `task new`", functions, 350
    yield "files entered by the plainest `task new`", files, 85
    stays, returns = probe(root, _STAYS)
    yield "stays of one firing's end", stays, 14
    yield "files it returns to", returns, 5


def counts(root: Path, trees: dict[Path, ast.Module]) -> Iterator[Row]:
    yield "lines of code", sum(code_lines(path, tree) for path, tree in trees.items()), 38_200
    yield "methods of `Workspace` or `Scheduler`", max(map(methods, trees.values())), 15
    yield "class names used twice", len(repeated(trees, (ast.ClassDef,), 2)), 0
    private = repeated(trees, (ast.FunctionDef, ast.AsyncFunctionDef), 3)
    yield "private names in three files or more", sum(name[0] == "_" != name[1] for name in private), 3
    yield "imports of our own inside functions", sum(map(inner_imports, trees.values())), 25
    graph = {module_of(path, root): imports_of(path, root, tree) for path, tree in trees.items()}
    yield "circles of imports", len(circles(graph)), 0
    yield "imports upwards", upwards(root, graph), 0


def code_lines(path: Path, tree: ast.Module) -> int:
    documentation = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type not in _LAYOUT and token.type != tokenize.COMMENT:
            held.update(range(token.start[0], token.end[0] + 1))
    return len(held - documentation)


def repeated(trees: dict[Path, ast.Module], kinds: tuple[type, ...], times: int) -> list[str]:
    """The names defined in at least so many files."""
    files: dict[str, set[Path]] = defaultdict(set)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, kinds):
                files[node.name].add(path)  # type: ignore[attr-defined]  # each kind has a name
    return [name for name, found in files.items() if len(found) >= times]


def methods(tree: ast.Module) -> int:
    """The methods of the class that runs tasks, in a program or in the engine, if it is in this file."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    runs = [node for node in classes if node.name in ("Workspace", "Scheduler")]
    return sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for one in runs for node in one.body)


def inner_imports(tree: ast.Module) -> int:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = {node for function in functions for node in ast.walk(function) if isinstance(node, ast.ImportFrom)}
    return sum((node.module or "").startswith(PACKAGE) for node in found)


def module_of(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path, root: Path, tree: ast.Module) -> set[str]:
    """The modules of the package that this one imports when it runs: not those for type checkers."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    for node in waiting:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            home = root.joinpath(*str(node.module).split("."))
            found |= {
                f"{node.module}.{name.name}" if (home / f"{name.name}.py").exists() else str(node.module)
                for name in node.names
            }
    return found - {module_of(path, root)}


def circles(graph: Imports) -> list[set[str]]:
    """The groups of modules each of which reaches all others of its group."""
    reached = {module: reach(graph, module) for module in graph}
    groups = {
        frozenset({module, *(other for other in reached[module] if module in reached.get(other, ()))})
        for module in graph
    }
    return [set(group) for group in groups if len(group) > 1]


def reach(graph: Imports, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


def upwards(root: Path, graph: Imports) -> int:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [row.split("|") for row in contracts[0]["layers"]]
    rank = {part.strip(" ()"): at for at, row in enumerate(layers) for part in row}
    pairs = {(part_of(module), part_of(other)) for module, others in graph.items() for other in others}
    return sum(rank[one] > rank[other] for one, other in pairs if one in rank and other in rank)


def part_of(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def probe(root: Path, code: str) -> tuple[int, int]:
    """The two numbers that `code` writes to figures.json."""
    with workspace() as folder:
        python(root, folder, "-c", code)
        first, second = json.loads(Path(folder, "figures.json").read_text())
        return first, second


def start_up(root: Path) -> Iterator[Row]:
    with workspace() as folder:
        python(root, folder, "-m", PACKAGE, "task", "new", "T", "-d", '{"name": "Ada"}', "--offline", "-q")
        bare = fastest(root, folder, "-c", "pass")
        for words, most in (("task show --json", 5), ("task list", 5), ("--help", 8)):
            ratio = fastest(root, folder, "-m", PACKAGE, *words.split()) / bare
            yield f"`aloma {words}` over `python -c pass`", round(ratio, 1), most


def fastest(root: Path, folder: str, *arguments: str) -> float:
    def once() -> float:
        begin = time.perf_counter()
        python(root, folder, *arguments)
        return time.perf_counter() - begin

    return min(once() for _ in range(RUNS))


def workspace() -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory()
    steps = Path(folder.name, "steps")
    steps.mkdir()
    (steps / "greet.py").write_text(STEP)
    return folder


def python(root: Path, folder: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the workspace at `folder`, with the package of `root` and a home folder of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ALOMA_", "OPENAI_", "XDG_"))}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
    environ |= {"PYTHONPATH": str(root), "HOME": folder}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments[:4])} failed:\n{done.stderr}")
    return done


if __name__ == "__main__":
    main()
