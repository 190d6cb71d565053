"""`aloma step new`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from aloma_cli.cli import options
from aloma_cli.cli.exit_codes import DONE
from aloma_cli.cli.new_files import checked_name, write_new
from aloma_cli.cli.output import put, say
from aloma_cli.cli.parameters import Argument
from aloma_cli.loader.layout import STEPS_FOLDER, find_workspace

TEXT = '''"""{title}: when there is a `text`, ask a model about it."""

# When it runs: the document has a string at `text`, and nothing at `{field}` yet.
condition = {{"text": str, "{field}": None}}


# What it does. It may ask for: data, task, step, connectors, lib, config, log, now.
async def content(data, connectors):
    answer = await connectors.openai.chat(
        messages=f"Sum up this text in one sentence:\\n\\n{{data['text']}}",
        shape={{"answer": str}},
    )
    data["{field}"] = answer.data["answer"]
'''


def new(
    name: Annotated[str, Argument("NAME", "The name of the step: a path below steps/, without .py.")],
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma step new translate
      aloma step new research/critic

    Writes steps/NAME.py, a step that runs as it is, and prints its path. Change its
    condition, its question and what it writes.
    """
    checked_name(name, "step")
    root = find_workspace(workspace, Path.cwd())
    path = root / STEPS_FOLDER / f"{name}.py"
    last = name.rpartition("/")[2]
    text = TEXT.format(title=last.replace("_", " ").replace("-", " ").capitalize(), field=last.replace("-", "_"))
    write_new(path, text, hint="choose another name")
    put(str(path))
    say(f'aloma: edit it, then try it alone: aloma step run {name} -d \'{{"text": "…"}}\'')
    return DONE
