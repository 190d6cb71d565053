"""A copy of the repository's own workspace, and what its commands say."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aloma_cli.cli.main import main

REPOSITORY = Path(__file__).parents[2]


_DELAY = re.compile(r'"delay": ([\d.]+)')
HASTE = 20
"""How many times faster than in the repository the stories are told: tests do not watch."""


def _hastened(delay: re.Match[str]) -> str:
    return f'"delay": {float(delay[1]) / HASTE}'


@dataclass(frozen=True)
class Output:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


NO_OUTPUT = Output(0, "", "")


@dataclass(frozen=True)
class Workspace:
    """The repository's steps and libraries in a folder of their own."""

    root: Path

    @classmethod
    def copied_to(cls, root: Path) -> Workspace:
        for folder in ("steps", "libraries", "examples"):
            shutil.copytree(REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for script in (root / "examples").glob("*/**/*.json"):
            script.write_text(_DELAY.sub(_hastened, script.read_text(encoding="utf-8")), encoding="utf-8")
        return cls(root)

    def aloma(self, *arguments: str) -> Output:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(self.root):
            code = main(arguments)
        return Output(code, out.getvalue(), err.getvalue())

    def example(self, name: str) -> Any:
        """The data of `examples/NAME.json`."""
        return json.loads((self.root / "examples" / f"{name}.json").read_text(encoding="utf-8"))

    def script(self, step: str, entries: list[dict[str, Any]]) -> None:
        """Write the answers of a step beforehand."""
        path = self.root / "responses" / f"{step}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries), encoding="utf-8")

    def run(self, name: str, data: Any, *options: str) -> Played:
        """Create a task and run it."""
        ended = self.aloma("task", "new", name, "-d", json.dumps(data), *options)
        return self.played(ended.out.strip(), ended)

    def played(self, task: str, ended: Output = NO_OUTPUT) -> Played:
        """What the record says of a task; `ended` is what came of the command that ran it."""
        return Played(self, ended, self.aloma("task", "show", task, "--json").json)


@dataclass(frozen=True)
class Played:
    """A task that was run: `ended` is what the command printed, `record` what `task show --json` prints."""

    workspace: Workspace
    ended: Output
    record: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def state(self) -> str:
        return str(self.record["state"])

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.record["data"]
        return data

    @property
    def children(self) -> list[Played]:
        """The subtasks, in the order in which they were made."""
        return [self.workspace.played(child["id"], self.ended) for child in self.record["children"]]

    def events(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """The events of this task, not of its subtasks, that are of one kind and have these fields."""
        events = self.workspace.aloma("task", "log", self.id, "--json").json
        return [event for event in events if event["event"] == kind and fields.items() <= event.items()]

    def count(self, what: str) -> dict[str, int]:
        """How often each step fired, looked, …; with those of the subtasks; without the zeros."""
        return {step["step"]: step[what] for step in self.record["steps"] if step[what]}

    def steady(self, value: Any) -> str:
        """A value of this task without what differs from run to run: times and ids."""
        text = json.dumps(value, sort_keys=True).replace(self.id, "ID")
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00|coord_\d+", "~", text)

    def logged(self, level: str) -> list[str]:
        """What the steps of this task logged at one level."""
        return [event["text"] for event in self.events("logged", level=level)]
