"""The handbook of the shop: a search over the files of a folder."""

from __future__ import annotations

from pathlib import Path

from aloma_cli import effect

FOLDER = Path(__file__).parents[1] / "handbook"


@effect("read")
def search(words: str) -> list[dict]:
    """Search the handbook of the shop.

    words: what to look for, such as "broken on arrival".
    """
    wanted = set(words.lower().split())
    passages = [
        {"page": file.stem, "text": passage.strip()}
        for file in sorted(FOLDER.glob("*.md"))
        for passage in file.read_text(encoding="utf-8").split("\n\n")
        if not passage.startswith("#")
    ]
    hits = [(len(wanted & set(passage["text"].lower().split())), passage) for passage in passages]
    return [passage for score, passage in sorted(hits, key=lambda hit: -hit[0])[:3] if score]
