"""The emergent graph: which step woke which, through which field."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace

from aloma_cli.explain.graph import SOURCES, Edge, Graph
from aloma_cli.jsontext import cut
from aloma_cli.report.layers import Layout, Pair, Spot, lay_out
from aloma_cli.report.markup import Markup, tag
from aloma_cli.view.format import clean

_NODE, _LABEL, _BETWEEN, _MARGIN = 30, 16, 16, 12
"""Pixels: the height of a node and of a label, the gap between layers, and the margin."""

_LETTER, _SMALL = 7.6, 6.4
"""The width of a letter of a node and of a label, in pixels."""

_LONGEST_NAME, _LONGEST_LABEL = 34, 40
_LOOP = 26

_APART = 26.0
"""Pixels between the ends of edges that meet at one side of a box, where there is room."""


def flow(graph: Graph) -> Markup:
    """The graph as a picture."""
    edges: dict[Pair, Edge] = {(edge.source, edge.step): edge for edge in graph.edges}
    labels = {pair: cut(clean(edge.label), _LONGEST_LABEL) for pair, edge in edges.items()}
    loops = {source: labels[source, target] for source, target in edges if source == target}
    names = {name: _node_name(graph, name) for name in graph.nodes}
    widths = {name: _width(text) + _loop_room(loops.get(name)) for name, text in names.items()}
    layout = lay_out(widths, {pair: len(text) * _SMALL + 8 for pair, text in labels.items()})
    ways = _spread_ends(layout, {name: _width(text) for name, text in names.items()})
    width, height = f"{layout.width + 2 * _MARGIN:.0f}", f"{_top(layout.layers - 1) + _NODE + _MARGIN:.0f}"
    return tag(
        "svg",
        _tip(),
        *(_edge(_curve(way, layout.labels[pair])) for pair, way in ways.items()),
        *(_label_text(spot, labels[pair]) for pair, spot in layout.labels.items()),
        *(piece for name, text in names.items() for piece in _box(layout, name, text, loops.get(name))),
        class_="flow",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=_graph_sentence(graph),
    )


def _tip() -> Markup:
    look = tag("path", d="M0 0L8 4L0 8z")
    size = {"refX": 7, "refY": 4, "markerWidth": 7, "markerHeight": 7}
    return tag("defs", tag("marker", look, id="tip", viewBox="0 0 8 8", orient="auto", **size))


def _spread_ends(layout: Layout, boxes: Mapping[str, float]) -> dict[Pair, list[Spot]]:
    """The ways, with their ends beside one another where several meet at one side of a box. `boxes`: their widths."""
    ways = {pair: [*way] for pair, way in layout.ways.items()}
    sides: defaultdict[tuple[str, bool], list[tuple[Spot, Pair, int]]] = defaultdict(list)
    for pair, way in ways.items():
        for name, end, near in ((pair[0], 0, way[1]), (pair[1], -1, way[-2])):
            sides[name, near.layer > way[end].layer].append((near, pair, end))
    for (name, _), meeting in sides.items():
        gap = min(_APART, boxes[name] / (len(meeting) + 1))
        for number, (_, pair, end) in enumerate(sorted(meeting, key=lambda one: one[0].x)):
            spot = ways[pair][end]
            ways[pair][end] = replace(spot, x=spot.x + (number - (len(meeting) - 1) / 2) * gap)
    return ways


def _edge(curve: str) -> Markup:
    return tag("path", d=curve, class_="edge", marker_end="url(#tip)")


def _graph_sentence(graph: Graph) -> str:
    return "Graph: " + "; ".join(f"{edge.source} woke {edge.step} by {edge.label}" for edge in graph.edges[:20])


def _node_name(graph: Graph, name: str) -> str:
    return name if name in SOURCES else f"{cut(clean(name), _LONGEST_NAME)} {graph.fired[name]:,}×"


def _width(text: str) -> float:
    return len(text) * _LETTER + 22


def _loop_room(loop: str | None) -> float:
    """What an edge of a node to itself takes, on both sides, so that the node stays in the middle."""
    return 0.0 if loop is None else 2 * (_LOOP + len(loop) * _SMALL)


def _top(layer: int) -> float:
    """The upper edge of a layer: nodes and labels take turns."""
    return _MARGIN + (layer + 1) // 2 * (_NODE + _BETWEEN) + layer // 2 * (_LABEL + _BETWEEN)


def _curve(way: list[Spot], label: Spot) -> str:
    """A curve through all points, straight down through each of them, with a gap for the label."""
    is_down = way[0].layer < way[-1].layer
    points = [_MARGIN + way[0].x, _side(way[0], lower=is_down)]
    path = f"M{points[0]:.1f} {points[1]:.1f}"
    y = points[1]
    for number, spot in enumerate(way[1:], 1):
        x, enter = _MARGIN + spot.x, _side(spot, lower=not is_down)
        middle = (y + enter) / 2
        path += f"C{points[0]:.1f} {middle:.1f} {x:.1f} {middle:.1f} {x:.1f} {enter:.1f}"
        if number < len(way) - 1:
            y = _side(spot, lower=is_down)
            path += f"{'M' if spot is label else 'L'}{x:.1f} {y:.1f}"
        points = [x, y]
    return path


def _side(spot: Spot, *, lower: bool) -> float:
    return _top(spot.layer) + (0 if not lower else _LABEL if spot.layer % 2 else _NODE)


def _label_text(spot: Spot, text: str) -> Markup:
    return tag("text", text, x=f"{_MARGIN + spot.x:.1f}", y=_top(spot.layer) + 12, text_anchor="middle", class_="label")


def _box(layout: Layout, name: str, text: str, loop: str | None) -> Iterator[Markup]:
    spot = layout.nodes[name]
    x, y, width = _MARGIN + spot.x, _top(spot.layer), _width(text)
    look = "node source" if name in SOURCES else "node"
    radius = _NODE / 2 if name in SOURCES else 6
    if loop is not None:
        right, far = x + width / 2, x + width / 2 + _LOOP
        yield _edge(f"M{right:.1f} {y + 8}C{far:.1f} {y - 2} {far:.1f} {y + _NODE + 2} {right + 1:.1f} {y + 22}")
        yield tag("text", loop, x=f"{far - 2:.1f}", y=y + 19, class_="label")
    yield tag("rect", x=f"{x - width / 2:.1f}", y=y, width=f"{width:.1f}", height=_NODE, rx=radius, class_=look)
    yield tag("text", text, x=f"{x:.1f}", y=y + 20, text_anchor="middle", class_="name")
