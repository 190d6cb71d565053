"""The number of this process, without asking the system each time: on some systems that takes as long as a firing."""

from __future__ import annotations

import os


class _Process:
    def __init__(self) -> None:
        self.number = os.getpid()


this = _Process()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=this.__init__)  # type: ignore[misc]
