"""What a server says about tokens, in every spelling, and what is made of it where that cannot be true."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.connectors.chat.usage import cost_of, recorded_usage, said_in, sound_completion_usage
from aloma_cli.record.events import CallAnswered
from aloma_cli.record.figures import Figures
from tests.connectors.support import completion

ASKED = [{"role": "user", "content": "a" * 40}]
OPENAI = "https://api.openai.com/v1"


def recorded(usage: Any, said: str = "hello") -> dict[str, Any]:
    sound, estimated = sound_completion_usage(usage, ASKED, said)
    return recorded_usage(sound) | ({"estimated": True} if estimated else {})


@pytest.mark.parametrize(
    ("usage", "more"),
    [
        ({"prompt_tokens_details": {"cached_tokens": 8}}, {"cached_tokens": 8}),
        ({"prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2}, {"cached_tokens": 8}),
        ({"cache_read_input_tokens": 8}, {"cached_tokens": 8}),
        ({"prompt_tokens_details": None, "cached_tokens": "8"}, {"cached_tokens": 8}),
        ({"prompt_tokens_details": {"cached_tokens": 999}}, {"cached_tokens": 10}),
        ({"completion_tokens_details": {"reasoning_tokens": 4}}, {"reasoning_tokens": 4}),
        ({"reasoning_tokens": 4}, {"reasoning_tokens": 4}),
        ({"completion_tokens_details": {"reasoning_tokens": -4}, "reasoning_tokens": [4]}, {}),
    ],
)
def test_tokens_of_a_cache_and_of_thoughts_are_on_record_in_every_spelling(usage: Any, more: dict[str, int]) -> None:
    given = {"prompt_tokens": 10, "completion_tokens": 5, **usage}

    assert recorded(given) == {"input_tokens": 10, "output_tokens": 5, **more}


@pytest.mark.parametrize("details", [{}, {"completion_tokens_details": {"reasoning_tokens": 70}}])
def test_thoughts_that_only_the_total_counts_are_output(details: Any) -> None:
    """xAI and Gemini leave them out of completion_tokens, and want to be paid for them."""
    given = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 85, **details}

    assert recorded(given) == {"input_tokens": 10, "output_tokens": 75, "reasoning_tokens": 70}


def test_names_of_other_interfaces_are_read() -> None:
    assert recorded({"input_tokens": 10, "output_tokens": 5}) == {"input_tokens": 10, "output_tokens": 5}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 1}, {"input_tokens": 10, "output_tokens": 250}),
        ({"prompt_tokens": 10, "completion_tokens": 10**12}, {"input_tokens": 10, "output_tokens": 250}),
        ({"prompt_tokens": 10**12, "completion_tokens": 99}, {"input_tokens": 17, "output_tokens": 99}),
        ({"prompt_tokens": -10, "completion_tokens": -5}, {"input_tokens": 17, "output_tokens": 250}),
    ],
)
def test_what_cannot_be_true_of_a_long_answer_is_estimated(usage: Any, expected: dict[str, int]) -> None:
    assert recorded(usage, "word " * 200) == expected | {"estimated": True}


def test_a_total_that_cannot_be_true_is_passed_over() -> None:
    given = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 50_000_000}

    assert recorded(given) == {"input_tokens": 10, "output_tokens": 5}


def test_calls_of_tools_and_shown_thoughts_are_part_of_what_was_said() -> None:
    """So zero tokens for them are not believed."""
    call = {"id": "1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    answer = completion(None, message={"content": None, "reasoning_content": "Hm.", "tool_calls": [call]})

    assert said_in(answer).startswith("Hm.[{")
    assert recorded({"prompt_tokens": 10, "completion_tokens": 0}, said_in(answer))["estimated"]


def test_the_server_s_own_price_counts_where_the_list_has_none() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.25}

    assert cost_of(usage, "some/model", "https://openrouter.example/api/v1") == 0.25
    assert cost_of(usage, "gpt-4o", OPENAI) == pytest.approx(0.000075)
    assert cost_of(usage | {"cost": "free"}, "some/model", "http://127.0.0.1/v1") is None


ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just({}) | st.just([1])
)
NAMES = st.sampled_from(
    ["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "cached_tokens", "reasoning_tokens"]
)
DETAILS = st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens"]), ODD | st.integers(0, 100), max_size=2)
NESTED = st.fixed_dictionaries({}, optional={"prompt_tokens_details": DETAILS, "completion_tokens_details": DETAILS})


@given(st.dictionaries(NAMES, ODD | st.integers(0, 1000)), NESTED | st.just({}), st.text(max_size=300))
def test_whatever_a_server_counts_the_record_adds_up(usage: dict[str, Any], nested: Any, said: str) -> None:
    made = recorded(usage | nested, said)
    sound, _ = sound_completion_usage(usage | nested, ASKED, said)

    assert made["input_tokens"] > 0
    assert 0 <= made.get("cached_tokens", 0) <= made["input_tokens"]
    assert 0 <= made.get("reasoning_tokens", 0) <= made["output_tokens"]
    assert sound["total_tokens"] == made["input_tokens"] + made["output_tokens"]


def call(**usage: Any) -> CallAnswered:
    about = {"provider": "x", "model": "m", "simulated": usage.pop("simulated", False)}
    return CallAnswered(
        at="", task="t", firing=1, step="s", call="openai.chat", key="k", arguments={}, usage=usage, about=about
    )


def test_figures_add_up_what_was_cached_thought_and_estimated() -> None:
    figures = Figures.of(
        call(input_tokens=10, output_tokens=5, cached_tokens=8, cost=0.5),
        call(input_tokens=10, output_tokens=5, reasoning_tokens=3, estimated=True),
        call(input_tokens=10, output_tokens=5, estimated=True, cost=0.0, simulated=True),
    )

    total = Figures.total([figures, figures]).usage_json()

    assert total["cached_tokens"] == 16
    assert total["reasoning_tokens"] == 6
    assert total["estimated"] == 2
    assert total["unpriced"] == 2
