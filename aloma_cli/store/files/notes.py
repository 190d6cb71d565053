"""Notes of a workspace: `.aloma/notes/NAME.json` holds one JSON object, replaced as a whole."""

from __future__ import annotations

from pathlib import Path

from aloma_cli.jsontext import JsonObject, dumps, loads
from aloma_cli.store.files.atomic import refuse_links, replace_file
from aloma_cli.store.files.dotfolder import make_folder
from aloma_cli.store.files.os_errors import refused


def read_note(folder: Path, name: str) -> JsonObject | None:
    """What was last written; None if nothing was, or if a loss of power tore it. Raises StoreError."""
    path = folder / f"{name}.json"
    try:
        note = loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    except OSError as error:
        raise refused(path, "read", error) from error
    return note if isinstance(note, dict) else None


def write_note(folder: Path, name: str, note: JsonObject, *, fsync: bool) -> None:
    """Raises StoreError."""
    refuse_links(folder)
    make_folder(folder, durable=fsync)
    replace_file(folder / f"{name}.json", dumps(note).encode(), durable=fsync, shared=True)
