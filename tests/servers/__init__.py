"""Real servers on loopback, and a real browser, for the end-to-end tests.

`llama`, `aimock`, `postgres`, `rotel` and `chromium` are pytest fixtures. `tests/servers/install` installs all that.
Where it is missing the tests are skipped, or fail if ALOMA_E2E=required.
"""

from __future__ import annotations

from tests.servers.aimock import Aimock, aimock, aimock_server
from tests.servers.browser import Chromium, chromium, violations
from tests.servers.llama import Llama, llama, llama_embed, llama_tools
from tests.servers.postgres import Postgres, postgres
from tests.servers.rotel import Rotel, rotel

__all__ = [
    "Aimock",
    "Chromium",
    "Llama",
    "Postgres",
    "Rotel",
    "aimock",
    "aimock_server",
    "chromium",
    "llama",
    "llama_embed",
    "llama_tools",
    "postgres",
    "rotel",
    "violations",
]
