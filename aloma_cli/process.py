"""The number of this process, without asking the system each time: on some systems that takes as long as a firing."""

from __future__ import annotations

import os

number = os.getpid()


def _renew() -> None:
    global number  # noqa: PLW0603  (there is one process)
    number = os.getpid()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
