"""Commands that a person types to get a task to continue, as texts to paste."""

from __future__ import annotations

from aloma_cli.jsontext import JsonObject, text_or_json

_LONGEST_CHOICES = 60


def answer(asked: JsonObject, *, several: bool) -> str:
    """The command that answers a question of a record. `several`: it has to name the question."""
    name = f"--call {asked['call']}" if asked.get("call") is not None else f"--into {asked['into']}"
    return f"aloma task answer {asked['task']} {_choices(asked.get('schema'))}{f' {name}' if several else ''}"


def _choices(schema: JsonObject | None) -> str:
    """`true|false` for a question with few answers, else VALUE."""
    if (schema or {}).get("type") == "boolean":
        return "true|false"
    choices = (schema or {}).get("enum") or ()
    words = "|".join(map(text_or_json, choices))
    return words if words and len(words) <= _LONGEST_CHOICES and " " not in words else "VALUE"
