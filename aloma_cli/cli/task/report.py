"""`aloma task report`"""

from __future__ import annotations

from aloma_cli.api.explaining import readable_question
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.pages import AsJson, Open, Output, put_page
from aloma_cli.cli.workspaces import load_asked
from aloma_cli.report.task_page import task_page


def report(
    task: options.LastTask = "@last",
    output: Output = None,
    show: Open = False,
    as_json: AsJson = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task report --open
      aloma task report 01jd3k -o run.html
      aloma task report @last -o - | gzip > run.html.gz

    Writes one HTML file that needs nothing else: a timeline, which step woke which, the
    document at each entry, where its values come from, prompts, answers, tokens
    and cost. Prints its name; default: report-ID.html.
    """
    asked, damage = readable_question(load_asked(workspace), task)
    put_page(task_page(asked, damage), output or f"report-{asked.task}.html", show=show, as_json=as_json)
    if damage is not None:
        raise damage
    return exit_codes.DONE
