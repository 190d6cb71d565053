"""Parse YAML into nodes; errors have the line."""

from __future__ import annotations

from typing import Any

import yaml

from aloma_cli.errors import AlomaError


def decode(content: bytes, source: str, error: type[AlomaError]) -> str:
    """The text of a file. Raises `error`, which names `source` and the line."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = content[: wrong.start].count(b"\n") + 1
        raise error(f"{source}:{line}: not valid UTF-8: byte 0x{content[wrong.start]:02x}") from None


def compose(text: str, source: str, error: type[AlomaError], loader: Any = yaml.SafeLoader) -> Any:
    """The root node of `text`; None where the text is empty. Raises `error` as `decode` does."""
    try:
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        place = f"{source}:{mark.line + 1}" if mark else source
        problem = ", ".join(part for part in (wrong.context, wrong.problem) if part)
        raise error(f"{place}: not valid YAML: {problem}") from None
    except yaml.reader.ReaderError as wrong:
        line = text[: wrong.position].count("\n") + 1
        raise error(f"{source}:{line}: not valid YAML: the character #x{wrong.character:02x} is not allowed") from None
    except RecursionError:
        raise error(f"{source}: nested too deeply") from None
