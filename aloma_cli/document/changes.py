"""One change to a document, how changes are applied, and how they are written (RFC 6902)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

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
        return self.op in ("add", "remove") and bool(self.path) and isinstance(self.path[-1], int)

    @property
    def place(self) -> Path:
        """The smallest place that holds all it alters: the whole list for what moves items."""
        return self.path[:-1] if self.moves_items else self.path


def apply(document: Json, changes: Iterable[Change]) -> Json:
    """The document with `changes` made in order; `document` itself stays as it is.

    Raises LookupError or ValueError where a change does not fit: that is a damaged record or a fault of ours.
    """
    return _Edit(document).all(changes)


def to_wire(changes: Iterable[Change]) -> tuple[JsonObject, ...]:
    """The changes as RFC 6902 operations."""
    return tuple(_to_operation(change) for change in changes)


def from_wire(operations: Iterable[JsonObject]) -> list[Change]:
    """Changes that `apply` understands. Positions in lists come back as text: only the document tells them from keys."""
    return [
        Change(operation["op"], _from_pointer(operation["path"]), operation.get("value")) for operation in operations
    ]


def _to_operation(change: Change) -> JsonObject:
    op, path = ("add", (*change.path, "-")) if change.op == "append" else (change.op, change.path)
    operation: JsonObject = {"op": op, "path": "".join(f"/{_escape(key)}" for key in path)}
    if op != "remove":
        operation["value"] = change.value
    return operation


def _escape(key: str | int) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _from_pointer(pointer: str) -> Path:
    return tuple(key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:])


class _Edit:
    """One run of changes over a document: every container on the way is copied once, and then edited in place."""

    def __init__(self, document: Json) -> None:
        self._root = document
        self._ours: set[int] = set()
        # The copies are held here: an id in `_ours` must not be taken by a new object after one was dropped.
        self._copies: list[Any] = []

    def all(self, changes: Iterable[Change]) -> Json:
        for change in changes:
            self._one(change)
        return self._root

    def _one(self, change: Change) -> None:
        op, path, value = change
        if op == "append":
            self._container(path).append(value)
        elif not path:
            self._root = value
        else:
            self._at_key(self._container(path[:-1]), op, path[-1], value)

    def _at_key(self, container: Any, op: Op, key: str | int, value: Json) -> None:
        if isinstance(container, list):
            self._in_list(container, op, key, value)
        elif op == "remove":
            del container[key]
        else:
            container[key] = value

    @staticmethod
    def _in_list(items: list[Json], op: Op, key: str | int, value: Json) -> None:
        if op == "remove":
            del items[int(key)]
        elif op == "replace":
            items[int(key)] = value
        else:
            items.insert(len(items) if key == "-" else int(key), value)

    def _container(self, path: Path) -> Any:
        here = self._root = self._own(self._root)
        for key in path:
            at: Any = int(key) if isinstance(here, list) else key
            below = self._own(here[at])
            here[at] = below
            here = below
        return here

    def _own(self, container: Any) -> Any:
        if id(container) in self._ours:
            return container
        if not isinstance(container, dict | list):
            raise LookupError("a change leads through a value that is neither an object nor a list")
        copy = container.copy()
        self._ours.add(id(copy))
        self._copies.append(copy)
        return copy
