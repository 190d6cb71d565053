"""One case: the data of a task, the answers it gets, and the expected outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path

from aloma_cli.budget import LIMITS
from aloma_cli.clock import from_iso
from aloma_cli.condition import compile_condition
from aloma_cli.connectors.base import Call
from aloma_cli.connectors.chat.parse import complaints
from aloma_cli.errors import ConditionError, InputError, did_you_mean
from aloma_cli.jsontext import Json, JsonError, JsonObject, kind_of, loads, with_article
from aloma_cli.loader.yamldata import load_yaml
from aloma_cli.record.states import STATES
from aloma_cli.testing.cases.schema import SCHEMA
from aloma_cli.testing.play import NOW
from aloma_cli.testing.script import Answers, Script, example, is_chat
from aloma_cli.values import dataclass

FOLDER = "cases"

_KEYS = tuple(SCHEMA["properties"])
_REPLY = ("answer", "tool_calls", "error", "delay")
_ENTRY = ("call", "when", "prompt", "calls", *_REPLY)
_ACTS = ("answer", "into", "set", "later", "resume")
_EXPECT = ("state", "data", "result", "fired", "never", "questions")
_LIMITS = tuple(limit.name for limit in LIMITS)
_LATER = ("seconds", "minutes", "hours", "days")


@dataclass(frozen=True, slots=True)
class Case:
    """A file of `cases/`, checked. `then`: what happens after the task has come to rest, in order."""

    name: str
    data: JsonObject
    about: str = ""
    answers: Mapping[str, list[JsonObject]] = field(default_factory=dict)
    responses: str | None = None
    simulate: bool = False
    config: Mapping[str, str] = field(default_factory=dict)
    now: str = NOW
    concurrency: int | None = None
    then: tuple[JsonObject, ...] = ()
    expect: JsonObject = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)

    def script(self, root: Path, *, live: bool = False) -> Script:
        """Its answers. `root`: the workspace's folder. `live`: models answer themselves."""
        script = Script(root, live=live, cure=self._how_to_answer)
        for step, entries in self.answers.items():
            for entry in entries:
                _add_answer(
                    script.on(step, entry.get("call"), when=entry.get("when"), prompt=entry.get("prompt")), entry
                )
        if self.responses is not None:
            script.use(self.responses)
        return script.simulate() if self.simulate else script

    def _how_to_answer(self, call: Call) -> str:
        """The YAML that would answer a call."""
        named = "" if is_chat(call) else f"call: {call.name}, "
        entry = f"answers: {{{call.step}: [{{{named}answer: {example(call)}}}]}}"
        return f"add to {FOLDER}/{self.name}.yaml: {entry}"


