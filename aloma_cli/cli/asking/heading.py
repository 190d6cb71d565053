"""What a person is shown of a question before they answer it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from aloma_cli.clock import from_iso
from aloma_cli.forms.read import shown
from aloma_cli.jsontext import JsonObject
from aloma_cli.view.context import context_lines
from aloma_cli.view.format import ago, clean, duration


def heading(asked: JsonObject, name: str, now: float) -> list[str]:
    """The lines for an open question of a record. `name`: of its task."""
    about = [clean(name), asked["task"]]
    if asked.get("asked_at"):
        about.append(f"asked {ago(now - from_iso(asked['asked_at']))}")
    if asked.get("step"):
        about.append(f"by {clean(asked['step'])}")
    context = (f"  {line}" for line in context_lines(asked.get("context")))
    deadline = (f"  {line}" for line in _deadline_line(asked, now))
    return [f"? {clean(asked['question'])}", f"  {', '.join(about)}", *context, *deadline]


def _deadline_line(asked: JsonObject, now: float) -> Iterator[str]:
    until = asked.get("until")
    if until is not None:
        left = from_iso(until) - now
        at = datetime.fromtimestamp(from_iso(until)).astimezone().strftime("%Y-%m-%d %H:%M")
        when = f"by {at} (in {duration(left)})" if left > 0 else "by now"
        yield f"if not answered {when}: {clean(shown(asked.get('default')))}"
