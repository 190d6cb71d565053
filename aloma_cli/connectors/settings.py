"""Which model server is used, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The resolved choice of a model server.

    `base_url`: None is OpenAI's own. `models` maps the names that steps use to the server's (`default` is the name
    of a step that names none), unless `model` says which one answers all of them. `concurrency`: calls at one time.
    `timeout`: seconds for one try, of which there are `max_retries` + 1. `offline`: answers come from `responses`, a
    folder of scripts, or are simulated, each after about `delay` seconds.
    """

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    model: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 16
    timeout: float = 90.0
    max_retries: int = 2
    offline: bool = False
    responses: Path | None = None
    delay: float = 0.0
