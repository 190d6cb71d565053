"""All tasks of a workspace at a glance: how many are at what, and those that run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aloma_cli.clock import from_iso
from aloma_cli.record.states import STATES
from aloma_cli.view.format import money, ticking
from aloma_cli.view.tables import Column, table_lines
from aloma_cli.view.theme import DIM, Glyphs, style_of
from aloma_cli.view.width import Size, fit, line

if TYPE_CHECKING:
    from rich.text import Text

_STYLES = {state.counted: state.name for state in reversed(STATES.values())}
"""A group has the colour of the first state in it."""

_ALWAYS = ("running", "due")

_COLUMNS = (Column("id", "id"), Column("name"), Column("step"), Column("step for"), Column("task for"))


def frame(
    counts: Mapping[str, int],
    done_in_a_minute: int,
    cost: float,
    running: Sequence[Any],
    *,
    now: float,
    size: Size,
    glyphs: Glyphs,
    hint: str = "",
) -> list[Text]:
    """The lines, each at most `size.room` cells wide, and fewer than `size.height`.

    `running`: values with `id`, `name`, `created_at` and `steps`. `now`: seconds since 1970. `hint`: what
    the keys do.
    """
    rows = [row for task in running for row in _rows(task, now)]
    head = [_counts(counts, size.room, glyphs), _rates(done_in_a_minute, cost, hint, size.room, glyphs)]
    room = max(0, size.height - len(head) - 4)
    table = (
        table_lines(_COLUMNS, rows[:room], size.room, glyphs, now) if rows else [line(("no process runs a task", DIM))]
    )
    lines = [*head, line(), *table]
    if len(rows) > room:
        lines.append(line((f"{glyphs.ellipsis} {len(rows) - room} more", DIM)))
    return lines[: max(1, size.height - 1)]


def _counts(counts: Mapping[str, int], room: int, glyphs: Glyphs) -> Text:
    text = line()
    for name, count in counts.items():
        if count or name in _ALWAYS:
            text.append(glyphs.dot if text else "")
            text.append_text(line((f"{count:,} {name}", style_of(_STYLES.get(name, name)) if count else DIM)))
    return fit(text, room, glyphs)


def _rates(done_in_a_minute: int, cost: float, hint: str, room: int, glyphs: Glyphs) -> Text:
    said = [f"{done_in_a_minute:,} done in the last minute", f"{money(cost)} today", hint]
    return fit(line((glyphs.dot.join(filter(None, said)), DIM)), room, glyphs)


def _rows(task: Any, now: float) -> list[list[Any]]:
    """A row for each step that runs in a task; one without a step where none runs."""
    age = None if task.created_at is None else ticking(now - from_iso(task.created_at))
    rows = [[task.id, task.name, step, ticking(now - from_iso(since)), age] for step, since in task.steps]
    return rows or [[task.id, task.name, None, None, age]]
