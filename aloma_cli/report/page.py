"""The shell of every page: one file, which loads nothing, and lets nothing in it load anything."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

from aloma_cli.jsontext import Json
from aloma_cli.report.markup import Markup, data, join, tag, with_code

_STATIC = Path(__file__).with_name("static")

STYLE = "page.css"


def page(
    title: str,
    head: Markup,
    sections: Iterable[Section],
    *,
    scripts: Sequence[str] = (),
    record: Json = None,
    live: str | None = None,
) -> str:
    """A page as HTML. `scripts`: names of files in `static/`, run in this order; they find `record` in `#record`.

    `live`: the version (an ETag) of a page that asks its server for newer ones.
    """
    shown = [*sections]
    style, script = _static(STYLE), _script(scripts)
    inside = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy(*scripts, live=live is not None)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="generator", content="aloma"),
        tag("title", title),
        tag("style", Markup(style)),
    ]
    body = [
        tag("a", "Skip to the content", href="#content", class_="skip"),
        tag("header", head),
        _contents(shown),
        tag("main", *(one.drawn for one in shown), id="content"),
    ]
    if live is not None:
        body.append(tag("p", id="state", role="status"))
    if scripts:
        body.append(tag("script", data(record), type="application/json", id="record"))
        body.append(tag("script", Markup(script)))
    root = tag("html", tag("head", *inside), tag("body", *body), lang="en", data_version=live)
    return f"<!doctype html>\n{root}\n"


def _contents(sections: Sequence[Section]) -> Markup | None:
    links = [tag("a", one.title, href=f"#{one.key}") for one in sections]
    return tag("nav", *links, aria_label="Sections") if len(links) > 1 else None


class Section:
    """A part of a page with a heading. `key`: its id."""

    def __init__(self, key: str, title: str, *content: Markup | None, about: str = "") -> None:
        self.key, self.title = key, title
        told = tag("p", with_code(about), class_="about") if about else None
        self.drawn = tag("section", tag("h2", title), told, join(content), id=key)


def policy(*scripts: str, live: bool = False) -> str:
    """The Content-Security-Policy of a page with these scripts: only they and its style work, and nothing is loaded.

    `live`: its scripts may ask its own server.
    """
    connect = "connect-src 'self'; " if live else ""
    run = f"script-src {_sha256(_script(scripts))}" if scripts else "script-src 'none'"
    return (
        f"default-src 'none'; style-src {_sha256(_static(STYLE))}; {run}; {connect}base-uri 'none'; form-action 'none'"
    )


def _script(names: Sequence[str]) -> str:
    return "\n".join(map(_static, names))


def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
