"""The usage of an answer: tokens as the server counted them, and dollars if the price is known."""

from __future__ import annotations

from typing import Any

from aloma_cli.connectors.chat.completion import content_of
from aloma_cli.connectors.chat.parts import prompt_tokens, text_tokens
from aloma_cli.jsontext import Json, JsonObject, text_or_json
from aloma_cli.record.counts import number, whole

_MOST_CHARACTERS_PER_TOKEN = 100
"""A server that counts fewer tokens than this for a text did not count it."""

_MOST_TOKENS = 100_000_000
"""No model reads or writes more in one call."""

_MOST_HIDDEN = 200_000
"""Tokens that only the total counts: the thoughts of a model, if they are not more than this."""


def estimated_usage(messages: Json, said: str, model: str = "") -> JsonObject:
    """A `usage` in the OpenAI form for an answer whose tokens were not counted."""
    asked, answered = prompt_tokens(messages, model), text_tokens(said)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def said_in(completion: JsonObject) -> str:
    """All that a model wrote: the text, the thoughts that are shown, and the calls of tools."""
    message = completion["choices"][0]["message"]
    more = (message.get(name) for name in ("reasoning", "reasoning_content", "tool_calls"))
    return content_of(completion) + "".join(map(text_or_json, filter(None, more)))


def sound_completion_usage(usage: Json, messages: Json, said: str, model: str = "") -> tuple[JsonObject, bool]:
    """A server's `usage` with numbers in it, and whether any of them was estimated.

    What cannot be true counts as missing: no integer, zero or next to nothing for a long text, too many tokens for any
    model. Tokens of hidden thoughts are part of `completion_tokens`, also where a server counts them in the total only.
    """
    given = usage if isinstance(usage, dict) else {}
    asked, answered = _token_count(given, "prompt_tokens", "input_tokens"), _token_count(given, *_ANSWERED)
    total = _token_count(given, "total_tokens") or 0
    hidden = total - asked - answered if asked and answered is not None else 0
    if asked and 0 < hidden <= _MOST_HIDDEN:
        given = given | {
            "completion_tokens_details": {"reasoning_tokens": hidden, **_part(given, "completion_tokens_details")}
        }
        answered = total - asked
    if answered is not None and answered * _MOST_CHARACTERS_PER_TOKEN < len(said):
        answered = None
    estimate = estimated_usage(messages, said, model) if not asked or answered is None else {}
    counted: JsonObject = {
        "prompt_tokens": asked or estimate["prompt_tokens"],
        "completion_tokens": estimate["completion_tokens"] if answered is None else answered,
    }
    return given | counted | {"total_tokens": sum(counted.values())}, bool(estimate)


def sound_input_usage(usage: Json, estimate: int) -> tuple[JsonObject, bool]:
    """As `sound_completion_usage`, for a request whose answer has no tokens."""
    given = usage if isinstance(usage, dict) else {}
    asked = _token_count(given, "prompt_tokens", "input_tokens", "total_tokens")
    return {
        **given,
        "prompt_tokens": asked or estimate,
        "completion_tokens": 0,
        "total_tokens": asked or estimate,
    }, not asked


def recorded_usage(usage: JsonObject) -> JsonObject:
    """A complete `usage` in the OpenAI form, for the record: `input_tokens` and `output_tokens`, and what of them was
    read from a cache or spent on thoughts, if the server says so."""
    recorded = {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}
    parts = {
        "cached_tokens": _cached(usage),
        "reasoning_tokens": _share(usage, "completion_tokens", "reasoning_tokens"),
    }
    return recorded | {name: count for name, count in parts.items() if count}


def cost_of(usage: JsonObject, model: str, base_url: str) -> float | None:
    """The price of a `usage` in the OpenAI form, in US dollars; None where the price is unknown.

    The list of prices comes first, then what the server says that it cost.
    """
    from genai_prices import Usage, calc_price

    counted: dict[str, Any] = {
        "input_tokens": usage["prompt_tokens"],
        "cache_read_tokens": _cached(usage) or None,
        "output_tokens": usage["completion_tokens"],
    }
    try:
        return float(calc_price(Usage(**counted), model, provider_api_url=base_url).total_price)
    except Exception:  # noqa: BLE001  (an answer without a price is still an answer)
        return number(usage.get("cost"))


_ANSWERED = ("completion_tokens", "output_tokens")


def _token_count(usage: JsonObject, *names: str) -> int | None:
    """The first of these that is a possible number of tokens."""
    counts = (whole(usage.get(name)) for name in names)
    return next((count for count in counts if count is not None and count <= _MOST_TOKENS), None)


def _cached(usage: JsonObject) -> int:
    return _share(usage, "prompt_tokens", "cached_tokens", "prompt_cache_hit_tokens", "cache_read_input_tokens")


def _share(usage: JsonObject, whole: str, name: str, *others: str) -> int:
    """How many tokens of `whole` are of this kind: by the server's details, else by one of these names beside it."""
    found = _token_count(_part(usage, f"{whole}_details"), name)
    if found is None:
        found = _token_count(usage, name, *others)
    most: int = usage[whole]
    return min(found or 0, most)


def _part(usage: JsonObject, name: str) -> JsonObject:
    part = usage.get(name)
    return part if isinstance(part, dict) else {}
