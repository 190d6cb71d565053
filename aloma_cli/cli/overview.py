"""`aloma report`"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path
from typing import Annotated

from aloma_cli.api.reader import Records
from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import tell_all
from aloma_cli.cli.pages import AsJson, Open, Output, put_page
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.units import seconds_of
from aloma_cli.clock import from_iso, to_iso
from aloma_cli.errors import StoreError
from aloma_cli.loader.layout import find_workspace
from aloma_cli.report.tasks_page import Tasks, tasks_page


def report(
    since: Annotated[str | None, Option(("--since",), "Only tasks created in this time: 12h, 7d, 2w.", "AGE")] = None,
    output: Output = None,
    show: Open = False,
    as_json: AsJson = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma report --open
      aloma report --since 7d -o week.html

    Writes one HTML file about all tasks: states and durations over time, the slowest
    and the most expensive, cost by step and model. Prints its name; default: report.html.
    """
    home = Records.at(workspace)
    begin = None if since is None else home.clock.now() - seconds_of(since, "--since")
    unreadable: list[StoreError] = []
    tasks = _tasks(home, begin, find_workspace(workspace, Path.cwd()).name, unreadable)
    put_page(tasks_page(tasks), output or "report.html", show=show, as_json=as_json)
    return tell_all(unreadable)


def _tasks(home: Records, begin: float | None, name: str, unreadable: list[StoreError]) -> Tasks:
    """Those that were created at `begin` or later. `unreadable` takes what keeps one from being read."""
    read = (record for [record] in home.records(unreadable=unreadable.append))
    # Ids sort by the time of creation, so older tasks are not even read.
    records = [*takewhile(lambda record: begin is None or from_iso(record["created_at"]) >= begin, read)]
    if begin is None:
        begin = from_iso(records[-1]["created_at"]) if records else home.clock.now()
    calls = [call for _, call in home.store.answered(begin)]
    words = f"tasks since {to_iso(begin)[:16].replace('T', ' ')} UTC"
    return Tasks(records, calls, begin, home.clock.now(), name, words)
