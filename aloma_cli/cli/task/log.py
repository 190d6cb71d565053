"""`aloma task log`"""

from __future__ import annotations

import os
from collections import deque
from contextlib import nullcontext
from typing import Annotated

from aloma_cli.api.reader import Records
from aloma_cli.api.task import TreeEvents
from aloma_cli.cli import exit_codes, options
from aloma_cli.cli.drawing import drawing
from aloma_cli.cli.output import put_json, result, visible_record
from aloma_cli.cli.pager import write_paged
from aloma_cli.cli.parameters import Option
from aloma_cli.clock import SystemClock
from aloma_cli.errors import InputError, NotFoundError, did_you_mean
from aloma_cli.ids import root_of
from aloma_cli.record.codec import to_wire
from aloma_cli.record.history import events_of
from aloma_cli.store.protocol import Store
from aloma_cli.view.ending import Ending, read_ending
from aloma_cli.view.history import History
from aloma_cli.view.log import Details, write_log
from aloma_cli.view.terminal import write


def log(
    task: options.LastTask = "@last",
    changes: Annotated[bool, Option(("--changes",), "Show what each entry changed in the document.")] = False,
    logs: Annotated[bool, Option(("--logs",), "Show what the steps logged.")] = False,
    calls: Annotated[bool, Option(("--calls",), "Show what the steps called.")] = False,
    prompts: Annotated[bool, Option(("--prompts",), "Show what models were asked and what they answered.")] = False,
    entry: Annotated[int | None, Option(("--entry",), "Show entry N only, with details.", "N")] = None,
    step: Annotated[
        str | None, Option(("--step",), "Show the entries of this step only.", "STEP", offers="step")
    ] = None,
    last: Annotated[
        int | None, Option(("--last",), "Show the last N entries (with --json: events).", "N", min=1)
    ] = None,
    as_json: Annotated[bool, Option(("--json",), "Print the events as a JSON list.", part="Output")] = False,
    as_svg: options.AsSvg = False,
    workspace: options.Workspace = None,
) -> int:
    """
    \b
    Examples:
      aloma task log
      aloma task log @last --changes --logs
      aloma task log 01jd3k --entry 3
      aloma task log --step research/synthesis --prompts
      aloma task log --last 20 --svg > run.svg

    --entry and --step show changes, logs and calls unless you name some.
    """
    options.check_one_format({"--json": as_json, "--svg": as_svg})
    if step is not None and step.isdecimal():
        raise InputError(f"--step {step}: a step has a name", hint=f"use --entry {step} for the entry of that number")
    home = Records.at(workspace)
    found = home.find(task)
    events = TreeEvents(home.store, root_of(found))
    if step is not None:
        _check_step(events, found, step)
    if as_json:
        own = (event for event in events if event.task == found) if entry is None else events_of(events, found, entry)
        wanted = deque((event for event in map(to_wire, own) if step in (None, event.get("step"))), last)
        put_json([visible_record(event) for event in wanted])
    else:
        everything = (entry is not None or step is not None) and not (changes or logs or calls or prompts)
        details = Details(
            changes=changes or everything,
            logs=logs or everything,
            calls=calls or everything,
            prompts=prompts,
            step=entry,
        )
        whole = entry is not None or step is not None or calls or prompts
        ending = _ending(home.store, found, last) if last and not whole else None
        shown, skipped = ending or (events, 0)
        history = History(shown, found, entry=entry, step=step, last=last, skipped=skipped)
        pages = write_paged if prompts and not as_svg else write
        with drawing(f"aloma task log {found}") if as_svg else nullcontext():
            write_log(history, result(), environ=os.environ, clock=SystemClock(), details=details, write=pages)
    if events.damage is not None:
        raise events.damage
    return exit_codes.DONE


def _check_step(events: TreeEvents, task: str, step: str) -> None:
    """Raise NotFoundError for a step without an event in the log of `task`."""
    known: dict[str, None] = {}
    for event in events:
        name = getattr(event, "step", None) if event.task == task else None
        if name == step:
            return
        if name is not None:
            known[name] = None
    if events.damage is not None:
        raise events.damage
    hint = did_you_mean(step, known) or (f"use one of: {', '.join(known)}" if known else "no step of it has fired")
    raise NotFoundError(f"no step {step!r} fired in task {task}", hint=hint)


def _ending(store: Store, root: str, last: int) -> Ending | None:
    """The end of a log whose record was published; None if all of it must be read."""
    record = None if root_of(root) != root else store.record(root)
    if record is None:
        return None
    created = next(store.read(root)).events[0]
    ending = read_ending(created, store.read_back(root), record, last)
    return ending if store.record(root) == record else None  # else it was written meanwhile
