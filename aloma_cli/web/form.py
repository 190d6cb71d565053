"""A form as HTML: labels, hints and errors belong to their fields, also for those who cannot see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from aloma_cli.forms.form import Field, Form
from aloma_cli.forms.read import shown

MOST_RADIOS = 7

NAME = "name"
"""The input for the name of the person."""

LONGEST_NAME = 100

_HINTS = {"integer": "An integer", "number": "A number", "json": "JSON", "any": ""}
_MODES = {"integer": "numeric", "number": "decimal"}


def form_html(form: Form, texts: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    """The form, filled in with `texts`; `wrong` as in `Filled`."""
    lines = [f'<p class="wrong" role="alert">{escape(wrong[""])}</p>'] if form.is_object and "" in wrong else []
    for number, field in enumerate(form.fields):
        lines += _field_html(field, input_name(number), texts.get(field.name, ""), wrong.get(field.name))
    lines += _person(texts.get(NAME, ""))
    return (
        f'<form method="post" accept-charset="utf-8" novalidate>{"".join(lines)}<button>Send the answer</button></form>'
    )


def input_name(number: int) -> str:
    """The name of the input of a field, by its position: the names of fields may be anything."""
    return f"field{number}"


def _field_html(field: Field, name: str, text: str, wrong: str | None) -> Iterator[str]:
    title = escape((field.title or field.name or "Your answer") + ("" if field.required else " (optional)"))
    hint = field.about or _HINTS.get(field.kind, "")
    notes = [(f"{name}-hint", "hint", hint)] if hint else []
    notes += [(f"{name}-wrong", "wrong", wrong)] if wrong else []
    described = f' aria-describedby="{" ".join(one for one, _, _ in notes)}"' if notes else ""
    told = "".join(f'<p class="{kind}" id="{one}">{escape(text)}</p>' for one, kind, text in notes)
    states = described + (' aria-invalid="true"' if wrong else "") + (" required" if field.required else "")
    options = ["yes", "no"] if field.kind == "boolean" else [shown(choice) for choice in field.choices]
    if options and len(options) <= MOST_RADIOS:
        two = " two" if field.kind == "boolean" else ""
        yield f'<fieldset{described}><legend>{title}</legend>{told}<div class="choices{two}">'
        yield from (_radio(name, option, option == text, field.required) for option in options)
        yield "</div></fieldset>"
    else:
        yield f'<div class="field"><label for="{name}">{title}</label>{told}'
        yield _input(field, options, f'id="{name}" name="{name}"', states, text) + "</div>"


def _input(field: Field, options: list[str], named: str, states: str, text: str) -> str:
    if options:
        inner = "".join(f"<option{' selected' if one == text else ''}>{escape(one)}</option>" for one in ("", *options))
        return f"<select {named}{states}>{inner}</select>"
    if field.is_long:
        code = ' class="code" spellcheck="false"' if field.kind == "json" else ""
        # The first newline of a textarea is not part of its text.
        return f"<textarea {named}{code}{states}>\n{escape(text)}</textarea>"
    mode = f' inputmode="{_MODES[field.kind]}"' if field.kind in _MODES else ""
    return f'<input type="text" {named} value="{escape(text)}" autocomplete="off"{mode}{states}>'


def _radio(name: str, option: str, checked: bool, required: bool) -> str:
    states = (" checked" if checked else "") + (" required" if required else "")
    value = escape(option)
    return f'<label><input type="radio" name="{name}" value="{value}"{states}><span>{value}</span></label>'


def _person(text: str) -> Iterator[str]:
    yield f'<div class="field"><label for="{NAME}">Your name (optional)</label>'
    yield f'<p class="hint" id="{NAME}-hint">It is stored with the answer.</p>'
    yield f'<input type="text" id="{NAME}" name="{NAME}" value="{escape(text)}" maxlength="{LONGEST_NAME}"'
    yield f' autocomplete="name" aria-describedby="{NAME}-hint"></div>'
