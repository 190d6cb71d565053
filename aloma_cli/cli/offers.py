"""What a shell is offered for a value: tasks, steps, states, places in a document, … Nothing of a workspace is run.

Each function gives words with what they mean. Reading is best effort: what cannot be read is not offered.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aloma_cli.cli.commands import COMMANDS
from aloma_cli.errors import AlomaError
from aloma_cli.jsontext import cut, dumps
from aloma_cli.later import Later
from aloma_cli.loader.languages import LANGUAGES, code_below
from aloma_cli.loader.layout import PRIVATE, STEPS_FOLDER, find_workspace
from aloma_cli.loader.place import store_at
from aloma_cli.record.states import STATES
from aloma_cli.store.open import open_store

if TYPE_CHECKING:
    from aloma_cli.api import lookup
    from aloma_cli.api import task as tasks
    from aloma_cli.cli import topics
    from aloma_cli.jsontext import Json, JsonObject
    from aloma_cli.loader import config_files, secrets
    from aloma_cli.store.protocol import Store
else:
    tasks = Later("aloma_cli.api.task")
    lookup = Later("aloma_cli.api.lookup")
    config_files = Later("aloma_cli.loader.config_files")
    secrets = Later("aloma_cli.loader.secrets")
    topics = Later("aloma_cli.cli.topics")

_TASKS = 50
"""How many of the newest tasks are offered, and searched for tags."""

_PLACES = 200
_ITEMS = 20
_PLAIN_KEY = re.compile(r"[\w-]+")


class TypedLine(NamedTuple):
    """`root`: the folder of the workspace. `words`: those between the command and the word `start` to complete."""

    root: Path
    words: Sequence[str]
    start: str

    @property
    def store(self) -> Store:
        return open_store(store_at(self.root, os.environ))

    @property
    def task(self) -> str:
        """The task that the line is about."""
        named = [word for word in self.words if word[0:1] in "@0123456789" and word]
        return named[0] if named else "@last"


def offered(kind: str, words: Sequence[str], start: str) -> dict[str, str]:
    """The words for a value of this kind that begin with `start`, after `words`."""
    named = next((after for option, after in pairwise(words) if option in ("-w", "--workspace")), None)
    with contextlib.suppress(AlomaError, OSError, ValueError):
        line = TypedLine(find_workspace(named, Path.cwd()), words, start)
        return {word: about for word, about in _OFFERS[kind](line).items() if word.startswith(start)}
    return {}


def _tasks(line: TypedLine) -> dict[str, str]:
    store, (root, dot, _) = line.store, line.start.partition(".")
    if dot:
        return {record["id"]: _about(record) for record in islice(tasks.read_records(store, root), _TASKS)}
    found = {task: _about(record) for task, record in _newest(store)}
    last = next(iter(found.values()), "")
    return ({"@last": f"the last one: {last}"} if last else {}) | found


def _newest(store: Store) -> Iterator[tuple[str, JsonObject | None]]:
    return ((task, store.record(task)) for task in islice(store.newest_first().ids, _TASKS))


def _about(record: JsonObject | None) -> str:
    return "at work" if record is None else f"{record['name']} ({record['state']})"


def _offered_tags(line: TypedLine) -> dict[str, str]:
    return dict.fromkeys((tag for _, record in _newest(line.store) if record is not None for tag in record["tags"]), "")


def _offered_steps(line: TypedLine) -> dict[str, str]:
    found = {}
    for path in code_below(line.root, [STEPS_FOLDER], PRIVATE):
        text, language = path.read_text(encoding="utf-8", errors="replace"), LANGUAGES[path.suffix]
        name, about = re.search(language.named, text), re.search(language.about, text)
        place = path.relative_to(line.root / STEPS_FOLDER).with_suffix("").as_posix()
        found[name[name.re.groups] if name else place] = about[about.re.groups] if about else ""
    return found


def _places(line: TypedLine) -> dict[str, str]:
    document = tasks.read_task(line.store, lookup.find_task(line.store, line.task)).data
    return dict(islice(_places_below(document, "", line.start), _PLACES))


def _places_below(value: Json, place: str, start: str) -> Iterator[tuple[str, str]]:
    """The places below one that may begin with `start`, with their values."""
    items = value.items() if isinstance(value, dict) else enumerate(value[:_ITEMS]) if isinstance(value, list) else ()
    for key, item in items:
        here = f"{place}{key}"
        if _PLAIN_KEY.fullmatch(str(key)) and (here.startswith(start) or start.startswith(f"{here}.")):
            if here.startswith(start):
                yield here, cut(dumps(item), 40) if not isinstance(item, dict | list) else ""
            yield from _places_below(item, f"{here}.", start)


def _assignments(line: TypedLine) -> dict[str, str]:
    return {f"{place}=": about for place, about in _places(line).items()}


def _offered_secrets(line: TypedLine) -> dict[str, str]:
    declared = dict.fromkeys(config_files.read_config(line.root).secrets, "declared in aloma.yaml")
    return declared | {name: f"stored {secret.set_at}" for name, secret in secrets.read_secrets(line.root).items()}


def _providers(line: TypedLine) -> dict[str, str]:
    return {name: provider.base_url or "" for name, provider in config_files.read_config(line.root).named.items()}


def _cases(line: TypedLine) -> dict[str, str]:
    folder = line.root / "cases"
    return {path.relative_to(folder).with_suffix("").as_posix(): "" for path in sorted(folder.rglob("*.yaml"))}


def _topics(_: TypedLine) -> dict[str, str]:
    about = {name: command.about for name, command in COMMANDS.items() if " " not in name}
    return about | {name: topic.heading or "" for name, topic in topics.topics().items()}


_OFFERS: Mapping[str, Callable[[TypedLine], Mapping[str, str]]] = {
    "task": _tasks,
    "tag": _offered_tags,
    "step": _offered_steps,
    "state": lambda _: dict.fromkeys(STATES, ""),
    "place": _places,
    "assignment": _assignments,
    "secret": _offered_secrets,
    "provider": _providers,
    "case": _cases,
    "topic": _topics,
}
