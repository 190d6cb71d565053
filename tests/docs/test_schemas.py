"""What commands print with `--json` is described by the schemas in docs/schemas."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from aloma_cli.cli.commands import COMMANDS
from aloma_cli.cli.parameters import Option, parameters_of
from aloma_cli.jsontext import Json
from tests.cli.desk import Desk
from tests.support.pages import REPOSITORY, Page, codes
from tools import event_schema

FOLDER = REPOSITORY / "docs/schemas"
SCHEMAS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
ROWS = [(codes(row[0])[0], codes(row[1])[0]) for row in Page("docs/json.md").rows("Command")]

STEPS = {
    "chat": """
condition = {"topic": str, "summary": None}


async def content(data, connectors):
    shape = {"summary": str}
    messages = [{"role": "user", "content": data["topic"]}]
    answer = await connectors.openai.chat(model="gpt-4", messages=messages, shape=shape)
    data["summary"] = answer.data["summary"]
""",
    "split": """
condition = {"topic": str, "summary": str, "child": None}


def content(data, task, log):
    log("one subtask")
    task.subtask("Child", {"name": "Bob"}, into="child")
""",
    "ask": """
condition = {"child": {"status": "done"}, "ok": None}


def content(data, task):
    task.ask("Publish it?", into="ok", schema={"type": "boolean"}, timeout=3600)
""",
    "fail": """
from aloma_cli import Retry
condition = {"wrong": True, "mended": None}
retry = Retry(times=1, wait=0.01)


def content(data):
    raise ValueError("wrong")
""",
    "loop": """
condition = {"turn": int}
rearm = "change"


def content(data, step):
    data["turn"] = 1 - data["turn"]
    step.redo()
""",
    "pay": """
condition = {"pay": True, "paid": None}


async def content(data, connectors):
    data["paid"] = await connectors.bank.pay(12)
""",
}
BANK = """
from aloma_cli import effect


@effect("once")
async def pay(amount):
    import os
    os._exit(9)
"""
CASE = """
data: {name: Ada}
expect:
  state: done
  data: {greeting: str}
