"""A local file as a part of a message."""

from __future__ import annotations

import base64
import mimetypes
import os
from pathlib import Path

from aloma_cli.jsontext import JsonObject

_SOUNDS = {"audio/mpeg": "mp3", "audio/x-wav": "wav", "audio/wav": "wav", "audio/vnd.wave": "wav"}
_TEXTS = ("application/json", "application/xml", "application/yaml", "application/x-yaml", "application/toml")


def attach(path: str | os.PathLike[str], *, media_type: str | None = None) -> JsonObject:
    """The file at `path` as a part of a message: a picture, a sound (wav, mp3), a text, or a file.

    `media_type`: by default from the ending of the name. Raises OSError if the file cannot be read, and
    UnicodeDecodeError if a text is not UTF-8.
    """
    file = Path(path)
    media = media_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    data = file.read_bytes()
    if media.startswith("text/") or media in _TEXTS:
        return {"type": "text", "text": f"{file.name}:\n{data.decode()}"}
    encoded = base64.b64encode(data).decode()
    if media in _SOUNDS:
        return {"type": "input_audio", "input_audio": {"data": encoded, "format": _SOUNDS[media]}}
    url = f"data:{media};base64,{encoded}"
    if media.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"filename": file.name, "file_data": url}}
