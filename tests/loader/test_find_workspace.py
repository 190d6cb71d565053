"""Which folder is the workspace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aloma_cli.errors import WorkspaceError
from aloma_cli.loader.layout import find_workspace


def refusal(path: str | None, cwd: Path) -> WorkspaceError:
    with pytest.raises(WorkspaceError) as caught:
        find_workspace(path, cwd)
    return caught.value


def test_the_nearest_folder_around_the_current_one_is_found(root: Path) -> None:
    deep = root / "steps" / "research" / "level 1"
    deep.mkdir(parents=True)
    assert find_workspace(None, root) == root
    assert find_workspace(None, deep) == root


def test_an_aloma_yaml_makes_a_workspace_too(root: Path) -> None:
    inner = root / "inner"
    inner.mkdir()
    (inner / "aloma.yaml").touch()
    assert find_workspace(None, inner) == inner


def test_a_file_called_steps_makes_none(root: Path) -> None:
    inner = root / "inner"
    inner.mkdir()
    (inner / "steps").touch()
    assert find_workspace(None, inner) == root


def test_a_given_path_is_relative_to_the_current_folder_and_not_searched_from(root: Path) -> None:
    assert find_workspace("workspace", root.parent) == root
    assert find_workspace(root, Path("/")) == root
    error = refusal("steps", root)
    assert str(error) == f"no workspace at {root}/steps: it contains neither steps/ nor aloma.yaml"
    assert error.hint == f"create one with `aloma init {root}/steps`"


def test_nothing_found_says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    tmp_path = tmp_path.resolve()
    error = refusal(None, tmp_path)
    assert str(error) == f"no workspace: neither {tmp_path} nor a folder above it contains steps/ or aloma.yaml"
    assert error.hint == "change to a workspace, name one with `-w PATH`, or create one here with `aloma init`"


def test_a_given_path_must_be_a_folder(root: Path) -> None:
    (root / "aloma.yaml").touch()
    assert str(refusal("nowhere", root)) == f"no workspace at {root}/nowhere: the folder does not exist"
    error = refusal("aloma.yaml", root)
    assert str(error) == f"no workspace at {root}/aloma.yaml: it is a file"
    assert error.hint == f"try `-w {root}`"


def test_to_find_a_workspace_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys; from aloma_cli.loader.layout import find_workspace;"
        "print({'aloma_cli.content.step', 'aloma_cli.connectors', 'dataclasses'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
