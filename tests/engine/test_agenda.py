"""The agenda of a task: which steps are true and armed, in their order, without asking every step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aloma_cli.engine.agenda import Agenda

NAMES = [f"s{at}" for at in range(6)]
POSITIONS = {name: at for at, name in enumerate(NAMES)}
MOVES = st.tuples(st.sampled_from(["holds", "fails", "arm", "start", "look"]), st.sampled_from(NAMES))


@given(st.sets(st.sampled_from(NAMES)), st.sets(st.sampled_from(NAMES)), st.lists(MOVES, max_size=30))
def test_the_agenda_is_what_is_true_and_armed_after_any_history(
    true: set[str], disarmed: set[str], moves: list[tuple[str, str]]
) -> None:
    agenda = Agenda(NAMES, POSITIONS, set(true), disarmed)
    for move, name in moves:
        if move in ("holds", "fails"):
            agenda.follow([(name, move == "holds")], [])
        elif move == "arm":
            disarmed.discard(name)
            agenda.follow([], [name])
        elif move == "start":
            disarmed.add(name)
            agenda.leave(name)
        else:
            agenda.first(2, {name})
        wanted = [one for one in NAMES if one in agenda.true and one not in disarmed]
        assert agenda.ready() == wanted
        assert agenda.first(6, ()) == wanted
        assert agenda.first(2, {name}) == [one for one in wanted if one != name][:2]


def test_a_step_whose_file_is_away_is_armed_without_effect() -> None:
    agenda = Agenda(NAMES, POSITIONS, set(), {"away"})
    agenda.follow([], ["away"])
    assert agenda.ready() == []
