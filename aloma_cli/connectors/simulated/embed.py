"""Vectors without a model: texts that share words are near each other, and nothing else is understood."""

from __future__ import annotations

import math
import re
from collections import Counter
from hashlib import sha256

from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.embed import input_tokens, packed
from aloma_cli.jsontext import JsonObject

PROVIDER, MODEL = "aloma.offline", "aloma-offline"
"""What simulated answers call themselves."""

_WORD = re.compile(r"\w+")
_SIZE = 256
_LARGEST = 4096


def embedded(call: Call) -> Answer:
    """The answer to a call of `embed`, the same each time."""
    texts, wanted = call.arguments["input"], call.arguments.get("dimensions")
    size = wanted if isinstance(wanted, int) and 0 < wanted <= _LARGEST else _SIZE
    data = [
        {"object": "embedding", "index": at, "embedding": packed(_vector(text, size))} for at, text in enumerate(texts)
    ]
    tokens = input_tokens(texts)
    value: JsonObject = {
        "object": "list",
        "model": MODEL,
        "data": data,
        "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens},
    }
    usage = {"input_tokens": tokens, "output_tokens": 0, "cost": 0.0}
    return Answer(value, usage, {"provider": PROVIDER, "model": MODEL, "simulated": True})


def _vector(text: str, size: int) -> list[float]:
    """Each word adds one to, or takes one from, a place that follows from its letters; the length is made 1."""
    vector = [0.0] * size
    for word, count in Counter(_WORD.findall(text.casefold())).items():
        digest = int.from_bytes(sha256(word.encode()).digest()[:8], "big")
        vector[digest % size] += count if digest >> 63 else -count
    length = math.hypot(*vector)
    return [number / length for number in vector] if length else [1.0, *vector[1:]]
