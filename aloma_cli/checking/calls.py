"""What a call in a step's source does: to the document, to the task, to a model."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from aloma_cli.checking.facts import Subtask
from aloma_cli.checking.things import Called, ChatAnswer, Evaluator, Handle, Scope, SourceFunction, Values, place_of
from aloma_cli.checking.values import ANY, STAR, Doc, Known, Lst, Obj, OfType, Value

_HARMLESS = frozenset(
    [
        "abs",
        "all",
        "any",
        "bool",
        "bytes",
        "dict",
        "divmod",
        "enumerate",
        "filter",
        "float",
        "format",
        "frozenset",
        "getattr",
        "hasattr",
        "hash",
        "id",
        "int",
        "isinstance",
        "iter",
        "len",
        "list",
        "map",
        "max",
        "min",
        "next",
        "ord",
        "print",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "type",
        "zip",
    ]
)
"""Functions of Python that change none of their arguments."""

_MOST_PARAMETERS = 12

_PURE = frozenset(
    [
        "json",
        "math",
        "re",
        "statistics",
        "datetime",
        "textwrap",
        "string",
        "hashlib",
        "html",
        "base64",
        "decimal",
        "uuid",
        "copy",
        "time",
        "urllib",
    ]
)
"""Modules of Python whose functions change none of their arguments."""

_SHAPES = {"Text": str, "Integer": float, "Number": float}
_COUNTS = {
    "len": float,
    "sum": float,
    "int": float,
    "float": float,
    "round": float,
    "abs": float,
    "str": str,
    "bool": bool,
}
_ITEMS = ("list", "sorted", "tuple", "reversed", "set", "iter", "filter")


def call(reader: Evaluator, node: ast.Call, scope: Scope) -> Values:
    """What a call may return; its effects are noted by the reader."""
    arguments = [reader.eval(one, scope) for one in node.args]
    if any(isinstance(one, ast.Starred) for one in node.args):
        # How many there are is not known: each parameter may get each of them.
        arguments = [[ANY, *(value for values in arguments for value in values)]] * _MOST_PARAMETERS
    named = {one.arg: reader.eval(one.value, scope) for one in node.keywords}
    if isinstance(node.func, ast.Name) and node.func.id not in scope.names and not _is_own(node.func.id, scope):
        return _python(reader, node, node.func.id, arguments, named, scope)
    if _is_pure(node.func, scope):
        return [ANY]
    returned: Values = []
    for function in reader.eval(node.func, scope):
        match function:
            case SourceFunction():
                returned += reader.enter(function, _bound(function.node, arguments, named))
            case Handle():
                returned += _of_handle(reader, node, function.path, arguments, named)
            case Called():
                returned += _method(reader, node, function, arguments, named)
            case _:
                _give(reader, node, arguments, named)
                returned.append(ANY)
    return returned


def _is_pure(function: ast.expr, scope: Scope) -> bool:
    """Whether it is a function of a module in _PURE: `json.dumps`, `datetime.datetime.now`."""
    while isinstance(function, ast.Attribute):
        function = function.value
        if isinstance(function, ast.Name):
            return function.id in _PURE and function.id in scope.module.imported
    return False


def _is_own(name: str, scope: Scope) -> bool:
    return name in scope.module.functions or name in scope.module.constants


def _python(
    reader: Evaluator,
    node: ast.Call,
    name: str,
    arguments: list[Values],
    named: Mapping[str | None, Values],
    scope: Scope,
) -> Values:
    """A function of Python, or one that is imported."""
    if name in scope.module.imported or name not in _HARMLESS:
        shape = _SHAPES.get(name)
        if shape is not None:
            return [OfType(shape)]
        if name in ("List", "Optional"):
            inner = arguments[0] if arguments else [ANY]
            return [Lst(inner)] if name == "List" else inner
        _give(reader, node, arguments, named)
        return [ANY]
    if name == "dict":
        made = Obj(
            {key: values for key, values in named.items() if key is not None}, open=bool(arguments) or None in named
        )
        return [made]
    if name in _ITEMS:
        return [Lst(reader.elements(arguments[0] if arguments else []))]
    if name == "enumerate" and arguments:
        return [Lst([Lst([OfType(float), one]) for one in reader.elements(arguments[0])])]
    if name == "zip":
        rows = [reader.elements(values) for values in arguments]
        return [Lst([Lst([row[0] if len(row) == 1 else _doc_or_any(row) for row in rows])])]
    if name in ("next", "max", "min"):
        return reader.elements(arguments[0] if arguments else [])
    return [OfType(_COUNTS[name])] if name in _COUNTS else [ANY]


def _doc_or_any(values: Values) -> Value:
    return next((one for one in values if isinstance(one, Doc)), ANY)


def _give(reader: Evaluator, node: ast.Call, arguments: list[Values], named: Mapping[str | None, Values]) -> None:
    for values in (*arguments, *named.values()):
        reader.escape(values, node.lineno)


def _bound(node: Any, arguments: list[Values], named: Mapping[str | None, Values]) -> dict[str, Values]:
    """The arguments by the names of the parameters."""
    parameters = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    everything = [*parameters, *(one.arg for one in node.args.kwonlyargs)]
    bound = {name: [ANY] for name in everything if None in named} | dict(zip(parameters, arguments, strict=False))
    bound |= {name: values for name, values in named.items() if name is not None}
    return {name: bound.get(name, [ANY]) for name in everything} | {
        name.arg: [ANY] for name in (node.args.vararg, node.args.kwarg) if name is not None
    }


# -- methods of values -----------------------------------------------------------------------------------------------


def _method(
    reader: Evaluator, node: ast.Call, called: Called, arguments: list[Values], named: Mapping[str | None, Values]
) -> Values:
    owner, name = called.owner, called.name
    if isinstance(owner, Doc):
        return _of_document(reader, node, owner, name, arguments, named)
    if isinstance(owner, Obj):
        return _of_object(reader, owner, name, arguments, named)
    if isinstance(owner, Lst):
        if name in ("append", "insert", "extend", "add"):
            owner.elements += arguments[-1] if arguments else []
        return [ANY]
    if (isinstance(owner, OfType) and owner.kind is str) or (isinstance(owner, Known) and isinstance(owner.value, str)):
        return [_of_text(name)]
    _give(reader, node, arguments, named)
    return [ANY]


def _of_text(name: str) -> Value:
    if name in ("split", "rsplit", "splitlines"):
        return Lst([OfType(str)])
    if name in ("startswith", "endswith") or name.startswith("is"):
        return OfType(bool)
    if name in ("count", "find", "index", "rfind", "rindex"):
        return OfType(float)
    return ANY if name in ("encode", "partition", "rpartition") else OfType(str)


def _of_document(
    reader: Evaluator,
    node: ast.Call,
    owner: Doc,
    name: str,
    arguments: list[Values],
    named: Mapping[str | None, Values],
) -> Values:
    line, path = node.lineno, owner.path
    match name:
        case "get" | "setdefault" | "pop":
            return _item_of(reader, line, owner, name, arguments)
        case "update":
            for key, values in named.items():
                for value in values:
                    reader.write((*path, key or STAR), value, line)
            for given in arguments:
                reader.spread(path, given, line)
        case "append" | "extend" | "insert":
            for value in arguments[-1] if arguments else []:
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


def _item_of(reader: Evaluator, line: int, owner: Doc, name: str, arguments: list[Values]) -> Values:
    keys = reader.keys(arguments[0]) if arguments else [STAR]
    places: Values = [one for key in keys for one in reader.item(owner, key)]
    default = arguments[1] if len(arguments) > 1 else []
    for place in places:
        if isinstance(place, Doc) and name == "setdefault":
            for value in default or [Known(None)]:
                reader.write(place.path, value, line)
        elif isinstance(place, Doc) and name == "pop":
            reader.remove(place.path, line)
    # A popped value is not part of the document any more; it may be written elsewhere.
    return [ANY] if name == "pop" else [*places, *(one for one in default if not isinstance(one, Known))]


def _of_object(
    reader: Evaluator, owner: Obj, name: str, arguments: list[Values], named: Mapping[str | None, Values]
) -> Values:
    if name in ("get", "setdefault"):
        keys = reader.keys(arguments[0]) if arguments else [STAR]
        if name == "setdefault":
            for key in keys:
                owner.set(None if key == STAR else key, arguments[1] if len(arguments) > 1 else [Known(None)])
        return [found for key in keys for found in reader.item(owner, key)]
    if name == "update":
        owner.open = owner.open or bool(arguments)
        for field, values in named.items():
            owner.set(field, values)
        return [Known(None)]
    values = [one for inner in owner.fields.values() for one in inner] + ([ANY] if owner.open else [])
    if name == "items":
        return [Lst([Lst([ANY, one]) for one in values or [ANY]])]
    return [Lst(values)] if name == "values" else [ANY]


# -- what content is given -------------------------------------------------------------------------------------------


def _of_handle(
    reader: Evaluator,
    node: ast.Call,
    path: tuple[str, ...],
    arguments: list[Values],
    named: Mapping[str | None, Values],
) -> Values:
    match path:
        case ("task", "subtask"):
            return _subtask(
                reader, node, _bound_arguments(("name", "data", "into", "wait_for", "group"), arguments, named)
            )
        case ("task", "group"):
            reader.facts.groups.update(_known_texts(arguments[0] if arguments else [ANY]))
        case ("task", "ask"):
            _ask_person(reader, node, _bound_arguments(("question", "into", "schema", "default"), arguments, named))
        case ("task", "park"):
            reader.facts.waits = True
        case ("task", "complete"):
            reader.facts.completes = True
        case ("step", "redo"):
            if reader.sure:
                reader.facts.redo = node.lineno
        case ("connectors", _, "chat"):
            return _chat(named)
        case ("lib", *_):
            _give(reader, node, arguments, named)
    return [ANY]


def _bound_arguments(
    names: tuple[str, ...], arguments: list[Values], named: Mapping[str | None, Values]
) -> dict[str, Values]:
    return dict(zip(names, arguments, strict=False)) | {name: values for name, values in named.items() if name}


def _known_texts(values: Values) -> set[str | None]:
    return {value.value if isinstance(value, Known) and isinstance(value.value, str) else None for value in values}


def _subtask(reader: Evaluator, node: ast.Call, given: Mapping[str, Values]) -> Values:
    groups = _known_texts(given["group"]) if "group" in given else {reader.step}
    reader.facts.groups |= groups
    for data in given.get("data", [ANY]):
        reader.facts.subtasks.append(Subtask(data, next(iter(groups)) if len(groups) == 1 else None, node.lineno))
    states = [Known(state) for state in ("done", "error", "ignored", "incomplete", "stopped")]
    landed = Obj({"status": [*states], "result": [ANY], "task": [OfType(str)], "error": [ANY]})
    for place in place_of(given.get("into", [])):
        reader.write(place, landed, node.lineno, later=True)
    return [OfType(str)]


def _ask_person(reader: Evaluator, node: ast.Call, given: Mapping[str, Values]) -> None:
    answers = [one for schema in given.get("schema", [ANY]) for one in shaped(schema)]
    answers += [one for one in given.get("default", []) if one != Known(None)]
    for place in place_of(given.get("into", [ANY])):
        for answer in answers:
            reader.write(place, answer, node.lineno, later=True)


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
