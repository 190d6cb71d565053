"""Read a YAML file by a table of keys; errors name the file, line and key.

YAML reads `no` as false, `010` as 8, `12:30` as 750 and `2026-01-01` as a date, and accepts duplicate keys. So values
are read as written, by the type their key expects. A value that YAML would convert to another type is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from aloma_cli.clock import POSITIVE_DURATION, is_positive_duration
from aloma_cli.connectors.address import is_url
from aloma_cli.connectors.providers.table import key_variables
from aloma_cli.errors import ConfigError, did_you_mean
from aloma_cli.jsontext import Json, cut, loads
from aloma_cli.later import Later
from aloma_cli.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from aloma_cli.loader import yaml
else:
    yaml = Later("aloma_cli.loader.yaml")

# Prefixes of the keys of well-known providers.
_API_KEY = re.compile(r"\b(sk-|gsk_|hf_|AIza)[\w-]{16,}")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_LONGEST = 60
_KINDS = {"sequence": "a list", "mapping": "a mapping"}
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_MADE = {"int": "a number", "float": "a number", "timestamp": "a date", "null": "nothing"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One value in the file. `file`: as messages name it. `key`: dotted. `node`: the yaml.Node found there."""

    file: str
    key: str
    node: Any  # the stubs' Node has no `id`

    @property
    def written(self) -> str | None:
        """The text of a scalar as written, without quotes; None for a list or a mapping."""
        return str(self.node.value) if self.node.id == "scalar" else None

    @property
    def tag(self) -> str:
        """The type YAML gives the value: str, bool, int, float, null, timestamp, seq, map, …."""
        return str(self.node.tag).rpartition(":")[2]

    def error(self, problem: str, *, hint: str | None = None) -> ConfigError:
        """The error to raise: `problem` follows the key."""
        return self.error_here(f"`{self.key}` {problem}" if self.key else problem, hint=hint)

    def error_here(self, message: str, *, hint: str | None = None) -> ConfigError:
        """The error to raise, with file and line only."""
        return ConfigError(f"{self.file}:{self.node.start_mark.line + 1}: {message}", hint=hint)

    def mistaken(self, wanted: str) -> ConfigError:
        """The error for a value of another type than `wanted`."""
        found = "nothing" if self.tag == "null" else _KINDS.get(self.node.id) or self._quoted()
        return self.error(f"must be {wanted}, not {found}")

    def misread(self, subject: str) -> ConfigError:
        """The error for the scalar `subject`, meant as a string, which YAML reads as another type."""
        made = str(_FLAGS.get((self.written or "").casefold())).lower() if self.tag == "bool" else _MADE.get(self.tag)
        if made is None:
            return self.error_here(f"{subject} is a YAML `{self.tag}`, which is not allowed here")
        return self.error_here(
            f"{subject} is {self._quoted()}, which YAML reads as {made}",
            hint=f'write "{cut(self.written or "", _LONGEST)}"',
        )

    def items(self) -> list[tuple[str, Setting]]:
        """The entries of a mapping, in order; empty for null."""
        if self.tag == "null":
            return []
        if self.node.id != "mapping":
            raise self.mistaken("a mapping")
        entries: dict[str, Setting] = {}
        for key, value in self.node.value:
            name = self._key_name(key)
            entry = Setting(self.file, f"{self.key}.{name}" if self.key else name, value)
            if name in entries:
                raise Setting(self.file, entry.key, key).error("is set twice")
            entries[name] = entry
        return list(entries.items())

    def elements(self) -> list[Setting]:
        """The entries of a list, in order; empty for null."""
        if self.tag == "null":
            return []
        if self.node.id != "sequence":
            raise self.mistaken("a list")
        return [Setting(self.file, f"{self.key}[{i}]", item) for i, item in enumerate(self.node.value)]

    def _quoted(self) -> str:
        words = " ".join((self.written or "").split())
        quote = '"' if self.node.style else ""
        return f"`{quote}{cut(words, _LONGEST)}{quote}`"

    def _key_name(self, node: Any) -> str:
        key = Setting(self.file, self.key, node)
        where = f"a key in `{self.key}`" if self.key else "a key"
        if key.written is None:
            raise key.error_here(f"{where} is {_KINDS[key.node.id]}")
        if key.tag != "str":
            raise key.misread(where)
        return key.written


Checker: TypeAlias = Callable[[Setting], Any]
"""Returns the value of an entry; raises ConfigError."""


class Refused(NamedTuple):
    """A key that is not allowed here, although it looks natural."""

    problem: str
    hint: str


Table: TypeAlias = Mapping[str, "Checker | Refused | Table"]
"""The keys allowed in a mapping, each with the check of its value or the table of a nested mapping."""


