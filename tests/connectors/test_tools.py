"""A model that calls tools, whatever it sends."""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli import tool
from aloma_cli.connectors.base import Connectors
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.tools.requested import MOST_TEXT
from aloma_cli.connectors.chat.tools.tool import Tool
from aloma_cli.connectors.effects import effect
from aloma_cli.connectors.http import Http
from aloma_cli.connectors.workspace import module_connector
from aloma_cli.errors import (
    AnswerError,
    ConnectorError,
    KeyRefusedError,
    PermanentError,
    RetryableError,
    TruncatedAnswerError,
)
from aloma_cli.jsontext import JsonObject
from tests.connectors.support import Model, Recorder, completion, run
from tests.support.steps import connector

ASKS = [{"role": "user", "content": "How old is Ada?"}]


def calls(*asked: Any, finish: str = "tool_calls", content: str | None = None) -> JsonObject:
    """A completion that calls tools: each a name with arguments, or what is sent in the place of a call."""
    made = [
        {"id": f"id-{n}", "type": "function", "function": {"name": one[0], "arguments": json.dumps(one[1])}}
        if isinstance(one, tuple)
        else one
        for n, one in enumerate(asked)
    ]
    message = {"role": "assistant", "content": content, "tool_calls": made}
    return completion(None, message=message, finish_reason=finish)


def age(name: str) -> int:
    """The age of a person."""
    return {"Ada": 36, "Eve": 5}[name]


class Talk:
    """A chat with these answers of the model; `recorder` has what was sent."""

    def __init__(self, *answers: str | JsonObject | ConnectorError) -> None:
        self.model = Model(*answers)
        self.recorder = Recorder()
        self._chat = Chat(self.model.send, concurrency=9)

    def ask(self, *tools: Any, **options: Any) -> Any:
        return run(self.recorder.call(self._chat, messages=ASKS, tools=list(tools), **options))

    @property
    def turns(self) -> list[JsonObject]:
        """The requests to the model."""
        return [call.arguments for call in self.model.calls]

    @property
    def told(self) -> list[str]:
        """What the model was told by its tools."""
        return [message["content"] for message in self.turns[-1]["messages"] if message["role"] == "tool"]


