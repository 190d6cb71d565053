"""`aloma task graph`"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated

from aloma_cli.api.explaining import question
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import for_people, put, put_json, result
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.workspaces import load_asked
from aloma_cli.errors import InputError, did_you_mean
from aloma_cli.explain.graph import SOURCES, Graph, graph
from aloma_cli.jsontext import cut
from aloma_cli.view.format import clean
from aloma_cli.view.terminal import size_of
from aloma_cli.view.theme import Glyphs, branches, glyphs_for


def draw(
    task: options.LastTask = "@last",
    form: Annotated[
        str | None,
        Option(
            ("--format",),
            "tree, mermaid or dot; default: tree at a terminal, else mermaid.",
            "NAME",
            offers=("tree", "mermaid", "dot"),
        ),
    ] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the graph as JSON.")] = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task graph
      aloma task graph @last --format dot | dot -Tsvg > run.svg
      aloma task graph 01jd3k --json | jq .edges

    Shows which step woke which, and through which field of the document.
    """
    form = form or ("tree" if for_people() else "mermaid")
    if form not in _FORMATS:
        hint = did_you_mean(form, _FORMATS) or f"use one of {', '.join(_FORMATS)}"
        raise InputError(f"--format {form!r} is not a format", hint=hint)
    told = graph(question(load_asked(workspace), task))
    if as_json:
        put_json(told.to_json())
        return exit_codes.DONE
    for line in _FORMATS[form](told):
        put(line)
    return exit_codes.DONE


def _step_tree(told: Graph) -> Iterator[str]:
    """Each step below the one that woke it first; where it was woken again, only its name."""
    glyphs = glyphs_for(result().encoding)
    targets = {edge.step for edge in told.edges}
    room = size_of(result()).room
    seen: set[str] = set()
    for name in told.nodes:
        if name in SOURCES or name not in targets:
            yield name
            yield from (cut(line, room) for line in _steps_below(told, name, "", seen, glyphs))


def _steps_below(told: Graph, name: str, indent: str, seen: set[str], glyphs: Glyphs) -> Iterator[str]:
    edges = [edge for edge in told.edges if edge.source == name]
    for edge, start, below in branches(edges, indent, glyphs):
        again = edge.step in seen
        fired = "" if again else f" {told.fired[edge.step]}×"
        mark = " (see above)" if again else ""
        yield f"{start}{clean(edge.step)}{fired}   {clean(edge.label)}{mark}"
        if not again:
            seen.add(edge.step)
            yield from _steps_below(told, edge.step, below, seen, glyphs)


def _mermaid(told: Graph) -> Iterator[str]:
    yield "flowchart TD"
    ids = {name: f"n{at}" for at, name in enumerate(told.nodes)}
    for name, key in ids.items():
        text = _mermaid_text(name if name in SOURCES else f"{name} {told.fired[name]}×")
        yield f"    {key}([{text}])" if name in SOURCES else f"    {key}[{text}]"
    for edge in told.edges:
        yield f"    {ids[edge.source]} -->|{_mermaid_text(edge.label)}| {ids[edge.step]}"


_MERMAID = '"#;&<>`%\\$'
"""What Mermaid reads as its own within a text: also directives, breaks of lines and formulas."""


def _mermaid_text(text: str) -> str:
    """A label: quotes and what Mermaid reads as its own are written as entities."""
    return '"' + "".join(f"#{ord(one)};" if one in _MERMAID else one for one in clean(text)) + '"'


def _dot(told: Graph) -> Iterator[str]:
    yield "digraph run {"
    yield "  node [shape=box];"
    for name in told.nodes:
        shape = ", shape=oval" if name in SOURCES else ""
        text = name if name in SOURCES else f"{name} {told.fired[name]}×"
        yield f"  {_quoted(name)} [label={_quoted(text)}{shape}];"
    for edge in told.edges:
        yield f"  {_quoted(edge.source)} -> {_quoted(edge.step)} [label={_quoted(edge.label)}];"
    yield "}"


def _quoted(text: str) -> str:
    return json.dumps(clean(text), ensure_ascii=False)


_FORMATS: dict[str, Callable[[Graph], Iterator[str]]] = {"tree": _step_tree, "mermaid": _mermaid, "dot": _dot}
