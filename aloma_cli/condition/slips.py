"""What the author of a condition probably meant, where it looks like a slip of the pen."""

from __future__ import annotations

from aloma_cli.condition.mismatch import Mismatch
from aloma_cli.document.paths import MISSING, get
from aloma_cli.errors import did_you_mean
from aloma_cli.jsontext import KINDS, JsonObject, Path, show_path


def slip(mismatch: Mismatch, document: JsonObject) -> str:
    """A remark on a mismatch, with a space before it; empty where nothing looks wrong."""
    if mismatch.wanted in _QUOTED:
        kind = mismatch.wanted.strip('"')
        return f" (the string {mismatch.wanted}; for any {_KINDS[kind]} write {kind} without quotes)"
    meant = _meant(mismatch.path, document) if mismatch.missing else None
    return f" (the document has {show_path(meant)}: did you mean that?)" if meant else ""


_KINDS = {kind.__name__: word for kind, word in KINDS.items()}
_QUOTED = {f'"{kind}"' for kind in _KINDS}


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