"""
RUN = r"""
aloma config --json
aloma step list --json
aloma step show chat --json
aloma step check --json
aloma step run greet -d '{"name": "Ada"}' --json
aloma step run fail -d '{"wrong": true}' --json
aloma trigger list --json
aloma doctor --json
aloma test --json
aloma init made --json
aloma task new Dry --dry-run -d '{"topic": "x"}' --json
aloma task new Topic -d '{"topic": "x"}' --tag blue --json
aloma task show --json
aloma task show --usage --json
aloma task list --all --json
aloma task log --json
aloma task log --entry 1 --json
aloma task calls --json
aloma task calls @last 1 --json
aloma task watch --json
aloma task wait --json
aloma inbox --json
aloma task why --json
aloma task why @last chat --json
aloma task why @last ask --json
aloma task why @last fail --json
aloma task blame @last summary --json
aloma task blame @last child.result --json
aloma task graph --json
aloma task report @last -o report.html --json
aloma task replay @last --json
aloma task rerun @last --dry-run
aloma task rerun @last --json
aloma task answer @-2 yes --json
aloma task set @-2 more.x=1 --json
aloma task redo @-2 greet --json
aloma task clone @-2 --json
aloma task new Wrong -d '{"wrong": true, "name": "Ada"}' --json
aloma task show --json
aloma task log --json
aloma task calls --json
aloma task why --json
aloma task resume @last --json
aloma task new Loop -d '{"turn": 1}' --json
aloma task new Nothing -d '{}' --expect paid --json
aloma task new Goal -d '{"name": "Ada"}' --expect paid --json
aloma task new Limited -d '{"topic": "x"}' --max-calls 0 --json
aloma task new Queued -d '{"name": "Bob"}' --queue --json
aloma worker --once --json -q
aloma task show @last --json
aloma task resume @last --json
aloma task list --json
aloma report -o all.html --json
aloma top --json
aloma usage --json
aloma usage --by tag --since 7d --json
aloma secret list --json
aloma task gc --older-than 0s --dry-run --json
"""


def resolved(name: str, *, strict: bool) -> Draft202012Validator:
    """The validator of a schema; with `strict`, objects have no key that is not described."""
    closed = {key: _closed(schema) if strict else schema for key, schema in SCHEMAS.items()}
    resources = [(f"{key}.json", Resource.from_contents(schema)) for key, schema in closed.items()]
    return Draft202012Validator(closed[name], registry=Registry().with_resources(resources))


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema and "type" in schema:
        made["additionalProperties"] = False
    return made


def schema_of(command: str) -> str:
    """The schema of the row of docs/json.md that fits a command best."""
    words = shlex.split(command)
    name = " ".join(words[1:3]) if " ".join(words[1:3]) in COMMANDS else words[1]
    loose = [word for word in words[1 + len(name.split()) :] if not word.startswith("-")]
    best = ("", "")
    for row, schema in ROWS:
        shown = row.split()
        title = " ".join(shown[1 : 1 + len(name.split())])
        options = [word for word in shown if word.startswith("--")]
        second = "N" in shown or "STEP" in shown
        if title == name and set(options) <= set(words) and (not second or len(loose) > 1) and len(row) > len(best[0]):
            best = row, schema
    return best[1]


def outputs(desk: Desk) -> Iterator[tuple[str, Json]]:
    """Each command with what it prints."""
    for name, text in STEPS.items():
        desk.write(f"steps/{name}.py", text)
    desk.write("connectors/bank.py", BANK)
    desk.write("cases/greets.yaml", CASE)
    desk.write("aloma.yaml", "tags: [demo]\nlimits: {max_cost: 2}\n")
    for line in RUN.strip().splitlines():
        ended = desk.run(*shlex.split(line)[1:])
        yield from ((line, json.loads(one)) for one in ended.out.splitlines())
    desk.spawn("task", "new", "Pay", "-d", '{"pay": true}')  # the process dies while it pays
    yield "aloma task resume @last --json", desk.run("task", "resume", "@last", "--json").json
    yield "aloma task show --json", desk.run("task", "show", "--json").json
    yield "aloma task calls --json", desk.run("task", "calls", "--json").json
    settled = desk.run("task", "settle", "@last", "1", "--done", "true", "--json")
    yield "aloma task settle --json", settled.json
    desk.write("names.jsonl", '{"name": "Ada"}\nnull\n')
    for line in desk.run("task", "new", "Each", "--each", "names.jsonl", "--json").out.splitlines():
        yield "aloma task new --each names.jsonl --json", json.loads(line)
    for line in desk.run("task", "new", "Events", "-d", '{"topic": "y"}', "--events").out.splitlines():
        yield "aloma task new --events", json.loads(line)


def test_what_each_command_prints_is_what_its_schema_says(desk: Desk) -> None:
    wrong, seen = [], set()
    for line, value in outputs(desk):
        name = schema_of(line)
        assert name, line
        seen.add(name)
        errors = resolved(name, strict=True).iter_errors(value)
        wrong += [f"{line}: {name}: {error.json_path}: {error.message[:200]}" for error in errors]
    assert wrong == []
    assert seen == {schema for _, schema in ROWS}


def test_each_command_with_json_has_its_row() -> None:
    def prints_json(command: str) -> bool:
        declared = [one.declared for one in parameters_of(COMMANDS[command].load())]
        return any(isinstance(one, Option) and "--json" in one.names for one in declared)

    listed = {" ".join(re.sub(r"-\S+|\b[A-Z]+\b", "", row).split()[1:]) for row, _ in ROWS}
    assert {command for command in COMMANDS if prints_json(command)} <= listed


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one_and_says_what_it_is_about(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert SCHEMAS[name]["description"].endswith(".")
    assert Path(SCHEMAS[name]["$id"]).name == f"{name}.json"


def test_the_schema_of_events_is_that_of_their_classes() -> None:
    """Where it fails: python -m tools.event_schema"""
    assert SCHEMAS["event"] == event_schema.schema()
