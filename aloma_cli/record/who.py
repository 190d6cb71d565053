"""Who answered a question, or wrote into a document: `{"channel": …, "user": …, "to": …}`.

`channel`: terminal, command (of a script), link, page, api or record (`aloma task rerun` repeats what was
answered in an earlier task). `user`: the user of the system who typed the command, or
the name that was typed on a page; it is missing if unknown. `to`: where the link was sent that was used.
"""

from __future__ import annotations

from aloma_cli.jsontext import JsonObject

CHANNELS = {
    "terminal": "at a terminal",
    "command": "with a command",
    "link": "through a link",
    "page": "on a page",
    "api": "through a program",
    "record": "in an earlier task",
}
"""What each channel is in a sentence."""


def person(who: JsonObject | None) -> str:
    """`ada at a terminal`, `a person through a link sent to ops@example.org`, `a program`, `a person`."""
    if who is None:
        return "a person"
    if who["channel"] == "api" and not who.get("user"):
        return "a program"
    sent = f" sent to {who['to']}" if who.get("to") else ""
    return f"{who.get('user') or 'a person'} {CHANNELS.get(who['channel'], who['channel'])}{sent}"
