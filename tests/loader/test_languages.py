"""A step language is a file of its own and a line in the table: whatever reads code follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aloma_cli.api.doctor import Doctor
from aloma_cli.api.workspace import load, run
from aloma_cli.checking.check import check
from aloma_cli.checking.subject import Material
from aloma_cli.cli.offers import offered
from aloma_cli.clock import SystemClock
from aloma_cli.content.cancellation import Cancellation
from aloma_cli.content.content import Toolbox
from aloma_cli.content.host import Host
from aloma_cli.content.job import NO_EFFECTS, Job, Outcome, Raised, Returned
from aloma_cli.content.step import Step
from aloma_cli.document.draft import Draft
from aloma_cli.loader.config import Config
from aloma_cli.loader.languages import LANGUAGES, Language
from aloma_cli.loader.release import release_of
from aloma_cli.loader.secrets import files_using
from aloma_cli.loader.sources import ModelFlags
from aloma_cli.loader.workspace import load_workspace

SCRIPT = """-- Say something.
#name: greet
say "TOKEN" model="big"
"""


class Script(NamedTuple):
    """The content of a step, and its source: no Python at all."""

    path: Path
    shown: str
    text: str
    docstring: str | None = None
    parameters: tuple[str, ...] = ("data",)
    on_loop: bool = False
    waits: bool = False
    summary: str = "Say something."

    @property
    def fingerprint(self) -> str:
        return self.text

    def place(self, name: str, _path: object = ()) -> str:
        lines = [number for number, line in enumerate(self.text.split("\n"), 1) if line.startswith(f"#{name}:")]
        return f"{self.shown}:{lines[0]}" if lines else self.shown

    async def run(self, job: Job, _toolbox: Toolbox, _host: Host, _cancellation: Cancellation) -> Outcome:
        draft = Draft(job.base)
        draft.data["said"] = self.text.split('"')[1]
        return Returned(job.firing, draft.changes(), NO_EFFECTS, 0.0)

    def failed(self, job: Job, error: BaseException, seconds: float) -> Raised:
        return Raised(job.firing, {"type": "Error", "message": str(error)}, retryable=False, seconds=seconds)


def load_script(path: Path, root: Path) -> Step:
    script = Script(path, path.relative_to(root).as_posix(), path.read_text())
    return Step("greet", {"said": None}, script, source=script)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    table: Any = LANGUAGES
    language = Language(load_script, r"(?m)^#name: (.+)", r"\A-- (.+)")
    monkeypatch.setitem(table, ".say", language)
    (tmp_path / "steps").mkdir()
    (tmp_path / "steps" / "hello.say").write_text(SCRIPT)
    return tmp_path


def test_its_steps_are_loaded_and_run(root: Path) -> None:
    flags = ModelFlags(offline=True)
    task = run(load(root, flags=flags, environ={}), "Greeting", {})
    assert (task.state, task.data) == ("done", {"said": "TOKEN"})


def test_two_with_one_name_are_told_by_the_places_of_its_own_source(root: Path) -> None:
    (root / "steps" / "again.say").write_text(SCRIPT)
    [error] = load_workspace(root, root, {}).broken
    assert str(error) == "steps/hello.say:2: steps/again.say:2 has the name 'greet' too"


@pytest.mark.parametrize("folder", ["steps", "libraries", "connectors"])
def test_a_changed_script_changes_the_release(root: Path, folder: str) -> None:
    before = release_of(Config(), root)
    (root / folder).mkdir(exist_ok=True)
    (root / folder / "hello.say").write_text(SCRIPT + "-- changed")
    assert release_of(Config(), root) != before


def test_the_shell_is_offered_its_steps(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "steps" / "_draft.say").write_text("")
    (root / "steps" / "plain.say").write_text("")
    monkeypatch.chdir(root)
    assert offered("step", [], "") == {"greet": "Say something.", "plain": ""}


def test_its_files_are_searched_for_secrets(root: Path) -> None:
    assert files_using(root, ["TOKEN"]) == {"TOKEN": ["steps/hello.say"]}


def test_doctor_tries_the_models_that_it_names(root: Path) -> None:
    flags = ModelFlags(base_url="http://127.0.0.1:1/v1")
    doctor = Doctor(load_workspace(root, root, {}), Config(), flags, {}, SystemClock(), root / "honours.json")
    assert doctor._models_of("openai") == {"big"}


def test_the_check_of_steps_does_not_take_it_for_python(root: Path) -> None:
    loaded = load_workspace(root, root, {})
    assert [one for one in check(Material(loaded.steps.values())) if one.severity == "error"] == []
