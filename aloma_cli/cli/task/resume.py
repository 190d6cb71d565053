"""`aloma task resume`"""

from __future__ import annotations

import sys

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
    """Go on with a task that was interrupted, or try its failed steps again.

    \b
    Examples:
      aloma task resume @last
      aloma task resume 01jd3k --json | jq .state

    What was committed stays, and answers that were paid for are not asked for again. Prints and exits as `task new`.
    """
    from aloma_cli.api.workspace import Workspace
    from aloma_cli.cli.models import model_flags
    from aloma_cli.cli.running import Interrupted, tell_notice, watch
    from aloma_cli.cli.task.result import print_result

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
    if found.record["closed"]:
        print(f"aloma: task {found.id} is closed ({found.state}): there is nothing to resume", file=sys.stderr)  # noqa: T201
        print_result(found, as_json=as_json, as_data=as_data, events=events)
        raise typer.Exit(code_of_state(found.state))
    tell_notice(home, quiet=quiet or events)
    try:
        ended = watch(
            lambda emit: home.resume(found.id, emit=emit),
            quiet=quiet,
            events=events,
            before=tuple(found.tree_journal),
        )
    except Interrupted as interrupted:
        print(f"aloma: interrupted; to go on: aloma task resume {found.id}", file=sys.stderr)  # noqa: T201
        raise typer.Exit(interrupted.code) from None
    print_result(ended, as_json=as_json, as_data=as_data, events=events)
    raise typer.Exit(code_of_state(ended.state))
