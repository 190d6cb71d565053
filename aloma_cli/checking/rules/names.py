"""Libraries, connectors, and members of `task` and `step` that do not exist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aloma_cli.checking.facts import Name
from aloma_cli.checking.finding import Finding
from aloma_cli.checking.subject import Subject
from aloma_cli.content.handles.step import StepHandle
from aloma_cli.content.handles.task import TaskHandle
from aloma_cli.errors import did_you_mean


def find(subject: Subject) -> Iterator[Finding]:
    """As every rule."""
    libraries = {
        name: frozenset({*module.functions, *module.constants, *module.imported, *module.classes})
        for name, module in subject.libraries.items()
    }
    for step in subject.steps:
        for name in sorted(subject.facts[step.name].names, key=lambda name: name.line):
            if name.root in _MEMBERS:
                wrong = _wrong_member(name.root, name.owner, _MEMBERS[name.root])
            else:
                wrong = _wrong_name(name, libraries if name.root == "lib" else subject.connectors)
            if wrong is not None:
                message, cure = wrong
                yield Finding(
                    subject.line(step, name.line), "name", f"{step.name}: {message}", cure, step.name, "error"
                )


_MEMBERS = {
    word: frozenset(name for name in dir(handle) if not name.startswith("_"))
    for word, handle in {"task": TaskHandle, "step": StepHandle}.items()
}


def _wrong_member(owner: str, name: str, members: frozenset[str]) -> tuple[str, str] | None:
    if name in members:
        return None
    return f"{owner} has no {name!r}", did_you_mean(name, members) or f"it has: {', '.join(sorted(members))}"


def _wrong_name(name: Name, known: Mapping[str, frozenset[str]]) -> tuple[str, str] | None:
    kind, folder = ("library", "libraries/") if name.root == "lib" else ("connector", "connectors/")
    if name.owner not in known:
        listed = f"the names are: {', '.join(sorted(known)) or 'none'}; write {folder}{name.owner}.py for a new one"
        return f"there is no {kind} {name.owner!r}", did_you_mean(name.owner, known) or listed
    return _wrong_member(f"{name.root}.{name.owner}", name.name, known[name.owner]) if name.name else None
