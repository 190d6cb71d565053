"""The picture of the live view is small and whole, and its maker draws what a terminal would show."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from aloma_cli.view.svg import Sheet, drawn
from tools.picture import COMMAND, PICTURE

SVG = "{http://www.w3.org/2000/svg}"


def lines(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314  (our own file)


def test_the_picture_is_light_and_shows_a_run_of_the_example() -> None:
    assert PICTURE.stat().st_size < 8_000
    shown = "\n".join(lines(PICTURE.read_text(encoding="utf-8")))
    assert COMMAND[2] in shown
    assert "research/coordinator" in shown
    assert "2 running" in shown


def test_a_screen_keeps_what_a_terminal_would_show() -> None:
    screen = Sheet()
    screen.write("first\r\n\x1b[1mbold\x1b[0m plain\r\nregion\r")
    screen.write("\x1b[1A\x1b[K\x1b[38;5;35m\u2713\x1b[0m <done>")
    assert screen.text() == "first\n\u2713 <done>\nregion"
    assert '<tspan fill="#00af5f">\u2713</tspan> &lt;done&gt;' in drawn(screen.rows, "A screen")
    screen.write("\x1b[J")
    assert screen.text() == "first\n\u2713 <done>"
