"""Lists that begin as in an earlier call, which a journal holds once.

Each turn of a conversation is sent with all messages before it. So a line of a journal has the messages that are new,
and `begins` says where the others are: `{"messages": {"seq": 41, "event": 0, "items": 12}}`. Only lines are short.
Events are always whole.
"""

from __future__ import annotations

from dataclasses import field, replace
from typing import Any

from aloma_cli.jsontext import Json, JsonObject, dumps
from aloma_cli.record.batch import Batch
from aloma_cli.record.events import CallAnswered, CallSent, Event
from aloma_cli.values import dataclass

Call = CallAnswered | CallSent

BLOCK = 1_000
"""Lines after which all lists are written in full again, so that a reader need not remember more."""

_WORTH = 200
"""Characters that a reference must save."""


class UnknownBeginningError(ValueError):
    """A line refers to a list that the lines before it do not have."""


@dataclass(eq=False, repr=False)
class Earlier:
    """The arguments of the calls in earlier lines, for a reader that reads them in order."""

    _arguments: dict[tuple[int, int], JsonObject] = field(default_factory=dict)
    """By the number of the line and the position in it."""

    def whole(self, event: Event, begins: Json) -> Event:
        """The event with its whole lists. Raises UnknownBeginningError."""
        if not isinstance(event, Call):
            return event
        arguments = dict(event.arguments or {})
        try:
            for name, place in begins.items():
                arguments[name] = [*self._beginning(name, **place), *arguments[name]]
        except (AttributeError, KeyError, TypeError) as error:
            raise UnknownBeginningError("`begins` names a list that no line before has") from error
        return replace(event, arguments=arguments)

    def _beginning(self, name: str, *, seq: int, event: int, items: int) -> list[Any]:
        found = self._arguments[seq, event][name]
        if not isinstance(found, list) or not 0 < items <= len(found):
            raise KeyError(name)
        return found[:items]

    def learn(self, batch: Batch) -> None:
        """Take in a line."""
        for position, event in enumerate(batch.events):
            if isinstance(event, Call) and event.arguments:
                self._add((batch.seq, position), event.arguments)
        if (batch.seq + 1) % BLOCK == 0:
            self.forget()

    def _add(self, place: tuple[int, int], arguments: JsonObject) -> None:
        self._arguments[place] = arguments

    def forget(self) -> None:
        """Later lines refer to no earlier ones."""
        self._arguments.clear()


@dataclass(eq=False, repr=False)
class Repeats(Earlier):
    """The same for a writer: it also finds where a list began in the same way before."""

    _next: dict[tuple[str | int, str], int] = field(default_factory=dict)
    """From the beginning of a list (a number; without items the name of the list) and the item that follows."""
    _places: list[tuple[int, int]] = field(default_factory=list)
    """Where each beginning came first."""

    def short(self, event: Call) -> tuple[Event, JsonObject]:
        """A call with what is new in its lists, and `begins`."""
        begins: JsonObject = {}
        arguments = dict(event.arguments or {})
        for name, value in arguments.items():
            if isinstance(value, list) and (found := self._find(name, value)) is not None:
                begins[name] = found
                arguments[name] = value[found["items"] :]
        return (replace(event, arguments=arguments), begins) if begins else (event, {})

    def _find(self, name: str, value: list[Any]) -> JsonObject | None:
        here: str | int = name
        items = saved = 0
        for item in value:
            text = dumps(item)
            if (there := self._next.get((here, text))) is None:
                break
            here, items, saved = there, items + 1, saved + len(text)
        if not isinstance(here, int) or saved < _WORTH:
            return None
        seq, event = self._places[here]
        return {"seq": seq, "event": event, "items": items}

    def _add(self, place: tuple[int, int], arguments: JsonObject) -> None:
        super()._add(place, arguments)
        for name, value in arguments.items():
            here: str | int = name
            for item in value if isinstance(value, list) else ():
                if (there := self._next.setdefault((here, dumps(item)), len(self._places))) == len(self._places):
                    self._places.append(place)
                here = there

    def forget(self) -> None:
        super().forget()
        self._next.clear()
        self._places.clear()
