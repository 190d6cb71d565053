"""`aloma task resume`"""

from __future__ import annotations

import typer

from aloma_cli.cli import options
from aloma_cli.cli.exits import code_of_state


def resume(
    task: options.TaskId,
    as_json: options.AsJson = False,
    as_data: options.AsData = False,
    events: options.Events = False,
    quiet: options.Quiet = False,
    base_url: options.BaseUrl = None,
    api_key: options.ApiKey = None,
    model: options.Model = None,
    offline: options.Offline = False,
    require_real: options.RequireReal = False,
    responses: options.Responses = None,
    delay: options.Delay = 0.0,
    workspace: options.Workspace = None,
) -> None:
    """Go on with a task: interrupted, or in error.

    \b
    Examples:
      aloma task resume @last
      aloma task resume 01jd3k --json | jq .state

    What was committed stays, and answers that were paid for are not asked for again. Prints and exits as `task new`.
    """
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.cli.models import model_flags
    from aloma_cli.cli.output import say
    from aloma_cli.cli.running import Telling, run_and_tell

    flags = model_flags(
        base_url=base_url,
        api_key=api_key,
        model=model,
        offline=offline,
        require_real=require_real,
        responses=responses,
        delay=delay,
    )
    home = Workspace.open(workspace, flags=flags)
    found = home.task(task)
    telling = Telling(as_json=as_json, as_data=as_data, events=events, quiet=quiet)
    if found.record["closed"]:
        say(f"aloma: task {found.id} is closed ({found.state}): there is nothing to resume")
        telling.print(found)
        raise typer.Exit(code_of_state(found.state))
    run_and_tell(home, found.id, lambda emit: home.resume(found.id, emit=emit), telling, before=found.tree_journal)
