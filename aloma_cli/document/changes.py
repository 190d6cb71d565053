"""Changes to a document: applying them, and writing them as RFC 6902 operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from aloma_cli.document.pointer import keys_of, pointer_of
from aloma_cli.jsontext import Json, JsonObject, Path

Op = Literal["add", "replace", "remove", "append"]


class Change(NamedTuple):
    """One change. A number at the end of `path` is a position in a list: `add` inserts there, `remove` closes the gap.

    `append` adds `value` at the end of the list at `path`; RFC 6902 writes it as `add` at `path/-`.
    """

    op: Op
    path: Path
    value: Json = None

    @property
    def moves_items(self) -> bool:
        """Whether it shifts the positions of other items of its list."""
        op, path, _ = self
        return bool(path) and type(path[-1]) is int and op in ("add", "remove")

    @property
    def place(self) -> Path:
        """The smallest path that contains all it changes: the whole list if items move."""
        op, path, _ = self
        return path[:-1] if path and type(path[-1]) is int and op in ("add", "remove") else path


def apply(document: Json, changes: Sequence[Change]) -> Json:
    """A new document with `changes` applied in order.

    Raises LookupError or ValueError if a change does not fit: the record is damaged, or this program has a bug.
    """
    fields = _fields(changes)
    if fields is not None and type(document) is dict:
        return document | fields
    edit = _Edit(document)
    for change in changes:
        edit.one(change)
    return edit.root


def _fields(changes: Iterable[Change]) -> JsonObject | None:
    """The fields that `changes` set, if that is all they do to a document, as most commits do."""
    fields: JsonObject = {}
    for op, path, value in changes:
        key = path[0] if len(path) == 1 else None
        if not isinstance(key, str) or op in ("remove", "append"):
            return None
        fields[key] = value
    return fields


LARGE = 256
"""An object with more fields is not copied where that can be avoided."""


def apply_in_place(document: JsonObject, changes: Sequence[Change]) -> JsonObject | None:
    """Apply `changes` to `document` itself, and return the fields that they touch as they were before.

    None, with nothing done, where a field is removed: it might be set again, and then come last. Raises as `apply`.
    """
    fields, before = _fields(changes), {}
    for op, path, _ in changes:
        if not path or (op == "remove" and len(path) == 1):
            return None
        if path[0] in document:
            before[path[0]] = document[path[0]]
    document.update(apply(before, changes) if fields is None else fields)
    return before


class InPlace:
    """A document that nothing else refers to, changed in place: each of its objects is copied once, in all."""

    def __init__(self, document: JsonObject) -> None:
        self._edit = _Edit(document)

    @property
    def document(self) -> JsonObject:
        """The document after the changes so far."""
        root: JsonObject = self._edit.root
        return root

    def apply(self, changes: Sequence[Change]) -> JsonObject | None:
        """Apply changes, and give what they touch as it was before: the objects above it have nothing else.

        None, with nothing done, where a change leads into a list. Raises as `apply`.
        """
        before: JsonObject = {}
        for change in changes:
            if change.op == "append" or not change.path or not _keep(self.document, change.path, before):
                return None
        for change in changes:
            self._edit.one(change)
        return before


def _keep(document: JsonObject, path: Path, kept: JsonObject) -> bool:
    """Keep the value at `path` of a document at the same path of `kept`. False where the path leads into a list."""
    *above, last = map(str, path)
    for key in above:
        inner = document.get(key)
        if not isinstance(inner, dict):
            return False
        if kept.get(key) is inner:  # all of it is kept already
            return True
        document, kept = inner, kept.setdefault(key, {})
    if last in document:
        kept[last] = document[last]
    return True


def to_wire(changes: Iterable[Change]) -> tuple[JsonObject, ...]:
    """The changes as RFC 6902 operations."""
    operations = []
    for op, path, value in changes:
        place = pointer_of(path)
        if op == "remove":
            operations.append({"op": op, "path": place})
        elif op == "append":
            operations.append({"op": "add", "path": f"{place}/-", "value": value})
        else:
            operations.append({"op": op, "path": place, "value": value})
    return tuple(operations)


def replay(document: Json, operations: Iterable[JsonObject]) -> tuple[Json, list[Change]]:
    """The document with RFC 6902 `operations` applied in order, and the operations as changes.

    Only the document distinguishes a position in a list from a key that looks like one. Raises as `apply` does.
    """
    replayed = Replay(document)
    changes = [replayed.take(operation) for operation in operations]
    return replayed.document, changes


class Replay:
    """A document and the RFC 6902 operations on it, one after the other. It copies each container once, in all."""

    def __init__(self, document: Json) -> None:
        self._edit = _Edit(document)

    @property
    def document(self) -> Json:
        """The document after the operations so far; the next one alters it in place."""
        return self._edit.root

    def take(self, operation: JsonObject) -> Change:
        """Apply an operation, and return it as a change. Raises as `apply` does."""
        change = self._edit.following(operation) or _from_operation(operation, self._edit)
        self._edit.one(change)
        return change


def _from_operation(operation: JsonObject, edit: _Edit) -> Change:
    keys = keys_of(operation["path"])
    if not keys:
        return Change(operation["op"], (), operation.get("value"))
    path: list[str | int] = []
    here, last = edit.root, keys.pop()
    for key in keys:
        at = int(key) if isinstance(here, list) else key
        path.append(at)
        here = here[at]
    if not isinstance(here, list):
        path.append(last)
    elif last == "-":
        return Change("append", tuple(path), operation["value"])
    else:
        path.append(int(last))
    return Change(operation["op"], tuple(path), operation.get("value"))


class _Edit:
    """One series of changes to a document: every container on the way is copied once, and then edited in place.

    Consecutive insertions or removals in a list are collected and made together, because each alone would move all
    items after it.
    """

    def __init__(self, document: Json) -> None:
        self._root = document
        self._moves: list[Change] = []
        self._ours: set[int] = set()
        # References to the copies, because Python may reuse the id of a deleted object, and `_ours` holds ids.
        self._copies: list[Any] = []

    @property
    def root(self) -> Json:
        if self._moves:
            self._move()
        return self._root

    def one(self, change: Change) -> None:
        op, path, value = change
        if self._moves and (op, path) != self._next():
            self._move()
        if op == "append":
            self._container(path).append(value)
        elif not path:
            self._root = value
        elif type(path[-1]) is int and op != "replace":
            self._moves.append(change)
        elif op == "remove":
            del self._container(path[:-1])[path[-1]]
        else:
            self._container(path[:-1])[path[-1]] = value

    def following(self, operation: JsonObject) -> Change | None:
        """`operation` as a change, if it continues the moves before it."""
        if not self._moves:
            return None
        op, path = self._next()
        fits = operation["op"] == op and operation["path"] == pointer_of(path)
        return Change(op, path, operation.get("value")) if fits else None

    def _next(self) -> tuple[Op, Path]:
        """The operation and path that would continue the moves so far."""
        op, path, _ = self._moves[-1]
        return op, (*path[:-1], int(path[-1]) + (1 if op == "add" else -1))

    def _move(self) -> None:
        moves, self._moves = self._moves, []
        items, first, last = self._container(moves[0].place), int(moves[0].path[-1]), int(moves[-1].path[-1])
        if moves[0].op == "add":
            items[first:first] = [move.value for move in moves]
        elif last < 0 or first >= len(items):
            raise IndexError("a change removes an item that does not exist")
        else:
            del items[last : first + 1]

    def _container(self, path: Path) -> Any:
        here = self._root = self._own(self._root)
        for key in path:
            child = here[key]
            if id(child) not in self._ours:
                child = here[key] = self._own(child)
            here = child
        return here

    def _own(self, container: Any) -> Any:
        if id(container) in self._ours:
            return container
        if not isinstance(container, (dict, list)):
            raise LookupError("a change leads through a value that is neither an object nor a list")
        copy = container.copy()
        self._ours.add(id(copy))
        self._copies.append(copy)
        return copy
