"""Lay out a directed graph in layers, from the top: each edge leads down, but for those that close a cycle.

An edge is a chain of points, one in each layer between its ends. Its label is one of them, so that labels have room.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from aloma_cli.values import dataclass

_SWEEPS, _SETTLINGS = 12, 40
"""How often the layers are sorted, and the spots moved towards their neighbours."""

_GAP = 18.0
_POINT = 6.0
"""The width of a point of an edge."""

Pair = tuple[str, str]


@dataclass(slots=True)
class Spot:
    """A node, or a point of an edge. `layer`: even for nodes. `x`: its middle."""

    layer: int
    width: float
    x: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """`ways`: for each edge its points from source to target; `labels`: the one at which its label is."""

    nodes: dict[str, Spot]
    ways: dict[Pair, list[Spot]]
    labels: dict[Pair, Spot]
    width: float
    layers: int


def lay_out(nodes: Mapping[str, float], edges: Mapping[Pair, float]) -> Layout:
    """`nodes` with their widths, in an order that is kept where possible; `edges` with those of their
    labels. Edges from a node to itself have no way."""
    between = [pair for pair in edges if pair[0] != pair[1]]
    back = _closing(nodes, between)
    ranks = _ranks(nodes, [_down(pair, back) for pair in between])
    spots = {name: Spot(2 * ranks[name], width) for name, width in nodes.items()}
    ways: dict[Pair, list[Spot]] = {}
    labels: dict[Pair, Spot] = {}
    links: defaultdict[int, list[Spot]] = defaultdict(list)
    for pair in between:
        top, bottom = _down(pair, back)
        points = [Spot(layer, _POINT) for layer in range(2 * ranks[top] + 1, 2 * ranks[bottom])]
        labels[pair] = points[0 if pair not in back else -1]
        labels[pair].width = edges[pair]
        way = [spots[top], *points, spots[bottom]]
        for above, below in pairwise(way):
            links[id(above)].append(below)
            links[id(below)].append(above)
        ways[pair] = way[::-1] if pair in back else way
    layers = _layers([*spots.values(), *(spot for way in ways.values() for spot in way[1:-1])])
    _order(layers, links)
    width = _place_spots(layers, links, ways.values())
    return Layout(spots, ways, labels, width, len(layers))


def _down(pair: Pair, back: set[Pair]) -> Pair:
    return pair[::-1] if pair in back else pair


def _closing(nodes: Iterable[str], edges: Sequence[Pair]) -> set[Pair]:
    """The edges that close a cycle, in a search that goes deep first."""
    below: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        below[source].append(target)
    found: set[Pair] = set()
    done: set[str] = set()
    for start in nodes:
        way, left = [start], [iter(below[start])] if start not in done else []
        while left:
            target = next(left[-1], "")
            if not target:
                left.pop()
                done.add(way.pop())
            elif target in way:
                found.add((way[-1], target))
            elif target not in done:
                way.append(target)
                left.append(iter(below[target]))
    return found


def _ranks(nodes: Iterable[str], edges: Sequence[Pair]) -> dict[str, int]:
    """The length of the longest way to each node."""
    below: defaultdict[str, list[str]] = defaultdict(list)
    missing = dict.fromkeys(nodes, 0)
    for source, target in edges:
        below[source].append(target)
        missing[target] += 1
    ranks = dict.fromkeys(missing, 0)
    ready = [name for name, count in missing.items() if not count]
    for name in ready:
        for target in below[name]:
            ranks[target] = max(ranks[target], ranks[name] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return ranks


def _layers(spots: Iterable[Spot]) -> list[list[Spot]]:
    found: defaultdict[int, list[Spot]] = defaultdict(list)
    for spot in spots:
        found[spot.layer].append(spot)
    return [found[layer] for layer in range(max(found, default=-1) + 1)]


def _order(layers: list[list[Spot]], links: Mapping[int, list[Spot]]) -> None:
    """Sort each layer by the mean position of its neighbours in the layer before, downwards and upwards in turn."""
    for layer in layers:
        _number_spots(layer)
    for sweep in range(_SWEEPS):
        side = -1 if sweep % 2 == 0 else 1
        for layer in layers if side < 0 else layers[::-1]:
            layer.sort(
                key=lambda spot: _mean(spot, [one for one in links.get(id(spot), ()) if one.layer == spot.layer + side])
            )
            _number_spots(layer)


def _number_spots(layer: list[Spot]) -> None:
    for position, spot in enumerate(layer):
        spot.x = position


def _mean(spot: Spot, others: Sequence[Spot]) -> float:
    return sum(other.x for other in others) / len(others) if others else spot.x


def _place_spots(layers: list[list[Spot]], links: Mapping[int, list[Spot]], ways: Iterable[list[Spot]]) -> float:
    """Set the middles, near those of their neighbours and without overlaps. Returns the width of all."""
    for layer in layers:
        _spread_spots(layer, [0.0] * len(layer))
    for sweep in range(_SETTLINGS):
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            _spread_spots(layer, [_mean(spot, links.get(id(spot), ())) for spot in layer])
    for way in ways:
        _straighten(way[1:-1], layers)
    left = min((spot.x - spot.width / 2 for layer in layers for spot in layer), default=0.0)
    for layer in layers:
        for spot in layer:
            spot.x -= left
    return max((spot.x + spot.width / 2 for layer in layers for spot in layer), default=0.0)


def _straighten(points: list[Spot], layers: list[list[Spot]]) -> None:
    """Put the points of an edge below one another, if there is room for that."""
    rooms = [_room(spot, layers[spot.layer]) for spot in points]
    low, high = max(room[0] for room in rooms), min(room[1] for room in rooms)
    if low <= high:
        x = min(high, max(low, sum(spot.x for spot in points) / len(points)))
        for spot in points:
            spot.x = x


def _room(spot: Spot, layer: list[Spot]) -> tuple[float, float]:
    """Between which middles a spot may be moved, with its neighbours as they are."""
    at = next(at for at, one in enumerate(layer) if one is spot)
    low = layer[at - 1].x + (layer[at - 1].width + spot.width) / 2 + _GAP if at else float("-inf")
    high = layer[at + 1].x - (layer[at + 1].width + spot.width) / 2 - _GAP if at + 1 < len(layer) else float("inf")
    return low, high


def _spread_spots(layer: list[Spot], wanted: Sequence[float]) -> None:
    """Give each spot the middle it wants, or the nearest that leaves room. Neighbours that collide share their miss."""
    offsets, offset, before = [], 0.0, 0.0
    for number, spot in enumerate(layer):
        offset += (before + spot.width) / 2 + _GAP if number else 0.0
        before = spot.width
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        block = want - offset, 1
        while blocks and blocks[-1][0] >= block[0]:
            at, count = blocks.pop()
            block = (at * count + block[0] * block[1]) / (count + block[1]), count + block[1]
        blocks.append(block)
    starts = [at for at, count in blocks for _ in range(count)]
    for spot, start, offset in zip(layer, starts, offsets, strict=True):
        spot.x = start + offset
