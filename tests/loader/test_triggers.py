"""The sections `triggers` and `web` of aloma.yaml: what is read, and what is refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aloma_cli.errors import ConfigError
from aloma_cli.loader.config_files import read_config
from aloma_cli.loader.secrets import secret_values

Write = Callable[[str, str], Path]


def test_every_setting_is_read(root: Path, write: Write) -> None:
    write(
        "aloma.yaml",
        """
triggers:
  nightly: {cron: 0 2 * * *}
  slow-one:
    cron: {at: 0 2 * * *, timezone: Europe/Berlin, missed: skip}
    task: Night of {event.date}
    tags: [night, "{event.date}"]
    data: {deep: [{n: 1, x: -1.5, ok: true, none: null, text: "1", all: "{event}"}]}
  drop: {files: {folder: inbox, match: "*.pdf", by: time, read: text, settle: 0.5}}
  orders: {webhook: {secret: HOOK, header: X-Token, signature: sha256, per_minute: 9}, key: "{event.body.id}"}
  after: {done: {state: [done, error], tag: a, name: "b*"}}
web: {host: 0.0.0.0, port: 8080, url: "https://aloma.example/", max_body_mb: 5}
""",
    )
    config = read_config(root)
    nightly, slow, drop, orders, after = config.triggers
    assert (nightly.kind, nightly.said, nightly.task, nightly.data) == (
        "cron",
        {"at": "0 2 * * *"},
        "nightly",
        {"event": "{event}"},
    )
    assert slow.data == {"deep": [{"n": 1, "x": -1.5, "ok": True, "none": None, "text": "1", "all": "{event}"}]}
    assert (slow.task, slow.tags) == ("Night of {event.date}", ("night", "{event.date}"))
    assert drop.said == {"folder": "inbox", "match": "*.pdf", "by": "time", "read": "text", "settle": 0.5}
    assert orders.said == {"secret": "HOOK", "header": "x-token", "signature": "sha256", "per_minute": 9}
    assert (orders.key, after.said) == ("{event.body.id}", {"state": ("done", "error"), "tag": "a", "name": "b*"})
    assert config.web is not None
    assert (config.web.port, config.web.url, config.web.names) == (8080, "https://aloma.example", ("aloma.example",))
    assert secret_values({"HOOK": "hunter2"}, [config]) == (("HOOK", "hunter2"),)


def test_neither_section_is_needed(root: Path) -> None:
    assert (read_config(root).triggers, read_config(root).web) == ((), None)


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ("t: {}", "`triggers.t` has no kind", "give it one of: cron, files, webhook, done"),
        ("t: {cron: 1 1 1 1 1, files: a}", "`triggers.t` has the kinds cron and files", "give it one of"),
        ("t: {corn: 1 1 1 1 1}", "`triggers.t.corn` is an unknown setting", "did you mean `cron`?"),
        ("t: {cron: {zone: a}}", "`triggers.t.cron.zone` is an unknown setting", "did you mean `timezone`?"),
        ("t: {cron: {missed: once}}", "`triggers.t.cron` needs `at`", None),
        ("t: {cron: {at: a, missed: twice}}", "`triggers.t.cron.missed` must be one of: once, skip", None),
        ("t: {cron: [a]}", "`triggers.t.cron` must be a string, not a list", None),
        ("t: {done: all}", "`triggers.t.done` must be a mapping, not `all`", None),
        ("t: {done: {state: ended}}", "'ended', which is not the state of a task that has ended", "use one of: done"),
        ("t: {webhook: {secret: a-b}}", "`triggers.t.webhook.secret` must be the name of a secret", "never the value"),
        ("t: {webhook: {secret: A, header: 'a b'}}", "must be the name of a header", None),
        ("t: {webhook: {secret: A, signature: md5}}", "must be one of: sha256", None),
        ("a b: {cron: 1 1 1 1 1}", "is not a valid name for a trigger", "use up to 64 letters"),
        ("t: {done: {}, task: '{evnt.id}'}", "`triggers.t.task` is not a valid template: {evnt.id}", "did you mean"),
        ("t: {done: {}, data: {a: ['{x}']}}", "`triggers.t.data.a` is not a valid template", "begin with"),
        (
            "t: {done: {}, data: {a: {event.id}}}",
            "is not a valid template: {event.id} is a mapping",
            "put it in quotes",
        ),
        ("t: {done: {}, data: {$via: {}}}", "`triggers.t.data.$via` is a field of the engine", "leave it out"),
        ("t: {done: {}, data: {a: 2026-01-01}}", "which YAML reads as a date", 'write "2026-01-01"'),
        ("t: {done: {}, data: {a: yes}}", "which YAML reads as true", 'write "yes"'),
        ("t: {done: {}, data: {a: 010}}", "which YAML reads as a number", 'write "010"'),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(
    root: Path, write: Write, settings: str, message: str, hint: str | None
) -> None:
    write("aloma.yaml", f"triggers:\n  {settings}\n")
    with pytest.raises(ConfigError) as refused:
        read_config(root)
    assert str(refused.value).startswith("aloma.yaml:2: ")
    assert message in str(refused.value)
    assert (hint or "") in str(refused.value.hint or "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("port: 70000", "`web.port` must be a port from 1 to 65535"),
        ("url: aloma.example", "`web.url` must be a URL such as"),
        ("prot: 1", "`web.prot` is an unknown setting"),
    ],
)
def test_a_mistake_in_web_is_told_as_well(root: Path, write: Write, settings: str, message: str) -> None:
    write("aloma.yaml", f"web: {{{settings}}}")
    with pytest.raises(ConfigError, match=message):
        read_config(root)
