"""Pages for people: plain HTML, without scripts, in light and dark, for narrow and wide screens."""

from __future__ import annotations

import base64
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse

from aloma_cli.report.markup import with_code

_STYLE = """
:root { color-scheme: light dark; --ground: #f5f6f8; --card: #ffffff; --text: #19202c; --faint: #566072;
  --line: #8c959f; --soft: #dfe3ea; --accent: #0f609f; --on-accent: #ffffff; --wrong: #b3261e; --right: #1a7f37; }
@media (prefers-color-scheme: dark) { :root { --ground: #0e1218; --card: #161b23; --text: #e3e8ef; --faint: #9aa6b6;
  --line: #7d8793; --soft: #2a323d; --accent: #74b8f5; --on-accent: #10151c; --wrong: #ff9a91; --right: #7ee29a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); line-height: 1.5;
  font: 1.0625rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 40rem; margin: 0 auto; padding: clamp(1rem, 4vw, 3rem) clamp(0.75rem, 4vw, 1.5rem); }
.card { background: var(--card); border: 1px solid var(--soft); border-radius: 0.75rem;
  padding: clamp(1rem, 4vw, 2rem); }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 1rem; overflow-wrap: anywhere; text-wrap: balance; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
p:last-child { margin: 0; }
.faint { color: var(--faint); font-size: 0.9375rem; }
.context { margin: 0 0 1.5rem; padding: 0.875rem 1rem; border-left: 3px solid var(--line); background: var(--ground);
  border-radius: 0 0.5rem 0.5rem 0; overflow-wrap: anywhere; white-space: pre-wrap; }
dl.context { display: grid; grid-template-columns: minmax(5rem, max-content) 1fr; gap: 0.375rem 1rem;
  white-space: normal; }
dt { color: var(--faint); overflow-wrap: anywhere; }
@media (max-width: 30rem) { dl.context { grid-template-columns: 1fr; gap: 0; } dd + dt { margin-top: 0.625rem; } }
dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
fieldset, .field { border: 0; margin: 0 0 1.25rem; padding: 0; min-width: 0; }
legend, .field > label { display: block; font-weight: 600; padding: 0; margin: 0 0 0.375rem; overflow-wrap: anywhere; }
.hint { color: var(--faint); font-size: 0.9375rem; margin: 0 0 0.375rem; }
.wrong { color: var(--wrong); font-weight: 600; margin: 0 0 0.375rem; }
.choices { display: grid; gap: 0.5rem; }
.choices.two { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.choices label { display: flex; align-items: center; gap: 0.75rem; padding: 0.6875rem 0.875rem; cursor: pointer;
  border: 1px solid var(--line); border-radius: 0.5rem; overflow-wrap: anywhere; min-width: 0; }
.choices label:has(:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
.choices input { flex: none; width: 1.125rem; height: 1.125rem; margin: 0; accent-color: var(--accent); }
input[type="text"], textarea, select { width: 100%; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.625rem 0.75rem; }
textarea { min-height: 8rem; resize: vertical; }
textarea.code { font: 0.9375rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
[aria-invalid="true"] { border-color: var(--wrong) !important; }
button { width: 100%; font: inherit; font-weight: 600; padding: 0.75rem 1.25rem; border: 0; border-radius: 0.5rem;
  background: var(--accent); color: var(--on-accent); cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.mark { font-size: 2rem; line-height: 1; margin: 0 0 0.75rem; color: var(--right); }
.mark.no { color: var(--faint); }
footer { margin: 1rem 0 0; padding: 0 0.25rem; overflow-wrap: anywhere; }
a { color: var(--accent); }
"""

_HASH = base64.b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # The address is a secret, and a form that is sent without a referrer has no origin that can be checked.
    "referrer-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
}


def page(title: str, body: str, footer: str = "", status: int = 200) -> HTMLResponse:
    """A page. `title` is a text, `body` and `footer` are HTML."""
    foot = f'<footer class="faint">{footer}</footer>' if footer else ""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body><main><div class="card">{body}</div>{foot}</main></body></html>'
    )
    return HTMLResponse(html, status, HEADERS)


def message_page(
    title: str, text: str, *, about: str = "", footer: str = "", status: int = 200, good: bool = False
) -> HTMLResponse:
    """A page that says something. `about`: the question that it is about. `footer` is HTML, the others are texts."""
    mark = '<p class="mark" aria-hidden="true">✓</p>' if good else ""
    quoted = f'<div class="context">{escape(about)}</div>' if about else ""
    return page(title, f"{mark}<h1>{escape(title)}</h1>{quoted}<p>{with_code(text)}</p>", footer, status)
