"""`aloma task show`"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

from aloma_cli.api.reader import Records
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.output import put, put_json, visible_result, whole_record
from aloma_cli.cli.parameters import Option
from aloma_cli.document.stash import hide_stash
from aloma_cli.later import Later

if TYPE_CHECKING:
    from aloma_cli.cli import drawing
    from aloma_cli.cli.task import show_text, show_usage, value
else:
    drawing = Later("aloma_cli.cli.drawing")
    show_text = Later("aloma_cli.cli.task.show_text")
    show_usage = Later("aloma_cli.cli.task.show_usage")
    value = Later("aloma_cli.cli.task.value")


def show(
    task: options.LastTask = "@last",
    as_data: options.AsData = False,
    as_result: options.AsResult = False,
    path: Annotated[
        str | None, Option(("--path",), "Print one value of the document.", "a.b.0.c", offers="place")
    ] = None,
    usage: Annotated[bool, Option(("--usage",), "Calls, tokens and cost by step and model.")] = False,
    as_json: options.AsJson = False,
    as_svg: options.AsSvg = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task show
      aloma task show 01jd3k --json | jq .usage
      aloma task show --usage
      aloma task show --svg > task.svg
      aloma task show @last --path researchProject.parallelExecution.synthesis
    """
    is_part = path is not None or usage
    options.check_one_format(
        {
            "--data": as_data,
            "--result": as_result,
            "--json": as_json and not is_part,
            "--path": path is not None,
            "--usage": usage,
            "--svg": as_svg,
        }
    )
    home = Records.at(workspace)
    if usage:
        return show_usage.show_usage(home, task, as_json=as_json)
    found, damage = home.readable(task)
    if path is not None:
        put(value.value_at(hide_stash(found.data), path, as_json=as_json))
    elif as_data:
        put_json(hide_stash(found.data))
    elif as_result:
        put_json(visible_result(found.record, found.data))
    elif as_json:
        put_json(whole_record(found.seen, found.data))
    else:
        with drawing.drawing(f"aloma task show {found.id}") if as_svg else nullcontext():
            show_text.print_task(found, home, workspace)
    if damage is not None:
        raise damage
    return exit_codes.DONE
