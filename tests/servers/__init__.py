"""Real servers on loopback, for the end-to-end tests: `llama`, `aimock` and `postgres` are pytest fixtures.

`tests/servers/install` installs them. Where they are missing the tests are skipped, or fail if ALOMA_E2E=required.
"""

from __future__ import annotations

from tests.servers.aimock import Aimock, aimock, aimock_server
from tests.servers.llama import Llama, llama, llama_embed
from tests.servers.postgres import Postgres, postgres

__all__ = ["Aimock", "Llama", "Postgres", "aimock", "aimock_server", "llama", "llama_embed", "postgres"]
