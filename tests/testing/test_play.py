"""Tasks played in memory: what was fired, asked, changed; scripted answers; time; and the ban on real calls."""

from __future__ import annotations

import time
from typing import Any

import pytest

from aloma_cli import Step
from aloma_cli.testing.play import Home, Play
from aloma_cli.testing.script import Script

INVOICE = {"vendor": "ACME", "euros": 12.5}


def test_a_play_tells_who_fired_on_what_with_what_prompt(play: Play, script: Script) -> None:
    script.on("read").answers(INVOICE)
    played = play({"text": "ACME 12.50"})
    played.assert_fired("read")
    firing = played.firing("read")
    assert (firing.on, firing.prompt) == ({"text": "ACME 12.50"}, "Read ACME 12.50")
    assert [change["path"] for change in firing.changes] == ["/invoice"]
    assert (played.state, played.data["invoice"], played.calls[0].answer) == ("done", INVOICE, INVOICE)


def test_what_a_scripted_answer_lacks_is_filled_by_the_shape(play: Play, script: Script) -> None:
    script.on("read").answers({"vendor": "ACME"})
    assert play({"text": "x"}).data["invoice"] == {"vendor": "ACME", "euros": 0}


def test_answers_come_in_their_order_and_the_last_one_repeats(play: Play, script: Script) -> None:
    script.on("read").fails(429).then_fails(503).then(INVOICE)
    played = play({"text": "x"})
    assert (played.failed, played.fired) == (["read", "read"], ["read"])
    script.on("careless").answers("one").then_answers("two")
    assert [play({"careless": True}).calls[-1].answer for _ in range(3)] == ["one", "two", "two"]


def test_the_first_rule_that_fits_answers(play: Play, script: Script) -> None:
    script.on("read", prompt="ACME").answers({"vendor": "by prompt"})
    script.on("read", when={"text": "x"}).answers({"vendor": "by document"})
    script.on("read").answers(lambda call: {"vendor": f"made for {call.document['text']}"})
    for text, vendor in (("ACME", "by prompt"), ("x", "by document"), ("y", "made for y")):
        assert play({"text": text}).data["invoice"]["vendor"] == vendor


def test_subtasks_are_part_of_the_play(play: Play) -> None:
    played = play({"children": ["a", "b"]})
    played.assert_fired("both", "child", "child")
    assert {name: task.result for name, task in played.subtasks.items()} == {"a": "A", "b": "B"}
    assert played.data["results"]["a"]["result"] == "A"


# -- no real call ----------------------------------------------------------------------------------------------------


def test_a_call_that_is_not_scripted_fails_the_test_and_says_how_to_script_it(play: Play) -> None:
    with pytest.raises(AssertionError, match=r'script.on\("read"\).answers\(\{"vendor": …, "euros": …\}\)'):
        play({"text": "x"})


def test_a_step_cannot_hide_such_a_call(play: Play) -> None:
    with pytest.raises(AssertionError, match=r"careless called openai\.chat, which is not scripted"):
        play({"careless": True})


@pytest.mark.parametrize(
    ("data", "call"), [({"url": "http://127.0.0.1:9/"}, "http.get"), ({"book": "x"}, "ledger.book")]
)
def test_no_connector_is_reached(play: Play, data: dict[str, str], call: str) -> None:
    with pytest.raises(AssertionError, match=f'called {call}, which is not scripted; add script.on.*"{call}"'):
        play(data)


def test_any_connector_can_be_scripted(play: Play, script: Script) -> None:
    script.on("book").answers(7)
    played = play({"book": "x"}, config={"SHOP": "Sol"})
    assert (played.data["entry"], played.calls[0].arguments) == (7, {"title": "x", "shop": "Sol"})


def test_an_http_answer_may_be_its_body_alone(play: Play, script: Script) -> None:
    script.on("fetch", "http.get").answers({"rate": 2}).then({"status": 200, "json": {"rate": 3}})
    assert [play({"url": "https://rates.example"}).data["rate"] for _ in range(2)] == [2, 3]


def test_the_rest_may_be_simulated(play: Play, script: Script) -> None:
    script.simulate()
    assert play({"text": "x"}).data["invoice"]["vendor"].startswith("(simulated)")


# -- time, people ----------------------------------------------------------------------------------------------------


def test_days_cost_nothing(play: Play) -> None:
    began = time.monotonic()
    played = play({"polls": 0})
    assert (played.state, played.data["polls"]) == ("done", 3)
    assert time.monotonic() - began < 2


