"""The time axis: moments keep their order, and long pauses become short."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.report.axis import Axis

_SPANS = st.lists(
    st.tuples(st.floats(0, 1e6), st.floats(0, 1000)).map(lambda one: (one[0], one[0] + one[1])), max_size=12
)


@given(_SPANS, st.lists(st.floats(-10, 2e6), min_size=2, max_size=20))
def test_moments_keep_their_order_between_0_and_100(spans: list[tuple[float, float]], moments: list[float]) -> None:
    axis = Axis(0.0, max((end for _, end in spans), default=0.0), spans)
    places = [axis.at(moment) for moment in sorted(moments)]
    assert all(left <= right + 1e-9 for left, right in pairwise(places))
    assert all(-1e-9 <= place <= 100 + 1e-6 for place in places)
    assert axis.stretches[0].left == 0
    assert axis.stretches[-1].right == pytest.approx(100)
    assert all(one.right == pytest.approx(other.left) for one, other in pairwise(axis.stretches))


@given(_SPANS)
def test_there_are_a_few_round_ticks(spans: list[tuple[float, float]]) -> None:
    axis = Axis(0.0, max((end for _, end in spans), default=1.0), spans)
    assert 1 <= len(axis.ticks) <= 40
    assert all(0 <= seconds <= axis.end + 1e-6 for seconds, _ in axis.ticks)


def test_a_night_is_cut_and_a_second_is_not() -> None:
    axis = Axis(0.0, 40_000.0, [(0, 10), (11, 20), (39_990, 40_000)])
    [night] = axis.cuts
    assert (night.begin, night.end) == (20, 39_990)
    assert night.right - night.left < 6
    assert axis.at(10) > 20


def test_time_with_nothing_in_it_is_not_cut_away() -> None:
    assert Axis(5.0, 5.0, []).at(5.0) == 0
    assert Axis(0.0, 100.0, []).at(100.0) == pytest.approx(100)


def test_ticks_count_from_the_beginning_of_their_stretch() -> None:
    axis = Axis(0.0, 40_000.0, [(0, 10), (39_990, 40_000)])
    after = [seconds for seconds, at in axis.ticks if at > axis.cuts[0].right - 0.001]
    assert after[0] == pytest.approx(0, abs=1e-6)
    assert max(after) <= 10.001