def load_cases(root: Path, names: Iterable[str] = ()) -> list[Case]:
    """The cases of a workspace, or those with these names. Raises InputError, which names file and place."""
    folder = root / FOLDER
    files = {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.yaml"))}
    if not files:
        raise InputError(
            f"{folder} has no cases",
            hint="write cases/NAME.yaml, or run `aloma task record-test ID` for a task that ran",
        )
    for name in names:
        if name not in files:
            raise InputError(
                f"there is no case {name!r}", hint=did_you_mean(name, files) or f"use one of: {', '.join(files)}"
            )
    return [load_case(files[name], root, name) for name in names or files]


def load_case(path: Path, root: Path, name: str) -> Case:
    """The case in one file. Raises InputError."""
    shown = path.relative_to(root).as_posix()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{shown} cannot be read: {error.strerror}") from None
    given = _checked_object(load_yaml(content, shown), shown, _KEYS)
    if "data" not in given:
        raise InputError(
            f"{shown} has no `data`", hint="write an object, or the path of a file: data: examples/NAME.json"
        )
    for complaint in complaints(given, SCHEMA):
        raise InputError(f"{shown}: {complaint}")
    _check_case(given, shown)
    if "responses" in given and not (root / given["responses"]).is_dir():
        raise InputError(f"{shown}: responses: there is no folder {given['responses']}")
    return Case(
        **{**given, "name": name, "data": _data(given["data"], root, shown), "then": tuple(given.get("then", ()))}
    )


def _check_case(given: JsonObject, shown: str) -> None:
    for step, entries in given.get("answers", {}).items():
        for number, entry in enumerate(entries):
            _check_entry(entry, f"{shown}: answers.{step}.{number}")
    for number, act in enumerate(given.get("then", ())):
        _check_act(act, f"{shown}: then.{number}")
    expect = _checked_object(given.get("expect", {}), f"{shown}: expect", _EXPECT)
    if expect.get("state", "done") not in STATES:
        raise InputError(
            f"{shown}: expect.state {expect['state']!r} is unknown", hint=did_you_mean(str(expect["state"]), STATES)
        )
    for key in ("data", "result"):
        _check_pattern({"pattern": expect.get(key)}, f"{shown}: expect.{key}")
    _checked_object(given.get("limits", {}), f"{shown}: limits", _LIMITS)
    _check_time(given.get("now", NOW), shown)


def _check_entry(entry: Json, place: str) -> None:
    given = _checked_object(entry, place, _ENTRY)
    if sum(key in given for key in ("answer", "tool_calls", "error", "calls")) != 1:
        raise InputError(f"{place}: it needs one of `answer`, `tool_calls`, `error` and `calls`")
    for number, reply in enumerate(given.get("calls", ())):
        _checked_object(reply, f"{place}.calls.{number}", _REPLY)
    for reply in (given, *given.get("calls", ())):
        error = reply.get("error")
        if "error" in reply and not (isinstance(error, dict) and isinstance(error.get("status"), int)):
            raise InputError(f"{place}: {error!r} is not an error", hint="write error: {status: 429, message: …}")
    if "when" in given:
        _check_pattern(given["when"], f"{place}.when")
    _check_regex(given.get("prompt", ""), f"{place}.prompt")


def _check_regex(pattern: str, place: str) -> None:
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise InputError(f"{place}: {pattern!r} is not a regular expression: {error}") from None


def _check_act(act: Json, place: str) -> None:
    given = _checked_object(act, place, _ACTS)
    if sum(key in given for key in ("answer", "set", "later", "resume")) != 1:
        raise InputError(f"{place}: it needs one of `answer`, `set`, `later` and `resume`")
    _checked_object(given.get("later", {}), f"{place}.later", _LATER)
    _checked_object(given.get("set", {}), f"{place}.set")


def _check_pattern(pattern: Json, place: str) -> None:
    try:
        compile_condition(pattern, name=place)
    except ConditionError as error:
        raise InputError(str(error), hint=error.hint) from None


def _check_time(now: Json, shown: str) -> None:
    try:
        from_iso(str(now))
    except ValueError:
        raise InputError(f"{shown}: now {now!r} is not a time", hint=f"write it as {NOW}") from None


def _checked_object(value: Json, place: str, known: tuple[str, ...] = ()) -> JsonObject:
    if not isinstance(value, dict):
        raise InputError(f"{place} is {with_article(kind_of(value))}, not an object")
    for key in value:
        if known and key not in known:
            cure = did_you_mean(key, known) or f"use: {', '.join(known)}"
            raise InputError(f"{place}: unknown key {key!r}", hint=cure)
    return value


def _data(given: Json, root: Path, shown: str) -> JsonObject:
    if isinstance(given, str):
        try:
            content = (root / given).read_bytes()
            given = load_yaml(content, given) if given.endswith((".yaml", ".yml")) else loads(content)
        except OSError as error:
            raise InputError(f"{shown}: data: {given} cannot be read: {error.strerror}") from None
        except JsonError as error:
            raise InputError(f"{shown}: data: {given} is not valid JSON: {error}") from None
    return _checked_object(given, f"{shown}: data")


def _add_answer(answers: Answers, entry: JsonObject) -> None:
    for reply in entry.get("calls", [entry]):
        after = reply.get("delay", entry.get("delay", 0.0))
        if "error" in reply:
            answers.fails(reply["error"]["status"], reply["error"].get("message"), after=after)
        elif "tool_calls" in reply:
            answers.calls_tools(*reply["tool_calls"], after=after)
        else:
            answers.answers(reply["answer"], after=after)
