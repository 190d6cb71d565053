"""One value of a document, by its path."""

from __future__ import annotations

from aloma_cli.document.paths import MISSING, get, parse_path, resolve
from aloma_cli.errors import InputError, NotFoundError, did_you_mean
from aloma_cli.jsontext import JsonObject, kind_of, pretty, show_path, with_article


def value_at(document: JsonObject, path: str, *, as_json: bool) -> str:
    """The value as text: a text as it is (with `as_json` quoted), all else as JSON.

    Raises NotFoundError naming where the path leaves the document, and InputError for a path that is none.
    """
    place = resolve(document, parse_path(path))
    value = get(document, place)
    if value is MISSING:
        raise _missing_place(document, place)
    return value if isinstance(value, str) and not as_json else pretty(value)


def _missing_place(document: JsonObject, place: tuple[str | int, ...]) -> NotFoundError | InputError:
    depth = next(depth for depth in range(1, len(place) + 1) if get(document, place[:depth]) is MISSING)
    above = get(document, place[: depth - 1])
    where = show_path(place[: depth - 1]) if depth > 1 else "the document"
    if isinstance(above, dict):
        hint = did_you_mean(str(place[depth - 1]), above) or f"it has {', '.join(list(above)[:8]) or 'no fields'}"
        return NotFoundError(f"{where} has no field {place[depth - 1]!r}", hint=hint)
    if isinstance(above, list):
        return NotFoundError(f"{where} is a list of {len(above)}, and has no {place[depth - 1]!r}")
    return NotFoundError(f"{where} is {with_article(kind_of(above))}, and has no {place[depth - 1]!r}")
