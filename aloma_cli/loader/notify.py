"""The `notify:` section of `aloma.yaml`: who gets a notice that a task asks, has failed or is done."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from aloma_cli.connectors.address import is_url
from aloma_cli.errors import ConfigError, PermanentError, did_you_mean
from aloma_cli.loader.layout import CONFIG_FILE
from aloma_cli.loader.mcp import command
from aloma_cli.loader.references import all_filled, filled, is_reference
from aloma_cli.loader.settings import (
    Setting,
    Table,
    list_of,
    mapping_of,
    seconds,
    section,
    text,
    text_or_number,
    whole,
)
from aloma_cli.notices.settings import WORDS, Mail, NoticeSettings, Post, Program, Way

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from aloma_cli.loader.environment import Environment

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


def notices(entry: Setting) -> tuple[NoticeSettings, ...]:
    """The entries as written; `${NAME}` in them is not replaced yet. Raises ConfigError."""
    items = [entry] if entry.node.id == "mapping" else entry.elements()
    return tuple(map(_notice, items))


def equipped(
    entries: Iterable[NoticeSettings], root: Path | None, environment: Environment
) -> tuple[NoticeSettings, ...]:
    """The entries, ready to be used, each with a name of its own. Raises ConfigError."""
    try:
        ready = [replace(entry, way=_filled_way(entry.way, root, environment)) for entry in entries]
    except PermanentError as error:
        raise ConfigError(f"{CONFIG_FILE}: `notify`: {error}", hint=error.hint) from None
    seen: Counter[str] = Counter()
    named = []
    for entry in ready:
        label = entry.label or entry.way.label
        seen[label] += 1
        named.append(replace(entry, label=label if seen[label] == 1 else f"{label} ({seen[label]})"))
    return tuple(named)


def _filled_way(way: Way, root: Path | None, environment: Environment) -> Way:
    if isinstance(way, Program):
        return replace(way, cwd=root)
    if isinstance(way, Post):
        url = filled(way.url, environment)
        if not is_url(url):
            raise PermanentError("the value for `url` is not a URL")
        return replace(way, url=url, headers=all_filled(way.headers, environment))
    if isinstance(way, Mail):
        user = None if way.user is None else filled(way.user, environment)
        password = None if way.password is None else filled(way.password, environment)
        return replace(way, user=user, password=password)
    assert_never(way)


def _notice(entry: Setting) -> NoticeSettings:
    said = section(entry, _NOTICE)
    ways = [name for name in _WAYS if name in said]
    if len(ways) != 1:
        *others, last = (f"`{name}`" for name in _WAYS)
        message = f"must have one of {', '.join(others)} and {last}"
        raise entry.error(message, hint="write `command: notify-send aloma`")
    if "headers" in said and ways != ["url"]:
        raise entry.error("has `headers`, which only a `url` has")
    way, headers = said.pop(ways[0]), said.pop("headers", {})
    return NoticeSettings(way=replace(way, headers=headers) if isinstance(way, Post) else way, **said)


def _program_words(entry: Setting) -> tuple[str, ...]:
    return list_of(_word)(entry) if entry.node.id == "sequence" else (_word(entry),)


def _word(entry: Setting) -> str:
    value = text(entry)
    if value not in WORDS:
        raise entry.error(f"is {value!r}", hint=did_you_mean(value, WORDS) or f"use one of: {', '.join(WORDS)}")
    return value


def _post_settings(entry: Setting) -> Post:
    if not is_reference(text(entry)) and not is_url(text(entry)):
        raise entry.mistaken("a URL such as https://example.org/hook, or ${NAME} for one that is secret")
    return Post(text(entry))


def _password(entry: Setting) -> str:
    if not is_reference(text(entry)):
        hint = "run `aloma secret set SMTP_PASSWORD`, and write `password: ${SMTP_PASSWORD}`"
        raise entry.error("is a secret, and others may read this file", hint=hint)
    return text(entry)


def _addresses(entry: Setting) -> tuple[str, ...]:
    found: tuple[str, ...] = list_of(_mail_address)(entry) if entry.node.id == "sequence" else (_mail_address(entry),)
    if not found:
        raise entry.error("is empty")
    return found


def _mail_address(entry: Setting) -> str:
    value = text(entry)
    if "@" not in value or not value.isprintable() or "," in value:
        raise entry.mistaken("a mail address")
    return value


def _security(entry: Setting) -> str:
    value = text(entry)
    if value not in _PORTS:
        raise entry.mistaken(f"one of: {', '.join(_PORTS)}")
    return value


def _mail(entry: Setting) -> Mail:
    said: dict[str, Any] = section(entry, _MAIL)
    for name in ("to", "from", "host"):
        if name not in said:
            raise entry.error(f"needs `{name}`")
    if ("user" in said) != ("password" in said):
        raise entry.error("must have `user` and `password`, or neither")
    sender, security = said.pop("from"), said.pop("security", "starttls")
    return Mail(sender=sender, security=security, **{"port": _PORTS[security], **said})


_MAIL: Table = {
    "to": _addresses,
    "from": _mail_address,
    "host": text,
    "port": whole(1),
    "security": _security,
    "user": text,
    "password": _password,
}

_WAYS: Table = {
    "command": lambda entry: Program(command(entry)),
    "url": _post_settings,
    "mail": _mail,
}

_NOTICE: Table = {
    "when": _program_words,
    "only": text,
    "label": text,
    "timeout": seconds,
    "headers": mapping_of(text_or_number),
    **_WAYS,
}
