"""`aloma task record-test`"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import DONE
from aloma_cli.cli.new_files import checked_name, write_new
from aloma_cli.cli.output import put, say
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.task.task_id import task_id_of
from aloma_cli.cli.workspaces import load_workspace, open_records
from aloma_cli.errors import InputError
from aloma_cli.ids import root_of
from aloma_cli.record.states import ACTIVE
from aloma_cli.testing.cases.case import FOLDER, load_case
from aloma_cli.testing.cases.record import case_of
from aloma_cli.testing.cases.run import run_case
from aloma_cli.testing.play import Home


def record_test(
    task: options.TaskId = None,
    name: Annotated[str | None, Option(("--name",), "The name of the case; default: the task's name.", "NAME")] = None,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task record-test @last
      aloma task record-test 01jd3k --name two-domains

    Writes cases/NAME.yaml: the task's data, each answer that it got, what people did,
    and the outcome. `aloma test NAME` repeats it at no cost. Prints the path.
    """
    import yaml

    given = None if name is None else checked_name(name, "case")
    records, _ = open_records(workspace)
    found = records.task(root_of(task_id_of(records, task, "record-test")))
    if found.state in ACTIVE:
        raise InputError(f"task {found.id} is not at rest", hint=f"aloma task resume {found.id}")
    case = case_of(found.tree_journal, found.record, found.data)
    home = load_workspace(workspace)
    root = home.loaded.root or Path()
    called = given or re.sub(r"[^\w]+", "-", found.name).strip("-").lower() or found.id
    path = root / FOLDER / f"{called}.yaml"
    text = yaml.safe_dump(case, sort_keys=False, allow_unicode=True, width=110)
    write_new(path, text, hint="use --name NAME")
    put(str(path))
    run = run_case(load_case(path, root, called), Home(home.loaded))
    if run.passed:
        say(f"aloma: `aloma test {called}` repeats it")
    else:
        say(f"aloma: a repetition differs; edit {FOLDER}/{called}.yaml:")
        for sentence in run.wrong:
            say(f"  {sentence}")
    return DONE