def test_a_tool_is_called_and_its_result_is_told() -> None:
    talk = Talk(calls(("age", {"name": "Ada"})), "She is 36.")
    assert talk.ask(age).data == "She is 36."
    first, second = talk.turns
    (definition,) = first["tools"]
    assert definition["function"]["name"] == "age"
    assert definition["function"]["description"] == "The age of a person."
    assert second["messages"] == [
        *ASKS,
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "id-0", "type": "function", "function": {"name": "age", "arguments": '{"name":"Ada"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "id-0", "content": "36"},
    ]


def test_each_turn_and_each_call_is_a_request_of_its_own() -> None:
    talk = Talk(calls(("age", {"name": "Ada"}), ("age", {"name": "Eve"})), "36 and 5")
    talk.ask(age)
    assert [request.get("name", "a turn") for request in talk.recorder.sent] == ["a turn", "Ada", "Eve", "a turn"]


def test_calls_of_one_turn_run_side_by_side() -> None:
    met = asyncio.Event()

    async def wait() -> str:
        await asyncio.wait_for(met.wait(), 5)
        return "met"

    async def meet() -> str:
        met.set()
        return "here"

    talk = Talk(calls(("wait", {}), ("meet", {})), "done")
    talk.ask(wait, meet)
    assert talk.told == ["met", "here"]


def test_a_connectors_function_is_a_tool() -> None:
    async def find(name: str) -> JsonObject:
        return {"id": 7, "name": name}

    function = module_connector("crm", connector("crm", find=find))["find"]
    talk = Talk(calls(("crm_find", {"name": "Ada"})), "done")
    talk.ask(Tool.of("crm.find", function))
    assert talk.told == ['{"id":7,"name":"Ada"}']


def test_http_is_a_tool_whose_headers_are_not_told() -> None:
    made = Tool.of("http.get", Http().functions["get"])
    assert list((made.schema or {})["properties"]) == ["url"]
    answer = {"status": 200, "headers": {"x": "y"}, "body": "{}", "json": {"a": 1}}
    assert made.function.for_model(answer) == {"status": 200, "body": {"a": 1}}


def test_definitions_are_passed_on_and_their_calls_given_back() -> None:
    definition = {"type": "function", "function": {"name": "age", "parameters": {"type": "object"}}}
    talk = Talk(calls(("age", {"name": "Ada"})))
    answer = talk.ask(definition)
    assert answer.choices[0].message.tool_calls[0].function.name == "age"
    assert talk.turns[0]["tools"] == [definition]


def test_the_final_answer_has_the_shape() -> None:
    talk = Talk(calls(("age", {"name": "Ada"})), "about 36", '{"age": 36}')
    assert talk.ask(age, shape={"age": int}).data == {"age": 36}
    assert [turn.get("tool_choice") for turn in talk.turns] == [None, None, "none"]
    assert talk.turns[-1]["messages"][2]["role"] == "tool"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ({"id": "x", "function": {"name": "age", "arguments": "{'name'"}}, "The arguments are not JSON"),
        ({"id": "x", "function": {"name": "age", "arguments": "[1]"}}, "The arguments must be a JSON object, not a"),
        ({"id": "x", "function": {"name": "age"}}, 'the object lacks "name"'),
        (("age", {"name": 5}), "5 is not of type 'string'"),
        (("age", {"name": "Ada", "more": 1}), "Additional properties are not allowed"),
        (("agee", {"name": "Ada"}), "There is no tool 'agee'. The tools are: age."),
        ({"id": "x"}, "The call names no tool."),
        ("nonsense", "The call names no tool."),
    ],
)
def test_a_call_that_cannot_be_made_goes_back_once(bad: Any, told: str) -> None:
    talk = Talk(calls(bad), "I give up")
    assert talk.ask(age).data == "I give up"
    (text,) = talk.told
    assert told in text
    again = Talk(calls(bad), calls(bad), "never")
    with pytest.raises(AnswerError, match=r"the model called (age wrongly|unknown tools) in two turns: "):
        again.ask(age)


def test_a_right_call_makes_good_for_a_wrong_one() -> None:
    wrong, right = calls(("age", {})), calls(("age", {"name": "Ada"}))
    assert Talk(wrong, right, wrong, "done").ask(age).data == "done"


def test_an_unknown_tool_and_then_wrong_arguments_are_two_mistakes() -> None:
    unknown, wrong, right = calls(("agee", {})), calls(("age", {})), calls(("age", {"name": "Ada"}))
    assert Talk(unknown, wrong, "done").ask(age).data == "done"
    with pytest.raises(AnswerError, match=r"age wrongly in two turns: The arguments do not fit: the object lacks"):
        Talk(wrong, unknown, wrong, "never").ask(age)
    with pytest.raises(AnswerError, match="called unknown tools in two turns: There is no tool 'other'"):
        Talk(unknown, right, calls(("other", {})), "never").ask(age)


def test_arguments_come_in_many_forms() -> None:
    forms = ['{"name": "Ada"}', {"name": "Ada"}, json.dumps('{"name": "Ada"}'), ' {"name":"Ada"}\n']
    asked = [{"id": f"{n}", "function": {"name": "age", "arguments": form}} for n, form in enumerate(forms)]
    talk = Talk(calls(*asked, {"name": "age", "arguments": forms[0]}), "done")
    talk.ask(age)
    assert talk.told == ["36"] * 5


@pytest.mark.parametrize("ids", [[None, None], ["", ""], ["a", "a"], [5, "call_1_1"], [["x"], {}]])
def test_ids_are_made_where_they_are_missing_or_not_unique(ids: list[Any]) -> None:
    asked = [{"id": one, "function": {"name": "age", "arguments": {"name": "Ada"}}} for one in ids]
    talk = Talk(calls(*asked), "done")
    talk.ask(age)
    _, turn, *results = talk.turns[-1]["messages"]
    sent = [one["id"] for one in turn["tool_calls"]]
    assert len(set(sent)) == 2
    assert [one["tool_call_id"] for one in results] == sent


