"""The view of an answer: by attribute, by key, read-only."""

from __future__ import annotations

import copy
import pickle

import pytest

from aloma_cli.connectors.chat.completion import Completion
from tests.connectors.support import completion


def answer() -> Completion:
    return Completion(completion("hello"), {"parsed": 1})


def test_attribute_and_key_lead_to_the_same() -> None:
    assert answer().choices[0].message.content == "hello"
    assert answer()["choices"][0]["message"]["content"] == "hello"
    assert answer().usage.total_tokens == 15
    assert "usage" in answer()
    assert len(answer().choices) == 1
    assert [choice.finish_reason for choice in answer().choices] == ["stop"]


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"no contents here \(it has: role, content\)"):
        _ = answer().choices[0].message.contents


def test_it_is_read_only() -> None:
    with pytest.raises(AttributeError):
        answer().usage.total_tokens = 0
    with pytest.raises(TypeError):
        answer().usage["total_tokens"] = 0


def test_plain_data_is_the_callers_own() -> None:
    view = answer()
    view.to_dict()["usage"]["total_tokens"] = 0

    assert view.usage.total_tokens == 15
    assert view.usage.to_dict() == {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    assert view.usage == view.usage.to_dict()


def test_it_survives_copying() -> None:
    view = answer()

    assert copy.deepcopy(view) == view
    assert pickle.loads(pickle.dumps(view)) == view  # noqa: S301  (made a moment ago)
