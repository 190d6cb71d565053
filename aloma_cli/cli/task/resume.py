"""`aloma task resume`"""

from __future__ import annotations

from typing import Any

import typer

from aloma_cli.budget import Wish
from aloma_cli.cli import options
from aloma_cli.cli.exits import code_of_task
from aloma_cli.cli.limits import limit_wishes
from aloma_cli.cli.models import model_flags
from aloma_cli.cli.spelled import spelled_out
from aloma_cli.cli.telling import Telling


@spelled_out(telling=Telling, limits=limit_wishes, flags=model_flags)
def resume(
    task: options.TaskId,
    *,
    flags: Any,
    limits: dict[str, Wish],
    telling: Telling,
    workspace: options.Workspace = None,
) -> None:
    """Go on with a task: interrupted, paused at a limit, or in error.

    \b
    Examples:
      aloma task resume @last
      aloma task resume 01jd3k --json | jq .state
      aloma task resume @last --max-cost +0.50

    What was committed stays, and answers that were paid for are not asked for again. Prints and exits as `task new`.
    """
    from aloma_cli.cli.opening import open_workspace
    from aloma_cli.cli.output import say
    from aloma_cli.cli.running import run_and_tell

    home = open_workspace(workspace, flags)
    found = home.task(task)
    if found.record["closed"]:
        say(f"aloma: task {found.id} is closed ({found.state}): there is nothing to resume")
        telling.print(found)
        raise typer.Exit(code_of_task(found.record))
    home.loaded.check()
    journal = found.tree_journal
    changed = home.changed_steps(journal)
    if changed and not telling.quiet:
        say(f"aloma: changed since they fired: {', '.join(f'{step} ({what})' for step, what in changed.items())}")
    run_and_tell(home, found.id, lambda emit: home.resume(found.id, emit=emit, limits=limits), telling, before=journal)
