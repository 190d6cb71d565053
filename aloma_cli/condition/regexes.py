"""Regular expressions as Python writes them (`re.compile`) and as JSON does (`$regex` and `$options`)."""

from __future__ import annotations

import re

from aloma_cli.condition.place import Place, name_of

# As in MongoDB, with `a` (ASCII) added, so that every compiled expression can be written as JSON.
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "a": re.ASCII}


def compile_regex(source: object, flags: re.RegexFlag, place: Place) -> re.Pattern[str]:
    """The compiled `source`. Raises ConditionError, naming `place`."""
    if not isinstance(source, str):
        raise place.error(f"needs a string, not {name_of(source)}")
    try:
        return re.compile(source, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise place.error(f"{name_of(source)} is not a valid regular expression: {error}") from None


def flags_of(options: object, place: Place) -> re.RegexFlag:
    """The flags for the letters in `options`. Raises ConditionError, naming `place`."""
    if not isinstance(options, str):
        raise place.error(f"needs a string of letters, not {name_of(options)}")
    flags = re.NOFLAG
    for letter in options:
        if letter not in _FLAGS:
            raise place.error(f"unknown letter {name_of(letter)}; known letters: {', '.join(_FLAGS)}")
        flags |= _FLAGS[letter]
    return flags


def options_of(regex: re.Pattern[str]) -> str:
    """The flags of `regex` as letters for `$options`."""
    return "".join(letter for letter, flag in _FLAGS.items() if regex.flags & flag)
