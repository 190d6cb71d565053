"""Help by topic, the words that people try, and the settings with their origins."""

from __future__ import annotations

import re

import pytest

from aloma_cli.cli.commands import COMMANDS, GROUPS
from aloma_cli.cli.topics import PARTS, topics
from tests.cli.desk import Desk


def test_help_lists_the_topics_and_the_commands(desk: Desk) -> None:
    listed = desk.run("help").out
    assert set(re.findall(r"^  (\w[\w-]*)  ", listed, re.MULTILINE)) == {
        *topics(),
        *(name for name in COMMANDS if " " not in name),
        *GROUPS,
    }
    assert {"conditions", "states", "exit-codes", "environment", "config", "patterns"} <= topics().keys()
    assert max(map(len, listed.splitlines())) <= 80


@pytest.mark.parametrize("topic", topics())
def test_each_topic_has_a_page(desk: Desk, topic: str) -> None:
    page = desk.run("help", topic)
    assert (page.code, page.out.startswith("# ")) == (0, True)
    assert len(page.out) > 200
    if topic in PARTS:
        assert "\n## " not in page.out


def test_a_page_at_a_terminal_is_laid_out_for_it(desk: Desk) -> None:
    code, _, shown = desk.at_terminal("help", "exit-codes", width=80, height=60, PAGER="cat")
    assert code == 0
    assert "| Code |" not in shown
    assert "Exit codes" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_the_help_of_a_short_command_is_its_help(desk: Desk) -> None:
    assert desk.run("help", "secret", "set") == desk.run("secret", "set", "--help")


@pytest.mark.parametrize(("asked", "hint"), [("state", "did you mean `states`?"), ("zzz", "run `aloma help`")])
def test_an_unknown_topic_is_refused(desk: Desk, asked: str, hint: str) -> None:
    ended = desk.run("help", asked)
    assert (ended.code, hint in ended.err) == (9, True)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("new", "task new"),
        ("run", "task new"),
        ("list", "task list"),
        ("status", "task list"),
        ("logs", "task log"),
        ("cancel", "task stop"),
        ("validate", "step check"),
        ("settings", "config"),
        ("docs", "help"),
        ("task rm", "task gc"),
        ("task delete", "task gc"),
        ("version", "--version"),
        ("task cancel", "task stop"),
        ("task retry", "task resume"),
        ("task get", "task show"),
        ("task approve", "task answer"),
        ("secret rm", "secret delete"),
    ],
)
def test_a_word_of_another_program_is_answered_with_ours(desk: Desk, typed: str, meant: str) -> None:
    ended = desk.run(*typed.split())
    assert (ended.code, f"run `aloma {meant}`" in ended.err) == (2, True)


def settings(desk: Desk, *options: str) -> dict[str, tuple[object, str, object]]:
    found = desk.run("config", "--json", *options).json["settings"]
    return {one["key"]: (one["value"], one["origin"], one["place"]) for one in found}


def test_each_setting_is_told_with_its_origin(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    user = desk.write("user/config.yaml", "offline: true\nopenai: {timeout: 10, max_retries: 1}\n")
    monkeypatch.setattr("aloma_cli.cli.config.user_config_path", lambda: user)
    text = "openai: {timeout: 20}\nlimits: {max_cost: 2}\ntags: [a]\nenvironment: {REGION: eu}\nsecrets: [TOKEN]\n"
    desk.write("aloma.yaml", text)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-abcdefgh12345678")
    monkeypatch.setenv("REGION", "us")
    found = settings(desk, "--base-url", "http://ada:secret-word@127.0.0.1:9/v1")
    assert found["openai.base_url"] == ("http://127.0.0.1:9/v1", "flag", "--base-url")
    assert found["openai.api_key"] == ("***", "environment", "OPENAI_API_KEY")
    assert found["environment.REGION"] == ("us", "environment", "REGION")
    assert found["openai.timeout"] == (20.0, "project", "aloma.yaml")
    assert found["limits.max_cost"] == (2.0, "project", "aloma.yaml")
    assert found["openai.max_retries"] == (1, "user", str(user))
    assert found["offline"] == (True, "user", str(user))
    assert found["limits.concurrency"] == (8, "default", None)
    assert found["secrets.TOKEN"] == (None, "project", "aloma.yaml")
    assert settings(desk, "--offline")["offline"] == (True, "flag", "--offline")


def test_no_secret_is_shown_among_the_settings(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("aloma.yaml", "secrets: [TOKEN, OTHER]\nmcp:\n  x: {command: serve --key abcdefgh-1}\n")
    monkeypatch.setenv("TOKEN", "token-abcdefgh")
    monkeypatch.setenv("ALOMA_STORE", "postgresql://ada:secret-word@127.0.0.1/x")
    desk.shell("echo other-abcdefgh | aloma secret set OTHER")
    ended = desk.run("config", "--show-origin")
    assert ended.code == 0
    assert "secrets.TOKEN\t***\tenvironment: TOKEN\n" in ended.out
    assert "secrets.OTHER\t***\tsecret: aloma secret set\n" in ended.out
    for secret in ("token-abcdefgh", "other-abcdefgh", "secret-word", "abcdefgh-1"):
        assert secret not in ended.out + ended.err


SECTIONS = """
triggers:
  nightly: {cron: {at: "30 2 * * *"}}
  orders: {webhook: HOOK}
  ended: {done: {state: [done, error]}}
web: {port: 8700, url: https://aloma.example.org}
notify:
  - {url: "https://hooks.example.org/T0/secret-path", headers: {X-Key: secret-word}}
  - {command: [tell, secret-argument]}
otel: {url: "http://ada:secret-login@127.0.0.1:4318", headers: {Authorization: secret-header}}
fallbacks: {default: [local/a, local/b]}
"""


def test_sections_are_settings_too_and_show_no_secret(desk: Desk) -> None:
    desk.write("aloma.yaml", SECTIONS)
    found = {key: value for key, (value, *_) in settings(desk).items()}
    assert found["triggers.nightly"] == {"cron": {"at": "30 2 * * *"}}
    assert found["triggers.orders"] == {"webhook": {"secret": "HOOK"}}
    assert found["triggers.ended"] == {"done": {"state": ["done", "error"]}}
    assert (found["web.port"], found["web.url"]) == (8700, "https://aloma.example.org")
    assert (found["notify[0]"], found["notify[1]"]) == ("url hooks.example.org", "command tell")
    assert found["otel.headers.Authorization"] == "***"
    ended = desk.run("config")
    assert (ended.code, "secret-" in ended.out + ended.err) == (0, False)


def test_without_origins_a_setting_has_two_columns(desk: Desk) -> None:
    assert "responses\tresponses\n" in desk.run("config").out


def test_the_least_value_of_an_option_is_in_words(desk: Desk) -> None:
    shown = desk.run("task", "list", "--help").out
    assert "[at least 1]" in shown
    assert "x>=" not in shown


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_that_grows_beyond_a_screen_still_lists_its_commands(
    desk: Desk, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aloma_cli.cli.first_screen._LINES", 1)
    ended = desk.run(group, "--help")
    own = [name.split()[1] for name in COMMANDS if name.startswith(f"{group} ")]
    assert (ended.code, [name for name in own if name not in ended.out]) == (0, [])
