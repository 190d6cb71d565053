"""The rules of the shop. Steps call `lib.handbook.search(…)`, and so may a model."""

from pathlib import Path

HANDBOOK = Path(__file__).parents[1] / "handbook"


def search(words: str) -> list[str]:
    """Search the handbook of the shop.

    Args:
        words: one or more words; the lines with most of them come first
    """
    wanted = [word.lower() for word in words.split()]
    lines = [line for page in sorted(HANDBOOK.glob("*.md")) for line in page.read_text(encoding="utf-8").splitlines()]
    scores = [(sum(word in line.lower() for word in wanted), line) for line in lines]
    return [line for score, line in sorted(scores, key=lambda found: -found[0]) if score][:3]