def test_too_many_calls_at_once_are_not_all_made() -> None:
    talk = Talk(calls(*[("age", {"name": "Ada"})] * 70), "done")
    talk.ask(age)
    assert sum("At most 64" in text for text in talk.told) == 6


def test_a_loop_without_end_is_ended() -> None:
    talk = Talk(calls(("age", {"name": "Ada"})))
    with pytest.raises(AnswerError, match="still calls tools after 3 turns: age"):
        talk.ask(age, max_turns=3)
    assert len(talk.turns) == 3


def test_a_cut_call_is_not_made() -> None:
    talk = Talk(calls({"id": "x", "function": {"name": "age", "arguments": '{"na'}}, finish="length"))
    with pytest.raises(TruncatedAnswerError):
        talk.ask(age)


@pytest.mark.parametrize("asked", [None, [], "text", 5])
def test_what_is_no_call_is_an_answer(asked: Any) -> None:
    message = {"role": "assistant", "content": "36", "tool_calls": asked}
    assert Talk(completion(None, message=message)).ask(age).data == "36"


def raising(error: Exception) -> Callable[..., Any]:
    def age(name: str) -> int:
        raise error

    return age


@pytest.mark.parametrize(
    ("error", "told"),
    [(KeyError("Ada"), "Error: KeyError: 'Ada'"), (ConnectorError("404, no such person", status=404), "Error: 404,")],
)
def test_an_error_is_told_to_the_model(error: Exception, told: str) -> None:
    talk = Talk(calls(("age", {"name": "Ada"})), "nobody knows")
    assert talk.ask(raising(error)).data == "nobody knows"
    assert talk.told[0].startswith(told)


@pytest.mark.parametrize(
    "error", [RetryableError("soon"), ConnectorError("busy", retryable=True), KeyRefusedError("the key is refused")]
)
def test_an_error_that_may_pass_or_that_will_stay_fails_the_call(error: Exception) -> None:
    talk = Talk(calls(("age", {"name": "Ada"})), "never")
    with pytest.raises(ConnectorError):
        talk.ask(raising(error))
    assert len(talk.turns) == 1


def test_results_are_bounded() -> None:
    def much() -> str:
        return "x" * 200_000

    talk = Talk(calls(("much", {})), "done")
    talk.ask(much)
    assert talk.told[0].endswith("(cut: the first 50,000 of 200,000 characters)")
    assert len(talk.told[0]) < MOST_TEXT + 100


