"""Who gets which notices, as the `notify:` section of `aloma.yaml` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from aloma_cli.values import dataclass

WORDS = ("question", "failed", "done")
"""The kinds of notices: a task asks, has failed or paused, is done."""

USUAL = ("question", "failed")
TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Program:
    """A program, which gets the notice as JSON on its standard input. `cwd`: the workspace."""

    words: tuple[str, ...]
    cwd: Path | None = None

    @property
    def label(self) -> str:
        return f"command {Path(self.words[0]).name}"


@dataclass(frozen=True, slots=True)
class Post:
    """A URL, which gets the notice as JSON by POST. Both may hold secrets, so they are never shown."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def label(self) -> str:
        return f"url {urlsplit(self.url).hostname}"


@dataclass(frozen=True, slots=True)
class Mail:
    """Mail by SMTP. `security`: starttls, tls or none."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    security: str = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        return f"mail {', '.join(self.to)}"


Way: TypeAlias = Program | Post | Mail


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """One entry of `notify:`. `when`: some of WORDS. `only`: tasks with this tag. `timeout`: seconds for one try.

    `label` names it in records: `mail ops@example.org`.
    """

    way: Way
    when: tuple[str, ...] = USUAL
    only: str | None = None
    timeout: float = TIMEOUT
    label: str = ""
