"""The lanes of the timeline."""

from __future__ import annotations

from itertools import pairwise

import pytest

from aloma_cli.report.lanes import MOST_ALONE, MOST_ROWS, Lanes
from aloma_cli.report.story import Story
from aloma_cli.report.task_page import task_page
from tests.report.runs import fan, order


def test_each_step_of_each_subtask_has_a_lane() -> None:
    lanes = [(lane.depth, lane.label) for lane in Lanes(Story(order())).all]
    assert lanes[0] == (0, "Order <7>")  # it waited for a person
    assert lanes[-4:] == [(1, "Pack lamp"), (2, "wrap"), (1, "Pack desk"), (2, "wrap")]


@pytest.mark.parametrize("width", [MOST_ALONE, MOST_ALONE + 1, 60])
def test_many_subtasks_of_a_group_share_their_lanes(width: int) -> None:
    story = Story(fan(width))
    lanes = Lanes(story).all
    headings = [lane.label for lane in lanes if lane.of]
    assert headings == ([f"item × {width}"] if width > MOST_ALONE else [f"Item {item}" for item in range(width)])
    assert sum(len(row) for lane in lanes for row in lane.rows) == len(story.runs)
    assert all(len(lane.rows) <= MOST_ROWS for lane in lanes)
    for lane in lanes:
        for row in lane.rows if len(lane.rows) < MOST_ROWS else ():
            assert all(one.end is not None and one.end <= other.begin for one, other in pairwise(row))


def test_a_step_that_wakes_itself_has_a_loop() -> None:
    page = task_page(fan(1))
    assert "count woke count by n ×2" in page
    assert page.count('marker-end="url(#tip)"') >= 4
