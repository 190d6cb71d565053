"""What the author of a condition probably meant, where a mismatch looks like a typo."""

from __future__ import annotations

from aloma_cli.condition.mismatch import Mismatch
from aloma_cli.document.paths import MISSING, get
from aloma_cli.errors import did_you_mean
from aloma_cli.jsontext import KINDS, JsonObject, Path, show_path


def slip(mismatch: Mismatch, document: JsonObject) -> str:
    """A remark on a mismatch, with a space before it; empty where nothing looks wrong."""
    wanted = mismatch.wanted.strip('"')
    if wanted in TYPES and wanted != mismatch.wanted:
        return f" (the string {mismatch.wanted}; for any {TYPES[wanted]} write {wanted} without quotes)"
    meant = _meant(mismatch.path, document) if mismatch.missing else None
    return f" (the document has {show_path(meant)}: did you mean that?)" if meant else ""


def is_quoted_type(pattern: object) -> bool:
    """Whether a pattern is a string such as "str", which is probably meant as the type."""
    return isinstance(pattern, str) and pattern in TYPES


TYPES = {kind.__name__: word for kind, word in KINDS.items()}
"""What messages call the values of a type, by its name in Python."""


def _meant(path: Path, document: JsonObject) -> Path | None:
    """The place of the document that is called nearly as `path`, where a single key of it is misspelt."""
    for at, key in enumerate(path):
        owner = get(document, path[:at])
        if not isinstance(owner, dict) or not isinstance(key, str):
            return None
        if key not in owner:
            near = did_you_mean(key, owner)
            meant = (*path[:at], near.split("`")[1], *path[at + 1 :]) if near else ()
            return meant if meant and get(document, meant) is not MISSING else None
    return None
