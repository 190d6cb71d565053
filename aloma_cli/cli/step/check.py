"""`aloma step check`"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from aloma_cli.api.workspace import Workspace
from aloma_cli.checking.check import check
from aloma_cli.checking.finding import Finding
from aloma_cli.checking.subject import Material
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import DONE, ERRORS
from aloma_cli.cli.output import put, put_json, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.table import open_connectors
from aloma_cli.errors import AlomaError, StepError, WorkspaceError
from aloma_cli.jsontext import JsonError, JsonObject, loads
from aloma_cli.loader.layout import LIBRARIES_FOLDER
from aloma_cli.loader.yamldata import load_yaml
from aloma_cli.record.events import Committed, TaskCreated
from aloma_cli.view.format import plural

_MOST_TASKS = 200
_MOST_COMMITS = 20_000


def check_steps(
    strict: Annotated[bool, Option(("--strict",), "Exit with 3 for warnings too.")] = False,
    as_json: Annotated[bool, Option(("--json",), "Print the findings as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma step check
      aloma step check --strict --json

    Finds mistakes without running a step: files that do not load, conditions that
    never hold, fields that nothing writes, steps that conflict, cycles, subtasks
    for which no condition holds. What steps write is read from their source, examples/,
    cases/ and the records of tasks.
    Exit codes: 0 no errors, 3 errors, or with --strict any finding.
    """
    home = load_workspace(workspace)
    findings = [*map(_load_finding, home.loaded.broken), *check(material_of(home))]
    if as_json:
        put_json({"schema": 1, "findings": [finding.to_json() for finding in findings]})
    else:
        _print_findings(findings, len(home.steps))
    failed = [finding for finding in findings if strict or finding.severity == "error"]
    return ERRORS[WorkspaceError] if failed else DONE


def _print_findings(findings: list[Finding], steps: int) -> None:
    for finding in findings:
        put(f"{finding.place}: {finding.severity}: {finding.message}")
        if finding.cure:
            put(f"  → {finding.cure}")
    errors = sum(finding.severity == "error" for finding in findings)
    told = f"{plural(errors, 'error')}, {plural(len(findings) - errors, 'warning')}" if findings else "nothing found"
    say(f"aloma: {plural(steps, 'step')} checked, {told}")


def _load_finding(error: StepError) -> Finding:
    place, _, message = str(error).partition(": ")
    return Finding(place, "load", message, error.hint, None, "error")


def material_of(home: Workspace) -> Material:
    """What is known about the steps of a workspace: examples, cases, and the newest tasks."""
    root = home.loaded.root or Path()
    payloads = dict(_examples(root))
    recorded: list[list[tuple[str, tuple[JsonObject, ...]]]] = []
    for task in home.store.newest_first().ids:
        if len(recorded) >= _MOST_TASKS or sum(map(len, recorded)) >= _MOST_COMMITS:
            break
        try:
            events = home.task(task).tree_journal
        except AlomaError:  # a damaged record says nothing about the steps
            continue
        payloads |= {f"task {task}": event.data for event in events if isinstance(event, TaskCreated)}
        recorded.append([(event.step or "", event.changes) for event in events if isinstance(event, Committed)])
    return Material(
        steps=home.steps.values(),
        payloads=payloads,
        recorded=[commit for commits in recorded for commit in commits],
        libraries={path.stem: path.read_text("utf-8") for path in sorted((root / LIBRARIES_FOLDER).glob("*.py"))},
        connectors=_connectors(home),
    )


def _examples(root: Path) -> Iterator[tuple[str, JsonObject]]:
    """The data of tasks in `examples/` (files directly in it) and `cases/`."""
    for path in sorted((root / "examples").glob("*.*")):
        for data in _example_objects(path):
            yield path.name, data
    for path in sorted((root / "cases").rglob("*.yaml")):
        for case in _example_objects(path):
            if isinstance(case.get("data"), dict):
                yield path.name, case["data"]


def _example_objects(path: Path) -> Iterable[JsonObject]:
    try:
        content = path.read_bytes()
        value = load_yaml(content, path.name) if path.suffix in (".yaml", ".yml") else loads(content)
    except (OSError, JsonError, AlomaError):
        return ()
    return [value] if isinstance(value, dict) else ()


def _connectors(home: Workspace) -> dict[str, frozenset[str]]:
    opened = open_connectors(ModelSettings(offline=True), home.loaded.connector_modules)
    servers = frozenset(server.name for server in home.loaded.config.mcp)
    return {name: frozenset(functions) for name, functions in opened.items()} | ({"mcp": servers} if servers else {})