def test_a_question_is_answered(play: Play) -> None:
    played = play({"pay": 7})
    assert (played.state, played.questions) == ("question", ["Pay 7?"])
    played.answer(True)
    assert (played.state, played.data["done"], played.fired) == ("done", True, ["ask", "paid"])


def test_a_question_without_an_answer_takes_its_default_when_its_time_has_come(play: Play) -> None:
    played = play({"pay": 7}, now="2026-03-01T08:00:00Z")
    assert played.later(hours=23).state == "question"
    assert played.later(hours=1).data["done"] is False
    assert played.logs == ["paid at 2026-03-02T08:00:00+00:00"]


def test_values_come_from_outside(play: Play) -> None:
    assert play({}).set(pay=3).questions == ["Pay 3?"]


def test_a_thread_takes_its_real_time(play: Play) -> None:
    """A timer of the task is not late because a thread works."""
    assert play({"block": True, "children": ["a"]}).data["blocked"] is True


def test_a_wait_without_an_end_is_told(play: Play) -> None:
    with pytest.raises(AssertionError, match="waits for something that never happens"):
        play({"forever": True})


# -- failures --------------------------------------------------------------------------------------------------------


def test_a_failed_expectation_says_what_happened_instead(play: Play, script: Script) -> None:
    script.on("read").answers(INVOICE)
    with pytest.raises(AssertionError) as failed:
        play({"text": "x"}).assert_fired("read", "book")
    told = str(failed.value)
    assert "fired: read\nwanted: read, book\n  book did not fire: book is missing, wanted a string" in told
    assert "what happened:" in told
    assert "1 change (invoice)" in told
    assert "closest to firing:" in told


def test_a_document_is_compared_by_a_pattern(play: Play, script: Script) -> None:
    script.on("read").answers(INVOICE)
    played = play({"text": "x"})
    played.assert_data({"invoice": {"vendor": str}})
    with pytest.raises(AssertionError, match=r"invoice.euros is 12.5, wanted < 10"):
        played.assert_data({"invoice": {"euros": {"$lt": 10}}})


def test_a_step_that_does_not_exist_is_named(play: Play, script: Script) -> None:
    script.on("read").answers(INVOICE)
    with pytest.raises(AssertionError, match=r"there is no step 'raed'; did you mean `read`\?"):
        play({"text": "x"}).assert_fired("raed")


def test_a_task_that_asks_nothing_cannot_be_answered(play: Play) -> None:
    with pytest.raises(AssertionError, match="the task has no open question; it is ignored"):
        play({}).answer(True)


def test_answers_that_no_call_asked_for_are_told(play: Play, script: Script) -> None:
    script.on("raed").answers({})
    assert "no call used the answers for 'raed'" in play({}).story()


# -- vectors ---------------------------------------------------------------------------------------------------------


async def _near(data: Any, connectors: Any) -> None:
    data["vectors"] = (await connectors.openai.embed(input=["a", "b"])).vectors


NEAR = Home.of([Step("near", {"go": True, "vectors": None}, _near)])


def test_vectors_can_be_scripted_as_lists() -> None:
    script = Script()
    script.on("near", "openai.embed").answers([[1.0, 0.0], [0.0, 1.0]])
    assert Play(NEAR, script)({"go": True}).data["vectors"] == [[1.0, 0.0], [0.0, 1.0]]


def test_vectors_are_simulated_where_that_is_asked_for() -> None:
    assert len(Play(NEAR, Script().simulate())({"go": True}).data["vectors"]) == 2
    with pytest.raises(AssertionError, match=r"near called openai\.embed, which is not scripted"):
        Play(NEAR, Script())({"go": True})


def test_a_question_that_nobody_asked_is_named(play: Play) -> None:
    with pytest.raises(AssertionError, match="there is no open question for elsewhere"):
        play({"pay": 7}).answer(True, into="elsewhere")


def test_what_a_step_did_not_do_is_told(play: Play) -> None:
    played = play({"pay": 7})
    with pytest.raises(AssertionError, match="read made no call: text is missing"):
        played.prompt("read")
    with pytest.raises(AssertionError, match="read did not fire: text is missing"):
        played.firing("read")
    with pytest.raises(AssertionError, match="ask made no call"):
        _ = played.firing("ask").prompt


def test_a_rule_without_an_answer_answers_nothing(play: Play, script: Script) -> None:
    script.on("read")
    with pytest.raises(AssertionError, match=r"read called openai\.chat, which is not scripted"):
        play({"text": "x"})


def test_a_folder_of_answers_must_exist(script: Script) -> None:
    with pytest.raises(AssertionError, match="there is no folder"):
        script.use("nowhere")
