"""Ask several questions one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from aloma_cli.cli.asking.dialog import NoAnswerError, ask
from aloma_cli.cli.asking.heading import heading
from aloma_cli.cli.asking.keyboard import Keyboard
from aloma_cli.clock import SystemClock
from aloma_cli.jsontext import Json, JsonObject
from aloma_cli.view.format import plural


def ask_each(questions: Sequence[JsonObject]) -> list[tuple[JsonObject, Json]]:
    """Each question that a person answers, with the answer. The questions are as in a record, with `name`."""
    keyboard, answered = Keyboard(), []
    if len(questions) > 1:
        keyboard.say(f"{plural(len(questions), 'open question')}; :s skips one, :q quits")
    for asked in questions:
        keyboard.say("")
        for line in heading(asked, asked["name"], SystemClock().now()):
            keyboard.say(line)
        try:
            answered.append((asked, ask(asked, keyboard)))
        except NoAnswerError as left:
            if left.quits:
                break
    return answered
