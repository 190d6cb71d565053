"""`aloma task replay`"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.option_groups import Models
from aloma_cli.cli.output import put, put_json
from aloma_cli.cli.parameters import Option
from aloma_cli.cli.step.describe import step_named
from aloma_cli.cli.workspaces import load_workspace
from aloma_cli.explain.replay.divergence import Divergence
from aloma_cli.explain.replay.replay import ReplayReport
from aloma_cli.jsontext import cut
from aloma_cli.testing.replay import replayed
from aloma_cli.view.format import clean, money, plural

_MOST_LINES = 30
_LONGEST = 200


def replay(
    task: options.LastTask = "@last",
    live: Annotated[
        list[str] | None,
        Option(("--live",), "Really make the calls of this step; may be repeated.", "STEP", offers="step"),
    ] = None,
    all_: Annotated[bool, Option(("--all",), "Show all divergences, not only the first.")] = False,
    as_json: Annotated[bool, Option(("--json",), "Print the report as JSON.")] = False,
    workspace: options.Workspace = None,
    *,
    models: Models,
) -> int:
    """
    \b
    Examples:
      aloma task replay
      aloma task replay 01jd3k --all
      aloma task replay @last --live research/synthesis  # it asks

    Runs the steps as they are today on the recorded answers, offline and at no cost, and
    shows the first place where they differ from the record: a condition, a prompt or a
    field. Nothing is written. Exits with 6 if there is a difference.
    """
    home = load_workspace(workspace, models)
    for name in live or ():
        step_named(home.steps, name)
    report = replayed(home, task, frozenset(live or ()))
    if as_json:
        put_json(report.to_json())
    else:
        for line in _report_lines(report, all_=all_):
            put(line)
    return exit_codes.DONE if report.is_exact else exit_codes.SHORT


def _report_lines(report: ReplayReport, *, all_: bool) -> Iterator[str]:
    cost = f" ({money(report.cost)})" if report.cost else ""
    made = f" and {plural(report.live, 'call')}{cost}" if report.live else ""
    what = f"{plural(report.firings, 'firing')} on {plural(report.answers, 'recorded answer')}{made}"
    if report.is_exact:
        yield f"exact: {what}"
        return
    yield f"{plural(len(report.divergences), 'divergence')} in {what}"
    for divergence in report.divergences if all_ else report.divergences[:1]:
        yield ""
        yield from _divergence_lines(divergence)
    if not all_ and len(report.divergences) > 1:
        yield ""
        yield f"→ all of them: aloma task replay {report.task} --all"


def _divergence_lines(one: Divergence) -> Iterator[str]:
    entry = f"entry {one.entry}, " if one.entry is not None else ""
    inside = f" of {one.task}" if "." in one.task else ""
    yield f"{one.kind}: {entry}{clean(one.step)}{inside}: {clean(one.where)}"
    lines = one.lines
    for line in lines[:_MOST_LINES]:
        yield f"  {cut(clean(line) if line.strip() else line, _LONGEST)}"
    if len(lines) > _MOST_LINES:
        yield f"  … {plural(len(lines) - _MOST_LINES, 'more line')}"
