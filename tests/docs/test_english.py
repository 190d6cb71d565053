"""The pages keep the rules of CONTRIBUTING.md that a machine can check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.support.pages import REPOSITORY, Page

PAGES = [
    Page(str(path.relative_to(REPOSITORY)))
    for path in (
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").glob("*.md"),
        *(REPOSITORY / "examples").rglob("*.md"),
    )
]
UNNATURAL = re.compile(
    r"(?<!there )\b(?:is no|are no|mend(?:ed)?|go(?:es|ne)? on|so much|so long|for ever|anew|whoever|how-manieth|"
    r"tells? of|comes about|what became of|any more|(?:is|are|was|be) told|makes? no sense|in silence)"
    r"\b(?!\s+(?:longer|more than))",
    re.IGNORECASE,
)


def sentences(page: Page) -> str:
    """The text without code; a quoted phrase is somebody else's."""
    return re.sub(r"`[^`\n]*`|\"[^\"\n]*\"|<!--.*?-->", "…", page.prose())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path))
def test_no_page_has_a_phrase_that_nobody_would_say(page: Page) -> None:
    assert [match[0] for match in UNNATURAL.finditer(sentences(page))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path))
def test_a_paragraph_has_at_most_one_semicolon(page: Page) -> None:
    parts = re.split(r"\n\n|\n(?=[-*|]|\d+\. )", sentences(page))
    assert [part for part in parts if part.count(";") > 1 and not part.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path))
def test_a_sentence_has_at_most_26_words(page: Page) -> None:
    """Rule 4 asks for 20; names of files and commands may need a few more."""
    lines = [line for line in sentences(page).splitlines() if not line.startswith(("|", "#", "    "))]
    parts = re.split(r"\n\n|\n(?=[-*] |\d+\. )", "\n".join(lines))
    spoken = [sentence for part in parts for sentence in re.split(r"(?<=[.:?!])\s+", " ".join(part.split()))]
    assert [sentence for sentence in spoken if len(sentence.split()) > 26] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.path))
def test_a_line_of_prose_has_at_most_130_characters(page: Page) -> None:
    lines = page.prose().splitlines()
    assert [line for line in lines if len(line) > 130 and not line.startswith("|") and "](" not in line] == []


@pytest.mark.parametrize("path", sorted((REPOSITORY / "aloma_cli").iterdir()), ids=lambda path: path.name)
def test_no_message_and_no_docstring_has_a_phrase_that_nobody_would_say(path: Path) -> None:
    found = []
    for file in path.rglob("*.py") if path.is_dir() else [path]:
        for node in ast.walk(ast.parse(file.read_bytes())) if file.suffix == ".py" else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = re.sub(r"`[^`]*`", "…", node.value)
                found += [f"{file}:{node.lineno}: {match[0]}" for match in UNNATURAL.finditer(words)]
    assert found == []
