"""What a call in a step's source does: to the document, to the task, to a model."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any, NamedTuple

from aloma_cli.checking.facts import Subtask
from aloma_cli.checking.things import (
    Called,
    ChatAnswer,
    Evaluator,
    Handle,
    Scope,
    SourceFunction,
    Values,
    one_of,
    place_of,
)
from aloma_cli.checking.values import ANY, STAR, Doc, Known, Lst, Obj, OfType, Value, is_text, text_of
from aloma_cli.record.states import ENDINGS

_HARMLESS = frozenset(
    "abs all any bool bytes dict divmod enumerate filter float format frozenset getattr hasattr hash id int isinstance "  # noqa: SIM905
    "iter len list map max min next ord print range repr reversed round set sorted str sum tuple type zip".split()
)
"""Functions of Python that change none of their arguments."""

_MOST_PARAMETERS = 12
_PURE = frozenset(
    "json math re statistics datetime textwrap string hashlib html base64 decimal uuid copy time urllib".split()  # noqa: SIM905
)
"""Modules of Python whose functions change none of their arguments."""

_SHAPES = {"Text": str, "Integer": float, "Number": float}
_COUNTS = {**dict.fromkeys(("len", "sum", "int", "float", "round", "abs"), float), "str": str, "bool": bool}
_ITEMS = ("list", "sorted", "tuple", "reversed", "set", "iter", "filter")


class _Call(NamedTuple):
    """A call in line `line` with its arguments by position and by name; None names those of a `**`."""

    reader: Evaluator
    line: int
    given: list[Values]
    named: Mapping[str | None, Values]

    @property
    def first(self) -> Values:
        """What the first argument may be."""
        return self.given[0] if self.given else []

    @property
    def last(self) -> Values:
        """What the last one may be."""
        return self.given[-1] if self.given else []

    @property
    def keys(self) -> list[str]:
        """The keys that the first argument may be."""
        return self.reader.keys(self.first)

    def second(self, default: Values) -> Values:
        """What the second argument may be."""
        return self.given[1] if len(self.given) > 1 else default

    def by_name(self, *names: str) -> dict[str, Values]:
        """The arguments by the names of the parameters."""
        named = {name: values for name, values in self.named.items() if name is not None}
        return dict(zip(names, self.given, strict=False)) | named

    def escape(self) -> Values:
        """The arguments are given to code that cannot be read, which may return anything."""
        for values in (*self.given, *self.named.values()):
            self.reader.escape(values, self.line)
        return [ANY]


def call(reader: Evaluator, node: ast.Call, scope: Scope) -> Values:
    """What a call may return; its effects are noted by the reader."""
    arguments = [reader.eval(one, scope) for one in node.args]
    if any(isinstance(one, ast.Starred) for one in node.args):
        # How many there are is not known: each parameter may get each of them.
        arguments = [[ANY, *(value for values in arguments for value in values)]] * _MOST_PARAMETERS
    named = {one.arg: reader.eval(one.value, scope) for one in node.keywords}
    made = _Call(reader, node.lineno, arguments, named)
    if isinstance(node.func, ast.Name) and not _is_own(node.func.id, scope):
        return _python(made, node.func.id, scope)
    if _is_pure(node.func, scope):
        return [ANY]
    return [value for function in reader.eval(node.func, scope) for value in _returned(made, function)]


def _returned(made: _Call, function: Value) -> Values:
    match function:
        case SourceFunction():
            return made.reader.enter(function, _bound(function.node, made))
        case Handle():
            return _of_handle(made, function.path)
        case Called():
            return _method(made, function.owner, function.name)
    return made.escape()


def _is_pure(function: ast.expr, scope: Scope) -> bool:
    """Whether it is a function of a module in _PURE: `json.dumps`, `datetime.datetime.now`."""
    while isinstance(function, ast.Attribute):
        function = function.value
        if isinstance(function, ast.Name):
            return function.id in _PURE and function.id in scope.module.imported
    return False


def _is_own(name: str, scope: Scope) -> bool:
    return name in scope.names or name in scope.module.functions or name in scope.module.constants


def _python(made: _Call, name: str, scope: Scope) -> Values:
    """A function of Python, or one that is imported."""
    reader = made.reader
    if name in scope.module.imported or name not in _HARMLESS:
        shape = _SHAPES.get(name)
        if shape is not None:
            return [OfType(shape)]
        if name in ("List", "Optional"):
            inner = made.first if made.given else [ANY]
            return [Lst(inner)] if name == "List" else inner
        return made.escape()
    if name == "dict":
        fields = {key: values for key, values in made.named.items() if key is not None}
        return [Obj(fields, open=bool(made.given) or None in made.named)]
    if name in _ITEMS:
        return [Lst(reader.elements(made.first))]
    if name == "enumerate" and made.given:
        return [Lst([Lst([OfType(float), one]) for one in reader.elements(made.first)])]
    if name == "zip":
        return [Lst([Lst([one_of(reader.elements(values)) for values in made.given])])]
    if name in ("next", "max", "min"):
        return reader.elements(made.first)
    return [OfType(_COUNTS[name])] if name in _COUNTS else [ANY]


def _bound(node: Any, made: _Call) -> dict[str, Values]:
    """The arguments by the names of the parameters."""
    parameters = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    everything = [*parameters, *(one.arg for one in node.args.kwonlyargs)]
    bound = {name: [ANY] for name in everything if None in made.named} | made.by_name(*parameters)
    return {name: bound.get(name, [ANY]) for name in everything} | {
        name.arg: [ANY] for name in (node.args.vararg, node.args.kwarg) if name is not None
    }


# -- methods of values -----------------------------------------------------------------------------------------------


def _method(made: _Call, owner: Value, name: str) -> Values:
    if isinstance(owner, Doc):
        return _of_document(made, owner, name)
    if isinstance(owner, Obj):
        return _of_object(made, owner, name)
    if isinstance(owner, Lst):
        if name in ("append", "insert", "extend", "add"):
            owner.elements += made.last
        return [ANY]
    return [_of_text(name)] if is_text(owner) or text_of(owner) is not None else made.escape()


def _of_text(name: str) -> Value:
    if name in ("split", "rsplit", "splitlines"):
        return Lst([OfType(str)])
    if name in ("startswith", "endswith") or name.startswith("is"):
        return OfType(bool)
    if name in ("count", "find", "index", "rfind", "rindex"):
        return OfType(float)
    return ANY if name in ("encode", "partition", "rpartition") else OfType(str)


def _of_document(made: _Call, owner: Doc, name: str) -> Values:
    reader, line, path = made.reader, made.line, owner.path
    match name:
        case "get" | "setdefault" | "pop":
            return _item_of(made, owner, name)
        case "update":
            for key, values in made.named.items():
                for value in values:
                    reader.write((*path, key or STAR), value, line)
            for given in made.given:
                reader.spread(path, given, line)
        case "append" | "extend" | "insert":
            for value in made.last:
                reader.write(path, Lst([value]), line, appends=name != "insert")
        case "clear" | "sort" | "reverse" | "remove" | "popitem":
            reader.write(path, ANY, line)
    within = Doc((*path, STAR))
    views: dict[str, Value] = {
        "items": Lst([Lst([ANY, within])]),
        "values": Lst([within]),
        "keys": Lst([OfType(str)]),
        "copy": Obj(open=True),
    }
    return [views.get(name, ANY)]


def _item_of(made: _Call, owner: Doc, name: str) -> Values:
    places: Values = [one for key in made.keys for one in made.reader.item(owner, key)]
    default = made.second([])
    for place in places:
        if isinstance(place, Doc) and name == "setdefault":
            for value in default or [Known(None)]:
                made.reader.write(place.path, value, made.line)
        elif isinstance(place, Doc) and name == "pop":
            made.reader.remove(place.path, made.line)
    # A popped value is no longer part of the document; it may be written elsewhere.
    return [ANY] if name == "pop" else [*places, *(one for one in default if not isinstance(one, Known))]


def _of_object(made: _Call, owner: Obj, name: str) -> Values:
    if name in ("get", "setdefault"):
        if name == "setdefault":
            for key in made.keys:
                owner.set(key, made.second([Known(None)]))
        return [found for key in made.keys for found in made.reader.item(owner, key)]
    if name == "update":
        owner.open = owner.open or bool(made.given)
        for field, values in made.named.items():
            owner.set(field or STAR, values)
        return [Known(None)]
    values = owner.values() + ([ANY] if owner.open else [])
    if name == "items":
        return [Lst([Lst([ANY, one]) for one in values or [ANY]])]
    return [Lst(values)] if name == "values" else [ANY]


# -- what content is given -------------------------------------------------------------------------------------------


def _of_handle(made: _Call, path: tuple[str, ...]) -> Values:
    facts = made.reader.facts
    match path:
        case ("task", "subtask"):
            return _subtask(made, made.by_name("name", "data", "into", "wait_for", "group"))
        case ("task", "group"):
            facts.groups.update(map(text_of, made.first if made.given else [ANY]))
        case ("task", "ask"):
            _ask_person(made, made.by_name("question", "into", "schema", "default"))
        case ("task", "park"):
            facts.waits = True
        case ("task", "complete"):
            facts.completes = True
        case ("step", "redo"):
            if made.reader.sure:
                facts.redo = made.line
        case ("connectors", _, "chat"):
            return _chat(made.named)
        case ("lib", *_):
            made.escape()
    return [ANY]


def _subtask(made: _Call, given: Mapping[str, Values]) -> Values:
    facts = made.reader.facts
    groups = set(map(text_of, given["group"])) if "group" in given else {made.reader.step}
    facts.groups |= groups
    for data in given.get("data", [ANY]):
        facts.subtasks.append(Subtask(data, next(iter(groups)) if len(groups) == 1 else None, made.line))
    states = [*map(Known, ENDINGS)]
    landed = Obj({"status": [*states], "result": [ANY], "task": [OfType(str)], "error": [ANY]})
    for place in place_of(given.get("into", [])):
        made.reader.write(place, landed, made.line, later=True)
    return [OfType(str)]


def _ask_person(made: _Call, given: Mapping[str, Values]) -> None:
    answers = [one for schema in given.get("schema", [ANY]) for one in shaped(schema)]
    answers += [one for one in given.get("default", []) if one != Known(None)]
    for place in place_of(given.get("into", [ANY])):
        for answer in answers:
            made.reader.write(place, answer, made.line, later=True)


def _chat(named: Mapping[str | None, Values]) -> Values:
    if "shape" not in named:
        return [ChatAnswer([OfType(str)])]
    return [ChatAnswer([one for shape in named["shape"] for one in shaped(shape)])]


def shaped(shape: Value) -> Values:
    """What an answer of this shape may be."""
    if isinstance(shape, Obj):
        if "$in" in shape.fields:
            choices = [one for values in shape.fields["$in"] if isinstance(values, Lst) for one in values.elements]
            return choices or [ANY]
        if _is_schema(shape):
            return [ANY]
        made = Obj({key: [one for inner in values for one in shaped(inner)] for key, values in shape.fields.items()})
        made.open = shape.open
        return [made]
    if isinstance(shape, Lst):
        return [Lst([one for inner in shape.elements for one in shaped(inner)])]
    return [shape] if isinstance(shape, OfType) else [ANY]


def _is_schema(shape: Obj) -> bool:
    """Whether a shape is a JSON Schema."""
    types = shape.fields.get("type", ())
    return "properties" in shape.fields or any(isinstance(one, Known) for one in types)
