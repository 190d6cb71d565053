"""What is in the report of a task, without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from aloma_cli.clock import from_iso
from aloma_cli.document.changes import replay
from aloma_cli.explain.why import Inquiry
from aloma_cli.jsontext import JsonObject
from aloma_cli.record.events import CallAnswered, CallSent, FiringStarted, FiringVoided, TaskCreated
from aloma_cli.record.tree import ASKS
from aloma_cli.report.record import record
from aloma_cli.report.story import Story
from aloma_cli.report.task_page import task_page
from tests.report.runs import HOSTILE, gates, hostile, order, ring


class _Read(HTMLParser):
    """The elements of a page with their attributes, and its texts by the element around them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def text(self, *tags: str) -> str:
        return " ".join(text for tag, text in self.texts if tag in tags)


@pytest.fixture(scope="module")
def of_order() -> str:
    return task_page(order())


def test_a_page_tells_state_lanes_graph_money_people_and_silent_steps(of_order: str) -> None:
    page = _Read(of_order)
    assert page.text("h1").startswith("Order <7>")
    assert page.text("h2") == (
        "Timeline Who woke whom Entry by entry Steps and cost Questions and answers Prompts and answers"
        " Steps that did not fire"
    )
    looks = [attributes.get("class") or "" for tag, attributes in page.elements if tag in ("rect", "line")]
    assert looks.count("bar failed") == 2
    assert looks.count("retry") == 2
    assert looks.count("call") == 1
    assert looks.count("wait question") == 1
    assert looks.count("span") == 3  # the order and its two subtasks
    assert "Send it?" in page.text("b")
    assert "ship" in page.text("h3")
    assert "address.city is missing, wanted a string" in page.text("li")


def test_the_steps_that_did_not_fire_are_folded_unless_the_task_fell_short(of_order: str) -> None:
    assert "<details><summary>ship</summary>" in of_order
    short = task_page(hostile())
    assert 'class="miss"' in short
    assert "<details" not in short


def test_a_page_loads_nothing_and_lets_nothing_load(of_order: str) -> None:
    page = _Read(of_order)
    policy = next(one["content"] for tag, one in page.elements if one.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for _, attributes in page.elements:
        assert not {"src", "srcset", "action", "style", "onclick", "onload"} & attributes.keys()
        assert all(one.startswith(("#", "url(#")) for one in (attributes.get("href"), attributes.get("fill")) if one)
    assert not re.search(r"@import|url\((?!#)|fetch\(|XMLHttpRequest|innerHTML|eval\(", of_order)


def test_what_a_task_holds_is_data(of_order: str) -> None:
    page = task_page(hostile())
    assert page.count("</script>") == 2
    assert "<img" not in page
    assert not set("\x1b\u2028\u2029\u202e\u2066\ufeff") & set(page)
    told = _record_in(page)
    values = json.dumps(told, ensure_ascii=False)
    assert all(json.dumps(text, ensure_ascii=False)[1:-1] in values for text in HOSTILE)


def test_the_stash_is_hidden(of_order: str) -> None:
    assert "4111" not in of_order
    assert "«hidden string»" in of_order


def test_the_record_has_each_log_with_its_changes_reads_and_calls() -> None:
    question = order()
    told = record(Story(question))
    root, *children = told["tasks"]
    assert [child["name"] for child in children] == ["Pack lamp", "Pack desk"]
    by_step = {line["step"]: line for line in root["log"] if line.get("step") and line["word"] == "fired"}
    assert by_step["letter"]["woken"] == ["price", "total", 1, ""]
    assert told["calls"][str(by_step["letter"]["calls"][0])]["parts"][0] == ["user", "Write a letter about 120"]
    assert by_step["edit"]["read"] == [["letter"]]
    assert by_step["price"]["logs"] == [["info", "2 items"]]
    assert told["conditions"]["letter"] == [["letter"], ["total"]]
    landed = next(line for line in root["log"] if line["word"] == "landed")
    assert landed["child"] == children[0]["id"]
    assert children[0]["log"][1]["result"] == [{"parcel": "LAMP"}]
    changed = next(line for line in root["log"] if line.get("by") == "person")
    assert (changed["who"], changed["answers"]) == ("a program", ["ok"])


def test_the_changes_of_a_record_add_up_to_the_document() -> None:
    story = Story(ring(200, 3))
    told = record(story)["tasks"][0]
    document, _ = replay(told["data"], [one for line in told["log"] for one in line.get("changes", ())])
    assert document == story.ledger.tasks[story.task.id].document


def test_the_size_follows_the_number_of_firings() -> None:
    short, long = len(task_page(ring(100))), len(task_page(ring(1000)))
    assert long - short < 900 * 700  # bytes a firing: its bar, its line, its change


def test_waits_for_times_and_conflicts_are_in_the_timeline() -> None:
    page = _Read(task_page(gates()))
    looks = [attributes.get("class") or "" for tag, attributes in page.elements if tag == "rect"]
    assert looks.count("wait parked") == 1
    assert looks.count("bar voided") == 1
    assert looks.count("bar fired") == 4


def test_a_run_is_told_while_it_runs() -> None:
    question = gates()
    events = [*question.events]
    begun = next(at for at, event in enumerate(events) if isinstance(event, FiringStarted))
    part = replace(question, events=events[: begun + 2], held=True, now=from_iso(events[0].at) + 100)
    page = _Read(task_page(part))
    assert "bar running" in {attributes.get("class") for _, attributes in page.elements}
    assert "What it waits for" in page.text("h2")
    assert "1m40s" in page.text("dd")


def test_a_call_that_waits_for_a_person_is_a_question() -> None:
    asked = CallSent(
        at=_AT, task="t", firing=1, step="s", call=ASKS, key="k", effect="once", arguments={"question": "Send?"}
    )
    answered = CallAnswered(
        at=_LATER, task="t", firing=1, step="s", call=ASKS, key="k", arguments={}, answer=True, who={"channel": "page"}
    )
    started = FiringStarted(at=_AT, task="t", firing=1, step="s", version=0)
    void = FiringVoided(at=_AT, task="t", firing=1, step="s", reason="asking", again=True)
    created = TaskCreated(at=_AT, task="t", name="T", data={})
    story = Story(Inquiry([created, started, asked, void, answered], "t", {}, 0.0))
    [talk] = story.talks
    assert (talk.question, talk.answer, talk.who, talk.answered) == ("Send?", True, "a person on a page", _LATER)
    [wait] = story.waits
    assert wait.end == from_iso(_LATER)


def test_a_subtask_and_a_task_without_a_firing_have_a_page() -> None:
    question = order()
    child = next(event.task for event in question.events if event.task != question.task)
    page = _Read(task_page(replace(question, task=child)))
    assert page.text("h1").startswith("Pack lamp")
    created = TaskCreated(at=_AT, task="t", name="T", data={"a": 1})
    page = _Read(task_page(Inquiry([created], "t", {}, 0.0, held=False)))
    assert page.text("h2") == "What it waits for Timeline Entry by entry Steps and cost"


_AT, _LATER = "2026-11-28T12:00:00.000Z", "2026-11-28T12:00:10.000Z"


def _record_in(page: str) -> JsonObject:
    _, _, rest = page.partition('<script type="application/json" id="record">')
    told: JsonObject = json.loads(rest.partition("</script>")[0])
    return told


def test_a_task_that_ended_is_not_said_to_wait() -> None:
    page = task_page(hostile())
    assert "to continue it:" in page
    assert "nothing is waited for" not in page
