"""Twenty and more tiny workspaces with one mistake each, and what `aloma step check` says about it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from aloma_cli.cli.init import templates
from tests.cli.desk import Desk
from tests.workflows.workspace import REPOSITORY


class Planted(NamedTuple):
    """Files, and what must be found: the rule, the place and parts of the message and of the cure."""

    files: dict[str, str]
    kind: str
    place: str
    told: str
    cure: str = ""


def step(condition: str, *body: str, asks: str = "data", head: str = "", kind: str = "def") -> str:
    """The text of a step, with its condition on the first line."""
    lines = "\n".join(f"    {line}" for line in body or ("pass",))
    return f"condition = {condition}\n{head}\n{kind} content({asks}):\n{lines}\n"


EXAMPLE = {"examples/order.json": '{"order": {"id": 7, "status": "new"}}'}
TAKES = {"steps/take.py": step('{"order": {"id": int}, "total": None}', 'data["total"] = 1')}
CHAT = 'answer = await connectors.openai.chat(messages="?", shape={"vendor": str})'

PLANTED = {
    "a file that does not load": Planted({"steps/a.py": "condition = {\n"}, "load", "steps/a.py:1", "SyntaxError"),
    "a second file that does not load": Planted(
        {"steps/a.py": "condition = {\n", "steps/b.py": 'condition = {"a": {"$gtt": 1}}\ndef content(): pass\n'},
        "load",
        "steps/b.py:1",
        "unknown operator",
        "",
    ),
    "an impossible range": Planted(
        {"steps/a.py": step('{"order": {"id": {"$gt": 5, "$lt": 3}}}')},
        "never",
        "steps/a.py:1",
        'no value of order.id is {"$gt":5,"$lt":3}',
    ),
    "two literals for one place": Planted(
        {"steps/a.py": step('{"$and": [{"order": {"id": 1}}, {"order": {"id": 2}}]}')},
        "never",
        "steps/a.py:1",
        "no value of order.id is 1 and 2",
    ),
    "tests of no single place": Planted(
        {"steps/a.py": step('{"$nor": [{"a": {"$exists": True}}, {"a": {"$exists": False}}]}')},
        "never",
        "steps/a.py:1",
        "its tests contradict each other",
    ),
    "a question that nobody sees": Planted(
        {"steps/a.py": step('{"order": dict}', 'data["b"] = input("Your name? ")')},
        "lost",
        "steps/a.py:4",
        "a step has no keyboard",
    ),
    "a type and an object": Planted(
        {"steps/a.py": step('{"$and": [{"order": str}, {"order": {"id": 1}}]}')},
        "never",
        "steps/a.py:1",
        "order",
    ),
    "missing and a number": Planted(
        {"steps/a.py": step('{"order": {"id": {"$exists": False, "$gt": 1}}}')},
        "never",
        "steps/a.py:1",
        "order.id",
    ),
    "one of none": Planted({"steps/a.py": step('{"order": {"id": {"$in": []}}}')}, "never", "steps/a.py:1", "order.id"),
    "a condition that always holds": Planted(
        {"steps/a.py": step("{}")},
        "always",
        "steps/a.py:1",
        "the condition of a always holds",
        "name a field",
    ),
    "a test that every value passes": Planted(
        {"steps/a.py": step('{"order": {"$nin": []}}')},
        "always",
        "steps/a.py:1",
        "always holds",
    ),
    "a misspelled field": Planted(
        {"steps/a.py": step('{"ordr": {"id": int}}')},
        "field",
        "steps/a.py:1",
        "a needs ordr",
        "did you mean `order`?",
    ),
    "a misspelled inner field": Planted(
        {"steps/a.py": step('{\n    "order": {\n        "idd": int,\n    },\n}')},
        "field",
        "steps/a.py:3",
        "a needs order.idd",
        "did you mean `id`?",
    ),
    "a field that another step does not write": Planted(
        {"steps/a.py": step('{"total": int, "totl": {"sum": int}}')},
        "field",
        "steps/a.py:1",
        "a needs totl",
        "`total`",
    ),
    "a field that no answer has": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "read": None}',
                CHAT,
                'data["read"] = answer.data',
                asks="data, connectors",
                kind="async def",
            ),
            "steps/b.py": step('{"read": {"vendr": str}}'),
        },
        "field",
        "steps/b.py:1",
        "b needs read.vendr",
        "did you mean `vendor`?",
    ),
    "a field that nobody has": Planted(
        {"steps/a.py": step('{"customer": str}')},
        "field",
        "steps/a.py:1",
        "a needs customer",
        "known here: order",
    ),
    "the answer to a question that lands elsewhere": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "approved": None}', 'task.ask("?", into="aproved", schema=bool)', asks="data, task"
            ),
            "steps/b.py": step('{"approved": True}'),
        },
        "field",
        "steps/b.py:1",
        "b needs approved",
        "did you mean `aproved`?",
    ),
    "a status that nobody writes": Planted(
        {
            "steps/a.py": step('{"order": dict, "phase": None}', 'data["phase"] = "ready"'),
            "steps/b.py": step('{"phase": "redy"}'),
        },
        "value",
        "steps/b.py:1",
        'b waits until phase is "redy"',
        "did you mean `ready`?",
    ),
    "a number where a text is written": Planted(
        {
            "steps/a.py": step('{"order": dict, "phase": None}', 'data["phase"] = f"{1} of 2"'),
            "steps/b.py": step('{"phase": int}'),
        },
        "value",
        "steps/b.py:1",
        "b waits until phase is",
        "values written: a string",
    ),
    "a group of subtasks that nobody makes": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "sent": None}',
                'task.subtask("S", {"order": {"id": 1}}, group="agents")',
                'data["sent"] = True',
                asks="data, task",
            ),
            "steps/b.py": step('{"sent": True, "$children": {"agent": {"running": 0}}}'),
        },
        "group",
        "steps/b.py:1",
        "the group 'agent', which no step makes",
        "did you mean `agents`?",
    ),
    "a count that a group does not have": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "sent": None}',
                'task.subtask("S", {"order": {"id": 1}})',
                'data["sent"] = True',
                asks="data, task",
            ),
            "steps/b.py": step('{"sent": True, "$children": {"a": {"runing": 0}}}'),
        },
        "group",
        "steps/b.py:1",
        "no count 'runing'",
        "did you mean `running`?",
    ),
    "an error of a step that does not exist": Planted(
        {"steps/a.py": step('{"$errors": {"tke": dict}}')},
        "group",
        "steps/a.py:1",
        "the step 'tke'",
        "`take`",
    ),
    "a subtask that no step takes": Planted(
        {"steps/a.py": step('{"order": dict}', "", 'task.subtask("S", {"ordr": {"id": 7}})', asks="task")},
        "subtask",
        "steps/a.py:5",
        "a makes a subtask with ordr, for which no condition holds",
        "did you mean `order`?",
    ),
    "a subtask with the wrong kind of value": Planted(
        {"steps/a.py": step('{"order": {"status": str}}', 'task.subtask("S", {"order": "7"})', asks="task")},
        "subtask",
        "steps/a.py:4",
        "for which no condition holds",
    ),
    "two steps with one condition": Planted(
        {"steps/b.py": step('{"order": {"id": int}, "total": None}', 'data["other"] = 1')},
        "shadow",
        "steps/take.py:1",
        "take has the same condition as b",
    ),
    "writes that conflict": Planted(
        {"steps/b.py": step('{"order": {"id": int}, "total": None}', 'data["total"] = 2')},
        "conflict",
        "steps/take.py:4",
        "both write total",
    ),
    "writes that conflict where one condition holds in the other": Planted(
        {"steps/b.py": step('{"order": {"id": int, "status": "new"}, "total": None}', 'data["total"] = 2')},
        "conflict",
        "steps/take.py:4",
        "take and b (steps/b.py:4) fire at the same moment",
    ),
    "two steps that throw a ball": Planted(
        {
            "steps/a.py": step('{"order": dict, "ball": None}', 'data["ball"] = "there"'),
            "steps/b.py": step('{"ball": "there"}', 'del data["ball"]'),
        },
        "cycle",
        "steps/a.py:1",
        "likely a cycle: a → b → a",
    ),
    "two steps that follow each other": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "y": {"$ne": 0}}', 'data["x"] = len(data["order"])', head='rearm = "change"'
            ),
            "steps/b.py": step('{"x": int}', 'data["y"] = data["x"] + 1', head='rearm = "change"'),
        },
        "cycle",
        "steps/a.py:1",
        "likely a cycle: a → b → a",
    ),
    "a step that always asks for more": Planted(
        {"steps/a.py": step('{"order": dict}', 'data["seen"] = True', "step.redo()", asks="data, step")},
        "cycle",
        "steps/a.py:5",
        "a always asks for another firing",
    ),
    "a library that does not exist": Planted(
        {
            "libraries/prompt.py": "def ask(): pass\n",
            "steps/a.py": step('{"order": dict}', "lib.promt.ask()", asks="lib"),
        },
        "name",
        "steps/a.py:4",
        "there is no library 'promt'",
        "did you mean `prompt`?",
    ),
    "a function that a library lacks": Planted(
        {
            "libraries/prompt.py": "def ask(): pass\n",
            "steps/a.py": step('{"order": dict}', "lib.prompt.aks()", asks="lib"),
        },
        "name",
        "steps/a.py:4",
        "lib.prompt has no 'aks'",
        "did you mean `ask`?",
    ),
    "a connector that does not exist": Planted(
        {"steps/a.py": step('{"order": dict}', 'connectors.opnai.chat(messages="?")', asks="connectors")},
        "name",
        "steps/a.py:4",
        "there is no connector 'opnai'",
        "did you mean `openai`?",
    ),
    "a call without await": Planted(
        {
            "steps/a.py": step(
                '{"order": dict}', 'connectors.http.get("https://a.example")', asks="connectors", kind="async def"
            )
        },
        "lost",
        "steps/a.py:4",
        "without await",
        "write await connectors.http.get(…)",
    ),
    "a value that is returned": Planted(
        {"steps/a.py": step('{"order": dict}', "return {'done': True}")},
        "lost",
        "steps/a.py:4",
        "the return value of content is ignored",
    ),
    "a result that is used without await": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "mood": None}',
                'answer = connectors.openai.chat(messages="?", shape={"mood": str})',
                'data["mood"] = answer.data["mood"]',
                asks="data, connectors",
                kind="async def",
            )
        },
        "lost",
        "steps/a.py:4",
        "connectors.openai.chat is called without await",
        "write await connectors.openai.chat(…)",
    ),
    "an attribute of a call without await": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "mood": None}',
                'data["mood"] = connectors.openai.chat(messages="?").data',
                asks="data, connectors",
                kind="async def",
            )
        },
        "lost",
        "steps/a.py:4",
        "without await",
    ),
    "a call without await that is written": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "mood": None}',
                'data["mood"] = connectors.openai.chat(messages="?")',
                asks="data, connectors",
                kind="async def",
            )
        },
        "lost",
        "steps/a.py:4",
        "without await",
    ),
    "the document is returned": Planted(
        {"steps/a.py": step('{"order": dict, "m": None}', 'data["m"] = 1', "return data")},
        "lost",
        "steps/a.py:5",
        "the return value of content is ignored",
    ),
    "a name for a new value is returned": Planted(
        {"steps/a.py": step('{"order": dict}', 'made = {"m": 1}', "return made")},
        "lost",
        "steps/a.py:5",
        "the return value of content is ignored",
    ),
    "an answer is returned": Planted(
        {
            "steps/a.py": step(
                '{"order": dict}',
                'answer = await connectors.openai.chat(messages="?")',
                "return answer",
                asks="connectors",
                kind="async def",
            )
        },
        "lost",
        "steps/a.py:5",
        "the return value of content is ignored",
    ),
    "a text where yes or no is asked": Planted(
        {
            "steps/a.py": step(
                '{"order": dict, "ok": None}', 'task.ask("?", into="ok", schema=bool)', asks="data, task"
            ),
            "steps/b.py": step('{"ok": "true"}'),
        },
        "value",
        "steps/b.py:1",
        'b waits until ok is "true"',
        "values written: a boolean",
    ),
    "a comparison with a number where a text is written": Planted(
        {
            "steps/a.py": step('{"order": dict, "phase": None}', 'data["phase"] = str(data["order"])'),
            "steps/b.py": step('{"phase": {"$gt": 5}}'),
        },
        "value",
        "steps/b.py:1",
        "b waits until phase is",
        "values written: a string",
    ),
    "more fields than are listed": Planted(
        {
            "examples/a.json": '{"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1}',
            "steps/a.py": step('{"customer": str}'),
        },
        "field",
        "steps/a.py:1",
        "a needs customer",
        "known here: a, b, c, d, e, …",
    ),
    "a connector with a name like no other": Planted(
        {"steps/a.py": step('{"order": dict}', 'connectors.nope.chat(messages="?")', asks="connectors")},
        "name",
        "steps/a.py:4",
        "there is no connector 'nope'",
        "the names are: ",
    ),
    "a misspelt field that content reads": Planted(
        {"steps/a.py": step('{"order": {"id": int}}', 'data["seen"] = data["order"]["statsu"]')},
        "field",
        "steps/a.py:4",
        "a reads order.statsu, which no step, no example and no question writes",
        "did you mean `status`?",
    ),
    "a misspelt field of the condition that content reads": Planted(
        {"steps/a.py": step('{"order": {"id": int}, "customer": None}', 'data["customer"] = data["custmer"]')},
        "field",
        "steps/a.py:4",
        "a reads custmer",
        "did you mean `customer`?",
    ),
    "a type in quotes": Planted(
        {"steps/a.py": step('{"order": {"status": "str"}}')},
        "value",
        "steps/a.py:1",
        'a waits until order.status is the string "str"',
        "for any string write str without quotes",
    ),
    "a member that task does not have": Planted(
        {"steps/a.py": step('{"order": dict}', 'task.complet("x")', asks="task")},
        "name",
        "steps/a.py:4",
        "task has no 'complet'",
        "did you mean `complete`?",
    ),
    "a member that no task has ever had": Planted(
        {"steps/a.py": step('{"order": dict}', "step.again()", asks="step")},
        "name",
        "steps/a.py:4",
        "step has no 'again'",
        "it has: attempt, name, redo",
    ),
    "another value for data": Planted(
        {"steps/a.py": step('{"order": dict}', "data = {**data, 'done': True}")},
        "lost",
        "steps/a.py:4",
        "does not change the document",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_found_at_its_line_with_its_cure(desk: Desk, name: str) -> None:
    planted = PLANTED[name]
    plant(desk, {**EXAMPLE, **TAKES, **planted.files})
    checked = desk.run("step", "check", "--strict", "--json")
    findings = checked.json["findings"]
    assert checked.code == 3
    found = [one for one in findings if one["kind"] == planted.kind and f"{one['file']}:{one['line']}" == planted.place]
    assert [planted.told in one["message"] for one in found] == [True], findings
    assert planted.cure in (found[0]["cure"] or "")
    assert {one["kind"] for one in findings} <= {planted.kind, "load"}, findings


def plant(desk: Desk, files: dict[str, str]) -> None:
    (desk.root / "steps/greet.py").unlink()
    for name, text in files.items():
        desk.write(name, text)


def test_without_a_mistake_nothing_is_found(desk: Desk) -> None:
    plant(desk, {**EXAMPLE, **TAKES})
    checked = desk.run("step", "check", "--strict")
    assert (checked.code, checked.out, checked.err) == (0, "", "aloma: 1 step checked, nothing found\n")


@pytest.mark.parametrize("place", [".", "examples/desk"])
def test_the_steps_of_the_workflows_have_no_findings(desk: Desk, place: str) -> None:
    checked = desk.run("step", "check", "--strict", "-w", str(REPOSITORY / place))
    assert (checked.code, checked.out) == (0, "")


@pytest.mark.parametrize("template", templates())
def test_the_templates_have_no_findings(desk: Desk, template: str) -> None:
    desk.run("init", "mine", "-t", template)
    checked = desk.run("step", "check", "--strict", "-w", "mine")
    assert (checked.code, checked.out) == (0, "")


def test_warnings_alone_fail_only_a_strict_check(desk: Desk) -> None:
    plant(desk, {**EXAMPLE, **TAKES, "steps/a.py": step('{"ordr": dict}')})
    assert desk.run("step", "check").code == 0
    checked = desk.run("step", "check", "--strict")
    assert checked.out == (
        "steps/a.py:1: warning: a needs ordr, which no step, no example and no question writes\n"
        "  → did you mean `order`?\n"
    )
    assert (checked.code, checked.err) == (3, "aloma: 2 steps checked, 0 errors, 1 warning\n")


def test_what_was_recorded_counts_as_written(desk: Desk) -> None:
    """A step may write by code that cannot be read; its runs show where."""
    reads = step('{"hidden": int}', 'data["done"] = True')
    plant(
        desk,
        {
            **EXAMPLE,
            "steps/a.py": step('{"order": {"id": int}, "done": None}', 'data["done"] = 1'),
            "steps/b.py": reads,
        },
    )
    assert desk.run("step", "check", "--strict").code == 3
    desk.run("task", "new", "T", "-d", '{"order": {"id": 1}, "hidden": 2}')
    assert desk.run("step", "check", "--strict").code == 0


RIGHT = {
    "a closure writes": step('{"order": dict, "a": None}', "def put(value):", '    data["a"] = value', "put(1)"),
    "a callback writes": step(
        '{"order": dict, "a": None}', "other(lambda value: data.update(a=value))", head="other = sorted"
    ),
    "a helper with starred arguments": step(
        '{"order": dict, "a": None}', "put(*[data, 1])", head='def put(document, value):\n    document["a"] = value\n'
    ),
    "a JSON Schema is the shape": step(
        '{"order": dict, "a": None}',
        'schema = {"type": "object", "properties": {"b": {"type": "string"}}}',
        'answer = await connectors.openai.chat(messages="?", shape=schema)',
        'data["a"] = answer.data["b"]',
        asks="data, connectors",
        kind="async def",
    ),
    "the result of a log line is returned": step(
        '{"order": dict, "a": None}', 'data["a"] = 1', 'return log("x")', asks="data, log"
    ),
    "a local name data": step('{"order": dict, "a": None}', "data = 1", 'task.ask("?", into="a")', asks="task"),
    "fields by a loop": step(
        '{"order": dict, "a": None}', 'for key, value in data["order"].items():', "    data[key] = value"
    ),
    "updated by an operator": step('{"order": dict, "a": None}', 'data |= {"a": 1}'),
    "a text of the step's asks whether": step(
        '{"order": dict, "a": None}', 'data["a"] = str(data["order"]).startswith("x") or None'
    ),
    "a call is awaited later": step(
        '{"order": dict, "a": None}',
        'call = connectors.http.get("https://a.example")',
        "data['a'] = (await call)['status']",
        asks="data, connectors",
        kind="async def",
    ),
    "a name that may be nothing is returned": step(
        '{"order": dict, "a": None}', 'data["a"] = 1', "made = log('x')", "return made", asks="data, log"
    ),
    "copied from a place that nothing writes": step(
        '{"order": dict, "a": None}',
        'task.subtask("S", {"a": data["order"]["unknown"], "order": {}}, into="aa")',
        asks="data, task",
    ),
    "a read of what may be there": step(
        '{"order": dict, "a": None}',
        'data["a"] = data.get("aa") or (data["an"] if "an" in data else 1)',
        'data["orders"] = [data["order"]]',
        'data["orders"][0]["ids"] = data[str(data["order"]["id"])]',
    ),
    "the members of task and step": step(
        '{"order": dict, "a": None}',
        "task.name, task.tags = task.id, [*task.tags, step.name, str(step.attempt), str(task.created_at)]",
        'task.ask("?", into="a")',
        asks="task, step",
    ),
    "calls in a list": step(
        '{"order": dict, "a": None}',
        "calls = {}",
        'calls["x"] = connectors.http.get("https://a.example")',
        "await asyncio.gather(*calls.values())",
        'data["a"] = 1',
        asks="data, connectors",
        head="import asyncio",
        kind="async def",
    ),
    "a call in a group of calls": step(
        '{"order": dict, "a": None}',
        'await asyncio.gather(connectors.http.get("https://a.example"))',
        'data["a"] = 1',
        asks="data, connectors",
        head="import asyncio",
        kind="async def",
    ),
}
"""Steps that write `a`, which another step reads."""


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_is_not_reported(desk: Desk, name: str) -> None:
    reads = step('{"order": dict, "a": {"$ne": None}, "b": None}', 'data["b"] = 1')
    plant(desk, {**EXAMPLE, "steps/w.py": RIGHT[name], "steps/r.py": reads})
    checked = desk.run("step", "check", "--strict")
    assert (checked.out, checked.code) == ("", 0)
