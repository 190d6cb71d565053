"""The usage of an answer: tokens as the server counted them, and dollars if the price is known."""

from __future__ import annotations

from typing import Any

from aloma_cli.jsontext import Json, JsonObject, dumps
from aloma_cli.record.counts import whole

_CHARACTERS_PER_TOKEN = 4


def estimated_usage(messages: Json, content: str) -> JsonObject:
    """A `usage` in the OpenAI form for an answer whose tokens were not counted."""
    asked, answered = _tokens(dumps(messages)), _tokens(content)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def sound_completion_usage(usage: Json, messages: Json, content: str) -> tuple[JsonObject, bool]:
    """A server's `usage` with numbers in it, and whether any of them was estimated.

    Zero for a text that is not empty counts as missing, and so does a value that is not an integer.
    """
    given = usage if isinstance(usage, dict) else {}
    asked, answered = whole(given.get("prompt_tokens")), whole(given.get("completion_tokens"))
    if asked and (answered or (answered == 0 and not content)):
        total = whole(given.get("total_tokens")) or asked + answered
        return given | {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": total}, False
    estimate = estimated_usage(messages, content)
    asked, answered = asked or estimate["prompt_tokens"], answered or estimate["completion_tokens"]
    return given | {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}, True


def recorded_usage(usage: JsonObject) -> JsonObject:
    """A complete `usage` in the OpenAI form as `input_tokens` and `output_tokens`, for the record."""
    return {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}


def cost_of(usage: JsonObject, model: str, base_url: str) -> float | None:
    """The price of a `usage` in the OpenAI form, in US dollars; None where the price is unknown."""
    from genai_prices import Usage, calc_price

    details = usage.get("prompt_tokens_details")
    counted: dict[str, Any] = {
        "input_tokens": usage["prompt_tokens"],
        "cache_read_tokens": whole(details.get("cached_tokens")) if isinstance(details, dict) else None,
        "output_tokens": usage["completion_tokens"],
    }
    try:
        return float(calc_price(Usage(**counted), model, provider_api_url=base_url).total_price)
    except Exception:  # noqa: BLE001  (an answer without a price is still an answer)
        return None


def _tokens(text: str) -> int:
    return max(1, len(text) // _CHARACTERS_PER_TOKEN)
