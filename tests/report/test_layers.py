"""The layout of a graph: nothing overlaps, and edges lead down but for those that close a cycle."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.report.layers import Spot, lay_out

_EDGES = st.dictionaries(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), st.floats(0, 200), max_size=20
)


@given(_EDGES)
def test_no_two_boxes_of_a_layer_overlap(edges: dict[tuple[str, str], float]) -> None:
    layout = lay_out(dict.fromkeys("abcdefgh", 60.0), edges)
    layers: defaultdict[int, dict[int, Spot]] = defaultdict(dict)
    for spot in (*layout.nodes.values(), *(spot for way in layout.ways.values() for spot in way)):
        layers[spot.layer][id(spot)] = spot
    for spots in layers.values():
        in_order = sorted(spots.values(), key=lambda spot: spot.x)
        assert all(one.x + one.width / 2 <= other.x - other.width / 2 + 1e-6 for one, other in pairwise(in_order))
        assert in_order[0].x - in_order[0].width / 2 >= -1e-6
        assert in_order[-1].x + in_order[-1].width / 2 <= layout.width + 1e-6


@given(_EDGES)
def test_an_edge_passes_each_layer_between_its_ends(edges: dict[tuple[str, str], float]) -> None:
    layout = lay_out(dict.fromkeys("abcdefgh", 60.0), edges)
    for (source, target), way in layout.ways.items():
        assert (way[0], way[-1]) == (layout.nodes[source], layout.nodes[target])
        assert {abs(one.layer - other.layer) for one, other in pairwise(way)} == {1}
        assert layout.labels[source, target] in way[1:-1]
    assert layout.ways.keys() == {pair for pair in edges if pair[0] != pair[1]}


def test_a_chain_leads_down_and_what_closes_it_leads_up() -> None:
    layout = lay_out(dict.fromkeys("abc", 60.0), {("a", "b"): 10, ("b", "c"): 10, ("c", "a"): 10})
    assert [layout.nodes[name].layer for name in "abc"] == [0, 2, 4]
    assert layout.ways["c", "a"][0].layer > layout.ways["c", "a"][-1].layer


def test_an_edge_past_other_nodes_leads_straight_down() -> None:
    edges = {("a", "b"): 80.0, ("b", "c"): 10.0, ("c", "d"): 120.0, ("d", "e"): 10.0, ("e", "a"): 60.0}
    layout = lay_out(dict.fromkeys("abcde", 60.0), edges)
    assert len({spot.x for spot in layout.ways["e", "a"][1:-1]}) == 1


def test_a_graph_without_nodes_has_no_size() -> None:
    assert lay_out({}, {}).width == 0
