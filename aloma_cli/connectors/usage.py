"""What an answer took: tokens, as the server counted them, and dollars, where the price is known."""

from __future__ import annotations

from typing import Any

from aloma_cli.jsontext import Json, JsonObject, dumps

_CHARACTERS_PER_TOKEN = 4


def estimated_usage(messages: Json, content: str) -> JsonObject:
    """A `usage` in the OpenAI form for an answer whose tokens nobody counted."""
    asked, answered = _tokens(dumps(messages)), _tokens(content)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def recorded_usage(usage: JsonObject) -> JsonObject:
    """A `usage` in the OpenAI form as it is recorded: `input_tokens` and `output_tokens`."""
    return {
        "input_tokens": usage.get("prompt_tokens") or 0,
        "output_tokens": usage.get("completion_tokens") or 0,
    }


def cost_of(usage: JsonObject, model: str, base_url: str) -> float | None:
    """The price of a `usage` in the OpenAI form, in US dollars; None where the price is unknown."""
    from genai_prices import Usage, calc_price

    details = usage.get("prompt_tokens_details") or {}
    counted: dict[str, Any] = {
        "input_tokens": usage.get("prompt_tokens"),
        "cache_read_tokens": details.get("cached_tokens"),
        "output_tokens": usage.get("completion_tokens"),
    }
    try:
        return float(calc_price(Usage(**counted), model, provider_api_url=base_url).total_price)
    except (LookupError, ValueError):
        return None


def _tokens(text: str) -> int:
    return max(1, len(text) // _CHARACTERS_PER_TOKEN)