def test_a_result_that_is_not_json_is_an_error() -> None:
    def odd() -> object:
        return object()

    talk = Talk(calls(("odd", {})), "done")
    talk.ask(odd)
    assert "not JSON" in talk.told[0]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["age", "id", "function", "{"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "name", "function", "arguments", "type", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(asked=ODD)
def test_whatever_is_sent_the_next_turn_fits_the_protocol(asked: Any) -> None:
    message = {"role": "assistant", "content": "36", "tool_calls": asked}
    talk = Talk(completion(None, message=message), "done")
    talk.ask(age)
    for turn in talk.turns[1:]:
        _, asking, *results = turn["messages"]
        assert [one["id"] for one in asking["tool_calls"]] == [one["tool_call_id"] for one in results]
        assert all(isinstance(json.loads(one["function"]["arguments"]), dict) for one in asking["tool_calls"])
        assert all(isinstance(one["content"], str) for one in results)


# -- what a function says of itself ------------------------------------------------------------------------------------


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Size:
    width: int
    height: int = 1


class Place(TypedDict):
    town: str
    street: NotRequired[str]


def everything(
    text: str,
    kind: Literal["a", "b"],
    color: Color,
    sizes: list[Size],
    place: Place,
    numbers: dict[str, float],
    note: Annotated[str | None, "what else there is"] = None,
    most: int = 5,
) -> str:
    """Do everything.

    And more of it.

    Args:
        text: what it is about
        kind (str): of which kind

    Returns:
        A sentence.
    """
    return f"{text} {kind} {color.name} {sizes[0].height} {place['town']} {numbers} {note} {most}"


def test_the_schema_comes_from_the_signature_and_the_docstring() -> None:
    made = tool(everything)
    assert made.description == "Do everything.\n\nAnd more of it."
    assert made.schema == {
        "type": "object",
        "properties": {
            "text": {"description": "what it is about", "type": "string"},
            "kind": {"description": "of which kind", "type": "string", "enum": ["a", "b"]},
            "color": {"type": "string", "enum": ["red", "blue"]},
            "sizes": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"width": {"type": "integer"}, "height": {"type": "integer"}},
                    "required": ["width"],
                    "additionalProperties": False,
                },
            },
            "place": {
                "type": "object",
                "properties": {"town": {"type": "string"}, "street": {"type": "string"}},
                "required": ["town"],
                "additionalProperties": False,
            },
            "numbers": {"type": "object", "additionalProperties": {"type": "number"}},
            "note": {
                "anyOf": [{"type": "string"}, {"type": "null"}],
                "description": "what else there is",
                "default": None,
            },
            "most": {"type": "integer", "default": 5},
        },
        "required": ["text", "kind", "color", "sizes", "place", "numbers"],
        "additionalProperties": False,
    }


def test_a_function_gets_the_types_that_it_names() -> None:
    given = {"text": "t", "kind": "a", "color": "red", "sizes": [{"width": 3}], "place": {"town": "X"}, "numbers": {}}
    talk = Talk(calls(("everything", given)), "done")
    talk.ask(everything)
    assert talk.told == ["t a RED 1 X {} None 5"]


def test_a_function_may_return_dataclasses() -> None:
    def size() -> list[Size]:
        return [Size(2)]

    talk = Talk(calls(("size", {})), "done")
    talk.ask(size)
    assert talk.told == ['[{"width":2,"height":1}]']


def test_tool_gives_other_words() -> None:
    made = tool(age, name="how_old", description="Ask it.", effect="once")
    assert (made.name, made.description, made.function.effect({}), made.call) == (
        "how_old",
        "Ask it.",
        "once",
        "tool.age",
    )


@pytest.mark.parametrize(("declared", "known"), [(None, "idempotent"), ("read", "read"), ("once", "once")])
def test_a_plain_function_is_run_again_unless_it_says_otherwise(declared: Any, known: str) -> None:
    def look() -> None:
        pass

    if declared:
        effect(declared)(look)
    assert tool(look).function.effect({}) == known


def takes_anything(*names: str) -> None: ...


def takes_an_object(one: Talk) -> None: ...


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (takes_anything, "a model gives its arguments by name"),
        (takes_an_object, "the parameter one of takes_an_object has the type Talk, which has no JSON Schema"),
        (lambda: 1, "has no name that a model could call"),
        (5, "5 is not a tool"),
        (Talk, "is not a tool"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_before_anything_is_asked(given: Any, message: str) -> None:
    talk = Talk("never")
    with pytest.raises(PermanentError, match=message):
        talk.ask(given)
    assert talk.turns == []


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(PermanentError, match="two tools are called age"):
        Talk("never").ask(age, tool(age))


@pytest.mark.parametrize("turns", [0, -1, True, 2.0, "3"])
def test_the_number_of_turns_is_checked(turns: Any) -> None:
    with pytest.raises(PermanentError, match="max_turns"):
        Talk("never").ask(age, max_turns=turns)


def test_connectors_functions_are_tools_as_they_are_called() -> None:
    from aloma_cli.content.handles.connectors import ConnectorsHandle

    async def find(name: str) -> str:
        return name

    table = Connectors({"crm": module_connector("crm", connector("crm", find=find))})
    handle = ConnectorsHandle(table, lambda *_: None)
    assert tool(handle.crm.find).call == "crm.find"
