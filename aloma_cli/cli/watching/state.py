"""The state of the full-screen view, and how keys change it. Nothing here knows a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from aloma_cli.cli.watching.log import WatchedLog
from aloma_cli.cli.watching.replay import pause
from aloma_cli.values import dataclass

PANES = {"p": "prompts", "d": "diff", "w": "why"}
"""The keys of what is shown in place of the document."""

_ENDS = ("q", "Q", "ctrl+c")


@dataclass(frozen=True, slots=True)
class WatchState:
    """`position`: that of the entry in the log. `scroll`: lines that the right side is moved by.

    `typing`: whether keys go into `words`, which are looked for. `missed`: whether the log does not have them.
    """

    position: int = 0
    pane: str = "document"
    scroll: int = 0
    playing: bool = False
    typing: bool = False
    words: str = ""
    missed: bool = False
    ended: bool = False

    def at(self, position: int) -> WatchState:
        """At another entry, from the top of what it has."""
        return replace(self, position=position, scroll=0, missed=False)


def pressed(state: WatchState, key: str, character: str | None, log: WatchedLog, page: int) -> WatchState:
    """The state after a key. `key`: its name, as Textual gives it. `page`: the lines of a side."""
    if key in _ENDS and (key == "ctrl+c" or not state.typing):
        return replace(state, ended=True)
    if state.typing:
        return _type_key(state, key, character, log)
    move = _MOVES.get(key)
    if move is not None:
        return replace(state.at(max(0, min(move(state, page, len(log)), len(log) - 1))), playing=False)
    if key in ("n", "N"):
        return found(state, log, 1 if key == "n" else -1)
    return _switched(state, key, log, page)


_MOVES: dict[str, Callable[[WatchState, int, int], int]] = {
    "left": lambda state, _page, _count: state.position - 1,
    "up": lambda state, _page, _count: state.position - 1,
    "right": lambda state, _page, _count: state.position + 1,
    "down": lambda state, _page, _count: state.position + 1,
    "home": lambda _state, _page, _count: 0,
    "end": lambda _state, _page, count: count - 1,
}


def _switched(state: WatchState, key: str, log: WatchedLog, page: int) -> WatchState:
    pane = PANES.get(key.lower())
    if pane is not None:
        return replace(state, pane="document" if state.pane == pane else pane, scroll=0)
    match key:
        case "space":
            return _toggled(state, log)
        case "slash":
            return replace(state, typing=True, words="", missed=False)
        case "escape":
            return replace(state, pane="document", scroll=0, missed=False)
        case "pageup" | "pagedown":
            return replace(state, scroll=state.scroll + (page if key == "pagedown" else -page))
    return state


def _type_key(state: WatchState, key: str, character: str | None, log: WatchedLog) -> WatchState:
    match key:
        case "escape":
            return replace(state, typing=False, words="")
        case "enter":
            return found(replace(state, typing=False), log, 1)
        case "backspace":
            return replace(state, words=state.words[:-1])
    is_text = character is not None and character.isprintable()
    return replace(state, words=state.words + (character or "")) if is_text else state


def found(state: WatchState, log: WatchedLog, step: int) -> WatchState:
    """At the next entry, or with step -1 the one before, that contains the words, wrapping around the end."""
    places = ((state.position + step * far) % len(log) for far in range(1, len(log) + 1))
    position = next((at for at in places if state.words and log.has(at, state.words)), None)
    if position is None:
        return replace(state, missed=bool(state.words))
    return replace(state.at(position), playing=False)


def grown(state: WatchState, before: int, now: int) -> WatchState:
    """After the log grew from this many entries: at the last one, if it was there."""
    return state.at(now - 1) if state.position >= before - 1 and now > before else state


def played(state: WatchState, log: WatchedLog) -> WatchState:
    """One entry further."""
    return settled(state.at(min(state.position + 1, len(log) - 1)), log)


def settled(state: WatchState, log: WatchedLog) -> WatchState:
    """Playing ends at the last entry, unless the task still runs."""
    return replace(state, playing=state.playing and (_is_before_end(state, log) or log.is_active))


def _is_before_end(state: WatchState, log: WatchedLog) -> bool:
    return state.position + 1 < len(log)


def _toggled(state: WatchState, log: WatchedLog) -> WatchState:
    """Play or stop; at the end of an old run, play it from the start."""
    begin = state if _is_before_end(state, log) or log.is_active else state.at(0)
    return replace(begin, playing=not state.playing)


def next_in(state: WatchState, log: WatchedLog, speed: float) -> float | None:
    """The seconds until the next entry is shown; None where nothing plays, or nothing comes yet."""
    if not (state.playing and _is_before_end(state, log)):
        return None
    return pause(log.seconds_before(state.position + 1), speed)
