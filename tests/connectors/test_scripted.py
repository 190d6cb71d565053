"""Scripted answers: which entry answers, in what order, and what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.connectors.simulated.offline import Offline
from aloma_cli.connectors.simulated.scripted import Scripts
from aloma_cli.errors import ConfigError, ConnectorError
from tests.connectors.support import Recorder, run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "responses"


def write(folder: Path, entries: Any, step: str = "a step") -> None:
    file = folder / f"{step}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(entries if isinstance(entries, str) else json.dumps(entries), encoding="utf-8")


def ask(
    folder: Path,
    *,
    recorder: Recorder | None = None,
    shape: Any = None,
    times: int = 1,
    used: dict[str, int] | None = None,
) -> list[Any]:
    """The data (or the error) of each of `times` calls."""
    chat = Chat(Offline(ModelSettings(offline=True, responses=folder), used or {}).send, concurrency=16)

    async def one() -> Any:
        try:
            return (await (recorder or Recorder()).call(chat, messages=[], shape=shape)).data
        except ConnectorError as error:
            return error

    async def work() -> list[Any]:
        return [await one() for _ in range(times)]

    return run(work())


def test_the_first_entry_whose_condition_holds_answers(folder: Path) -> None:
    write(folder, [{"when": {"domain": "bees"}, "answer": "buzz"}, {"answer": "anything"}])

    assert ask(folder, recorder=Recorder(document={"domain": "bees"})) == ["buzz"]
    assert ask(folder, recorder=Recorder(document={"domain": "ants"})) == ["anything"]


def test_where_no_entry_applies_the_shape_is_filled(folder: Path) -> None:
    write(folder, [{"when": {"domain": "bees"}, "answer": "buzz"}])

    assert ask(folder, shape={"note": str}) == [{"note": "(simulated) note"}]


def test_what_the_answer_lacks_is_filled_and_marked(folder: Path) -> None:
    write(folder, [{"answer": {"score": 7, "extra": True}}])

    assert ask(folder, shape={"score": int, "note": str}) == [{"score": 7, "extra": True, "note": "(simulated) note"}]


def test_a_text_is_the_raw_content(folder: Path) -> None:
    write(folder, [{"answer": "{'score': 7,}"}])

    assert ask(folder, shape={"score": int}) == [{"score": 7}]


def test_each_call_gets_its_reply_and_the_last_one_repeats(folder: Path) -> None:
    write(
        folder,
        [{"calls": [{"answer": "one"}, {"error": {"status": 429, "message": "slow down"}}, {"answer": "three"}]}],
    )

    first, second, *others = ask(folder, times=4)

    assert (first, others) == ("one", ["three", "three"])
    assert isinstance(second, ConnectorError)


def test_the_count_goes_on_where_the_record_ends(folder: Path) -> None:
    write(folder, [{"calls": [{"answer": "one"}, {"answer": "two"}]}], "research/agent")

    recorder = Recorder(step="research/agent")
    assert ask(folder, recorder=recorder, used={"research/agent.json#0": 1}) == ["two"]
    assert recorder.answers[0].about is not None
    assert recorder.answers[0].about["entry"] == "research/agent.json#0"


def test_each_entry_counts_for_itself(folder: Path) -> None:
    write(folder, [{"when": {"a": 1}, "calls": [{"answer": "x"}]}, {"calls": [{"answer": "one"}, {"answer": "two"}]}])

    ask(folder, recorder=Recorder(document={"a": 1}), times=3)
    assert ask(folder, times=2) == ["one", "two"]


@pytest.mark.parametrize(("status", "retryable"), [(429, True), (503, True), (408, True), (400, False), (401, False)])
def test_an_error_is_as_retryable_as_its_status_and_names_its_entry(folder: Path, status: int, retryable: bool) -> None:
    write(folder, [{"error": {"status": status, "message": "out of order"}}])

    [error] = ask(folder)

    assert (error.status, error.retryable) == (status, retryable)
    assert "out of order" in str(error)
    assert error.about["entry"] == "a step.json#0"


def test_a_reply_may_take_its_time(folder: Path) -> None:
    write(folder, [{"calls": [{"answer": "one", "delay": 0.01}, {"answer": "two"}], "delay": 0.02}])

    [(_, first), (_, second)] = [reply for _ in range(2) if (reply := scripts(folder).next_reply("a step", {}))]
    assert (first.delay, second.delay) == (0.01, 0.01)
    assert ask(folder, times=2) == ["one", "two"]


def scripts(folder: Path) -> Scripts:
    return Scripts(folder, {})


def test_a_file_is_found_by_the_name_of_its_step_with_blanks_and_folders(folder: Path) -> None:
    write(folder, [], "deep/down/the step")

    assert scripts(folder).steps == {"deep/down/the step"}


def test_without_a_folder_everything_is_filled(folder: Path) -> None:
    assert ask(folder, shape={"note": str}) == [{"note": "(simulated) note"}]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("[{]", "at line 1, column 3"),
        ({"answer": "x"}, "contains a JSON object, not a list of answers"),
        (["x"], "entry 0: an entry is an object, not string"),
        ([{"answer": "x"}, {"anwser": "x"}], "entry 1: unknown key 'anwser'"),
        ([{"when": {}}], "entry 0: it needs one `answer` (an object or a string), one `tool_calls` or one `error`"),
        ([{"answer": 3}], "entry 0: it needs one `answer`"),
        ([{"answer": "x", "error": {"status": 500, "message": "y"}}], "entry 0: it needs one `answer`"),
        ([{"error": {"status": 200, "message": "y"}}], "entry 0: {'status': 200, 'message': 'y'} is not an error"),
        ([{"error": {"message": "y"}}], "is not an error"),
        ([{"calls": []}], "entry 0: `calls` must be a list of replies"),
        ([{"calls": [{"answer": "x"}], "answer": "y"}], "entry 0: `calls` must be a list of replies"),
        ([{"calls": [{"answer": "x"}, {"when": {}}]}], "entry 0, call 1: unknown key 'when'"),
        (
            [{"answer": "x", "delay": "long"}],
            "entry 0: `delay` must be a number of seconds from 0 to 100 years, not 'long'",
        ),
        ([{"answer": "x", "delay": -1}], "entry 0: `delay` must be a number of seconds from 0 to 100 years, not -1"),
        (
            [{"answer": "x", "delay": 1e15}],
            "entry 0: `delay` must be a number of seconds from 0 to 100 years, not 1000000000000000.0",
        ),
        ([{"when": {"a": {"$foo": 1}}, "answer": "x"}], "entry 0: "),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_place(folder: Path, entries: Any, message: str) -> None:
    write(folder, entries)

    with pytest.raises(ConfigError) as caught:
        scripts(folder)

    assert message in str(caught.value)
    assert str(folder / "a step.json") in str(caught.value)
