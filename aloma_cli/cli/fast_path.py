"""`aloma task show ID --json` in a third of the time: programs ask for it often, and it needs no command line library.

Only the plainest form is known here; whatever else there is about it is left to the command itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from aloma_cli.cli.output import put_json, whole_record
from aloma_cli.document.stash import hide_stash

_FORMATS = ("--json", "--data")


def knows(arguments: Sequence[str]) -> bool:
    """Whether these are `task show [ID]` with one of the two formats, in any order, and nothing else."""
    if list(arguments[:2]) != ["task", "show"]:
        return False
    rest = arguments[2:]
    ids = [word for word in rest if not word.startswith("-")]
    formats = [word for word in rest if word in _FORMATS]
    return len(formats) == 1 and len(ids) <= 1 and len(ids) + 1 == len(rest)


def run(arguments: Sequence[str]) -> int:
    """Print the record or the document of a task; gives the exit code. Raises what the command raises."""
    from aloma_cli.api.records import Records

    task_id = next((word for word in arguments[2:] if not word.startswith("-")), "@last")
    task, damage = Records.at().readable(task_id)
    put_json(whole_record(task.record, task.data) if "--json" in arguments else hide_stash(task.data))
    if damage is not None:
        raise damage
    return 0
