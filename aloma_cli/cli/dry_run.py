"""`aloma task new --dry-run`: what a task would begin with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from aloma_cli.api.preview import Beginning, preview
from aloma_cli.api.workspace import Workspace
from aloma_cli.cli.output import put, put_json, say
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.states import STATES
from aloma_cli.view.format import clean, money, plural


def show_dry_run(home: Workspace, document: JsonObject, *, as_json: bool) -> int:
    """Print the first steps and their calls; the exit code says whether any step would fire."""
    settings = home.setup.check().settings
    beginnings = asyncio.run(preview(home, document))
    if as_json:
        put_json({"schema": 1, "simulated": settings.offline, "first": [_to_json(one) for one in beginnings]})
    else:
        for beginning in beginnings:
            for line in _call_lines(beginning, simulated=settings.offline):
                put(line)
        say(f"aloma: a dry run: {plural(len(beginnings), 'step')} would fire first; no call was made")
        if not beginnings:
            _say_nearest(home, document)
    return STATES["done" if beginnings else "ignored"].exit_code


def _call_lines(beginning: Beginning, *, simulated: bool) -> Iterator[str]:
    yield clean(beginning.step.name)
    for call in beginning.calls:
        words = [f"at most about {call.amount.tokens:,} tokens"] if call.amount.tokens else []
        if call.model is not None and simulated:
            words.append("simulated")
        elif call.model is not None:
            words.append(money(call.amount.cost) if call.amount.cost is not None else "price unknown")
        yield "  " + "  ".join(filter(None, [clean(call.call), clean(call.model or ""), ", ".join(words)]))


def _to_json(beginning: Beginning) -> JsonObject:
    return {
        "step": beginning.step.name,
        "calls": [
            {"call": one.call, "model": one.model, "tokens": one.amount.tokens, "cost": one.amount.cost}
            for one in beginning.calls
        ],
    }


def _say_nearest(home: Workspace, document: JsonObject) -> None:
    steps = [step for step in home.steps.values() if step.enabled]
    for step in sorted(steps, key=lambda step: step.condition.nearness(document), reverse=True)[:3]:
        reasons = "; ".join(map(str, step.condition.mismatches(document)))
        say(f"  closest: {clean(step.name)}: {reasons}")