def read_yaml(path: Path, table: Table, *, shown: str) -> dict[str, Any]:
    """The values in `path`, checked by `table`; missing keys are left out, sections are dicts.

    `shown` is how messages name the file. A missing file is empty. Raises ConfigError.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read: {error.strerror}") from None
    text = yaml.decode(content, shown, ConfigError)
    _refuse_api_keys(text, shown)
    root = yaml.compose(text, shown, ConfigError)
    return section(Setting(shown, "", root), table) if root else {}


def section(entry: Setting, table: Table) -> dict[str, Any]:
    """The values of a mapping by `table`."""
    values: dict[str, Any] = {}
    for name, item in entry.items():
        check = table.get(name)
        if check is None:
            raise item.error("is an unknown setting", hint=_unknown_hint(name, table))
        if isinstance(check, Refused):
            raise item.error(check.problem, hint=check.hint)
        values[name] = check(item) if callable(check) else section(item, check)
    return values


def text(entry: Setting) -> str:
    """A string of one or more lines; not empty."""
    if entry.written is None or entry.tag == "null":
        raise entry.mistaken("a string")
    if entry.tag != "str":
        raise entry.misread(f"`{entry.key}`")
    if not entry.written.strip():
        raise entry.error("is empty")
    return entry.written


def text_or_number(entry: Setting) -> str:
    """A string, which may be empty, or a plain decimal number, as written."""
    if entry.written is not None and (_NUMBER.fullmatch(entry.written) or entry.tag == "str"):
        return entry.written
    return text(entry)


def url_like(example: str) -> Checker:
    """A URL of HTTP."""

    def check(entry: Setting) -> str:
        if not is_url(text(entry)):
            raise entry.mistaken(f"a URL such as {example}")
        return text(entry)

    return check


def flag(entry: Setting) -> bool:
    """True or false."""
    value = _FLAGS.get((entry.written or "").casefold())
    if entry.tag != "bool" or value is None:
        raise entry.mistaken("true or false")
    return value


def whole(minimum: int) -> Checker:
    """An integer of at least `minimum`."""

    def check(entry: Setting) -> int:
        if entry.tag != "int" or not _WHOLE.fullmatch(entry.written or "") or int(entry.node.value) < minimum:
            raise entry.mistaken(f"an integer of at least {minimum}")
        return int(entry.node.value)

    return check


def positive(unit: str) -> Checker:
    """A number of `unit` above 0."""
    return lambda entry: _checked_number(entry, lambda value: 0 < value < math.inf, f"a number of {unit} above 0")


def seconds(entry: Setting) -> float:
    """A POSITIVE_DURATION."""
    return _checked_number(entry, is_positive_duration, POSITIVE_DURATION)


def _checked_number(entry: Setting, accepts: Callable[[float], bool], wanted: str) -> float:
    plain = entry.tag in {"int", "float"} and _NUMBER.fullmatch(entry.written or "")
    if not plain or not accepts(float(entry.node.value)):
        raise entry.mistaken(wanted)
    return float(entry.node.value)


def one_of(*words: str) -> Checker:
    """One of `words`."""

    def check(entry: Setting) -> str:
        if entry.written not in words:
            raise entry.mistaken(f"one of: {', '.join(words)}")
        return entry.written

    return check


def json_value(entry: Setting) -> Json:
    """Any JSON value; one that YAML would convert to another type is refused."""
    match entry.node.id, entry.tag:
        case "mapping", _:
            return {name: json_value(item) for name, item in entry.items()}
        case "sequence", _:
            return [json_value(item) for item in entry.elements()]
        case _, "null":
            return None
        case _, "str":
            return entry.written
    if entry.tag == "bool" and entry.written in ("true", "false"):
        return entry.written == "true"
    if entry.tag in ("int", "float") and _NUMBER.fullmatch(entry.written or ""):
        return loads(entry.written or "")
    raise entry.misread(f"`{entry.key}`")


def list_of(check: Checker) -> Checker:
    """A list of items that `check` accepts, as a tuple."""
    return lambda entry: tuple(check(item) for item in entry.elements())


def mapping_of(check: Checker) -> Checker:
    """A mapping with any keys to values that `check` accepts."""
    return lambda entry: {name: check(item) for name, item in entry.items()}


def _unknown_hint(name: str, table: Table) -> str:
    """The hint for a key that is not in `table`."""
    known = [key for key, check in table.items() if not isinstance(check, Refused)]
    owner = next((key for key, inner in table.items() if isinstance(inner, Mapping) and name in inner), None)
    if owner:
        return f"write it under `{owner}:`"
    return did_you_mean(name, known) or f"known settings: {', '.join(known)}"


def _refuse_api_keys(content: str, shown: str) -> None:
    # Without the value: messages may be logged.
    for number, line in enumerate(content.split("\n"), 1):
        if _API_KEY.search(line):
            raise ConfigError(
                f"{shown}:{number}: contains what looks like an API key",
                hint=f"remove it and set it in the environment: `export {key_variables()[0]}=…`",
            )
