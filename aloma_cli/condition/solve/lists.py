"""Lists that meet what is needed of all their items, of some of them, and of their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aloma_cli.condition.nodes import AllOf, Each, Leaf, Node, Not, Some
from aloma_cli.condition.solve.edits import cost
from aloma_cli.condition.solve.needs import NOTHING, PRESENT, Need, Solve
from aloma_cli.document.paths import MISSING

_NEAREST = 3
_MOST_LENGTH = 2000


def lists(solver: Solve, tests: Iterable[Need], found: Any) -> Iterator[list[Any]]:
    """Lists that may meet `tests`, made of `found` if it is one."""
    tests = tuple(tests)
    asked = [*_of_items(tests)]
    every, some = [*_every(asked)], [*_some(asked)]
    items = _repaired(solver, every, found if isinstance(found, list) else [])
    leaves = [need.node for need in tests if isinstance(need.node, Leaf)]
    sizes = {leaf.length for leaf in leaves if leaf.length is not None}
    lengths = [size for size in sizes if size <= _MOST_LENGTH]
    if len(lengths) < len(sizes):
        solver.is_sure = False
    for length in (None, *lengths, *(size + 1 for size in lengths), *(size - 1 for size in lengths if size)):
        made = _made(solver, every, some, items, length)
        if made is not None:
            yield made
    yield from _without_one(asked, items)
    yield from ([], _repaired(solver, every, [None]), _repaired(solver, every, [MISSING]))


def _of_items(tests: Iterable[Need]) -> Iterator[Need]:
    """What `tests` ask of the items, taken apart."""
    for node, wanted in tests:
        match node:
            case Leaf(of_items=Node() as inner):
                yield from _of_items([Need(inner, wanted)])
            case Not(node=inner):
                yield from _of_items([Need(inner, not wanted)])
            case AllOf(nodes=nodes) if wanted:
                yield from _of_items(map(Need, nodes))
            case _:
                yield Need(node, wanted)


def _every(asked: Iterable[Need]) -> Iterator[Need]:
    """What each item must be."""
    for node, wanted in asked:
        match node:
            case Each(element=element) if wanted:
                yield Need(element)
            case Some(element=element) if not wanted:
                yield Need(element, False)


def _some(asked: Iterable[Need]) -> Iterator[Need]:
    """What one item each must be."""
    for node, wanted in asked:
        match node:
            case Some(element=element) if wanted:
                yield Need(element)
            case Each(element=element) if not wanted:
                yield Need(element, False)


def _without_one(asked: Iterable[Need], items: list[Any]) -> Iterator[list[Any]]:
    """The items without those that must not be there together."""
    for node, wanted in asked:
        if isinstance(node, AllOf) and not wanted:
            for part in node.nodes:
                if isinstance(part, Some):
                    yield [item for item in items if not part.element.test(item)]


def _repaired(solver: Solve, every: list[Need], items: list[Any]) -> list[Any]:
    """The items as each must be; those that cannot be so are left out."""
    solved = (_item(solver, every, item) for item in items)
    return [item for item in solved if _is_item(item)]


def _item(solver: Solve, needs: Iterable[Need], item: Any) -> Any:
    return solver.solve((*needs, PRESENT), item)


def _is_item(item: Any) -> bool:
    return item is not NOTHING


def _made(solver: Solve, every: list[Need], some: list[Need], items: list[Any], length: int | None) -> list[Any] | None:
    """A list of this length (None: any) in which some item meets each of `some`."""
    kept = items if length is None else _chosen_items(some, items, length)
    shares: list[list[Need]] = [[] for _ in kept]
    made = [*kept]
    for need in some:
        for at in [at for at, item in enumerate(made) if need.met(item)][:1]:
            shares[at].append(need)
    for need in some:
        if not any(need.met(item) for item in made) and not _meet_need(solver, every, need, made, shares, length):
            return None
    while length is not None and len(made) < length:
        item = _item(solver, every, MISSING)
        if not _is_item(item):
            return None
        made += [item] * (length - len(made))
    return made


def _chosen_items(some: list[Need], items: list[Any], length: int) -> list[Any]:
    """At most `length` of the items, rather those that are needed, in their order."""
    needed = {next((at for at, item in enumerate(items) if need.met(item)), -1) for need in some}
    order = sorted(range(len(items)), key=lambda at: (at not in needed, at))[:length]
    return [items[at] for at in sorted(order)]


def _meet_need(
    solver: Solve, every: list[Need], need: Need, made: list[Any], shares: list[list[Need]], length: int | None
) -> bool:
    """Let an item meet `need`: a new one, or one that is there if that is the smaller change. Whether one can."""
    nearest = sorted(range(len(made)), key=lambda at: (need.node.unmet(made[at]), at))[:_NEAREST]
    tries = [(at, _item(solver, (*every, *shares[at], need), made[at])) for at in nearest]
    if length is None or len(made) < length:
        tries.append((len(made), _item(solver, (*every, need), MISSING)))
    ways = [(cost(made[at] if at < len(made) else MISSING, item), at, item) for at, item in tries if _is_item(item)]
    if not ways:
        return False
    _, at, item = min(ways, key=lambda way: way[:2])
    if at == len(made):
        made.append(item)
        shares.append([need])
    else:
        made[at] = item
        shares[at].append(need)
    return True
