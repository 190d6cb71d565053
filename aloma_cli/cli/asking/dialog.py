"""A dialog for one question: it asks again, with the reason, until the answer fits."""

from __future__ import annotations

from typing import Protocol

from aloma_cli.connectors.chat.parse import complaints
from aloma_cli.errors import InputError
from aloma_cli.forms.form import Field, form_of
from aloma_cli.forms.read import read_field, shown
from aloma_cli.jsontext import Json, JsonObject, cut
from aloma_cli.view.format import clean

_WANTED = {"boolean": "yes or no", "integer": "an integer", "number": "a number", "json": "JSON"}
_LONGEST = 60
_SKIP, _QUIT = (":skip", ":s"), (":quit", ":q")


class NoAnswerError(Exception):
    """The person leaves the question open. `quits`: and wants no further one."""

    def __init__(self, *, quits: bool) -> None:
        super().__init__()
        self.quits = quits


class Console(Protocol):
    """Where a person is asked."""

    def say(self, text: str) -> None:
        """Show a line."""

    def read(self, prompt: str) -> str:
        """The next line that is typed. Raises EOFError at its end, and whatever else ends the dialog."""


def ask(asked: JsonObject, console: Console) -> Json:
    """The answer to an open question of a record; it fits the schema. Raises NoAnswerError."""
    form = form_of(asked.get("schema"))
    default = shown(asked["default"]) if asked.get("default") is not None and not form.is_object else None
    while True:
        if form.is_object:
            values = {field.name: _ask_field(field, console, None) for field in form.fields}
            value: Json = {name: value for name, value in values.items() if value is not _LEFT_OUT}
        else:
            value = _ask_field(form.fields[0], console, default)
        wrong = complaints(value, form.schema) if form.schema is not None else ()
        if not wrong:
            return value
        console.say(f"  {clean('; '.join(wrong))}; please answer again")


_LEFT_OUT: Json = object()


def _ask_field(field: Field, console: Console, default: str | None) -> Json:
    label = field.title or field.name
    if field.about:
        console.say(f"  {clean(field.about)}")
    for number, choice in enumerate(field.choices, 1):
        console.say(f"  {number}  {clean(cut(shown(choice), _LONGEST))}")
    while True:
        typed = _read_typed(console, _prompt(label, field, default))
        if not typed.strip():
            if default is not None:
                typed = default
            elif not field.required:
                return _LEFT_OUT
        try:
            return read_field(field, typed)
        except InputError as error:
            console.say(f"  {clean(error)}")


def _read_typed(console: Console, prompt: str) -> str:
    try:
        typed = console.read(prompt)
    except EOFError:
        raise NoAnswerError(quits=True) from None
    if typed.strip() in (*_SKIP, *_QUIT):
        raise NoAnswerError(quits=typed.strip() in _QUIT)
    return typed


def _prompt(label: str, field: Field, default: str | None) -> str:
    """`day (1-2): `, `answer (yes or no) [no]: `, `note (optional): `."""
    wanted = f"1-{len(field.choices)}" if field.choices else _WANTED.get(field.kind)
    told = ", ".join(filter(None, (wanted, None if field.required else "optional")))
    shown_default = f" [{clean(cut(default, _LONGEST))}]" if default is not None else ""
    return f"  {clean(label) or 'answer'}{f' ({told})' if told else ''}{shown_default}: "
