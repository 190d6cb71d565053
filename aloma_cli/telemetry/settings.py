"""Where spans are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from urllib.parse import urlsplit

from aloma_cli.values import dataclass

_PATH = "/v1/traces"


@dataclass(frozen=True, slots=True)
class OtelSettings:
    """`url` of a collector, with or without the path. `prompts`: whether spans carry prompts and answers."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    prompts: bool = False

    @property
    def endpoint(self) -> str:
        """Where spans go: a URL without a path means the usual one."""
        return self.url if urlsplit(self.url).path.strip("/") else self.url.rstrip("/") + _PATH
