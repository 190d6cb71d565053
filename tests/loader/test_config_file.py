"""aloma.yaml: what it may say, and what is said about mistakes in it."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from aloma_cli.clock import POSITIVE_DURATION
from aloma_cli.errors import ConfigError
from aloma_cli.loader.config import Config
from aloma_cli.loader.config_files import read_config, read_user_config

Write = Callable[[str, str], Path]

SETTINGS = (
    "name, tags, models, providers, fallbacks, openai, offline, limits, environment, secrets, responses, mcp, notify, "
    "store, release, triggers, web, otel"
)


def test_a_folder_of_responses_that_does_not_exist_is_refused(root: Path, write: Write) -> None:
    write("aloma.yaml", "name: Research\nresponses: nope\n")
    with pytest.raises(ConfigError, match=r"aloma\.yaml:2: `responses` names the folder `nope`, which does not exist"):
        read_config(root)
    write("aloma.yaml", "responses: responses\n")
    assert read_config(root).responses == "responses"


def test_every_setting_is_read(root: Path, write: Write) -> None:
    (root / "answers").mkdir()
    write(
        "aloma.yaml",
        """\
        name: Research
        tags: [demo, "2026"]
        models: {gpt-4: gpt-6-mini, default: gpt-6}
        openai:
          base_url: http://127.0.0.1:11434/v1
          api_key_env: LOCAL_KEY
          timeout: 30.5
          max_retries: 0
          concurrency: 4
        limits: {concurrency: 1}
        environment: {REGION: eu, PORT: 8080, RATE: 1.50, EMPTY: ""}
        responses: answers
        offline: true
        """,
    )
    config = read_config(root)
    assert (config.name, config.tags, config.responses, config.offline) == (
        "Research",
        ("demo", "2026"),
        "answers",
        True,
    )
    assert config.models == {"gpt-4": "gpt-6-mini", "default": "gpt-6"}
    assert dataclasses.astuple(config.providers["openai"]) == (
        "http://127.0.0.1:11434/v1",
        "LOCAL_KEY",
        30.5,
        0,
        4,
        None,
        None,
    )
    assert config.limits.concurrency == 1
    assert config.environment == {"REGION": "eu", "PORT": "8080", "RATE": "1.50", "EMPTY": ""}


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "openai:\nmodels:\ntags:\nlimits:\nenvironment:\n"])
def test_an_empty_file_or_section_says_as_much_as_none(root: Path, write: Write, text: str) -> None:
    assert read_config(root) == Config()
    write("aloma.yaml", text)
    assert read_config(root) == Config()
    assert Config().limits.concurrency == 8


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("opneai: {}", "aloma.yaml:1: `opneai` is an unknown setting", "did you mean `openai`?"),
        ("\n\nsteps: x", "aloma.yaml:3: `steps` is an unknown setting", f"known settings: {SETTINGS}"),
        ("base_url: http://a", "aloma.yaml:1: `base_url` is an unknown setting", "write it under `openai:`"),
        ("openai:\n  timout: 3", "aloma.yaml:2: `openai.timout` is an unknown setting", "did you mean `timeout`?"),
        ("- name", "aloma.yaml:1: must be a mapping, not a list", None),
        ("openai: gpt-6", "aloma.yaml:1: `openai` must be a mapping, not `gpt-6`", None),
        ("tags: demo", "aloma.yaml:1: `tags` must be a list, not `demo`", None),
        ("tags:\n- a\n- [b]", "aloma.yaml:3: `tags[1]` must be a string, not a list", None),
        ("name:", "aloma.yaml:1: `name` must be a string, not nothing", None),
        ('name: " "', "aloma.yaml:1: `name` is empty", None),
        (
            "limits: {concurrency: 0}",
            "aloma.yaml:1: `limits.concurrency` must be an integer of at least 1, not `0`",
            None,
        ),
        (
            'limits: {concurrency: "3"}',
            'aloma.yaml:1: `limits.concurrency` must be an integer of at least 1, not `"3"`',
            None,
        ),
        (
            "openai: {timeout: 0}",
            "aloma.yaml:1: `openai.timeout` must be a number of seconds above 0 and up to 100 years, not `0`",
            None,
        ),
        (
            "limits: {max_time: 1000000000000000}",
            f"aloma.yaml:1: `limits.max_time` must be {POSITIVE_DURATION}, not `1000000000000000`",
            None,
        ),
        (
            "openai: {timeout: .inf}",
            "aloma.yaml:1: `openai.timeout` must be a number of seconds above 0 and up to 100 years, not `.inf`",
            None,
        ),
        ("offline: maybe", "aloma.yaml:1: `offline` must be true or false, not `maybe`", None),
        ('offline: "no"', 'aloma.yaml:1: `offline` must be true or false, not `"no"`', None),
        (
            "openai: {base_url: localhost:11434}",
            "aloma.yaml:1: `openai.base_url` must be a URL such as http://127.0.0.1:11434/v1, not `localhost:11434`",
            None,
        ),
        (
            "name: [",
            (
                "aloma.yaml:1: not valid YAML: while parsing a flow node, "
                "expected the node content, but found '<stream end>'"
            ),
            None,
        ),
        (
            "name: a: b\n",
            "aloma.yaml:1: not valid YAML: mapping values are not allowed here",
            None,
        ),
        (
            "a: b\n---\nc: d",
            "aloma.yaml:2: not valid YAML: expected a single document in the stream, but found another document",
            None,
        ),
        ("name: a\n\x01", "aloma.yaml:2: not valid YAML: the character #x01 is not allowed", None),
        ("[" * 10_000, "aloma.yaml: nested too deeply", None),
    ],
)  # fmt: skip  (one mistake a line)
def test_a_mistake_is_told_with_file_line_and_key(
    root: Path, write: Write, text: str, message: str, hint: str | None
) -> None:
    write("aloma.yaml", text)
    with pytest.raises(ConfigError) as caught:
        read_config(root)
    assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("name: a\nname: b", "`name` is set twice", None),
        ("name: no", "`name` is `no`, which YAML reads as false", 'write "no"'),
        ("name: 2026-01-01", "`name` is `2026-01-01`, which YAML reads as a date", 'write "2026-01-01"'),
        ("tags: [010]", "`tags[0]` is `010`, which YAML reads as a number", 'write "010"'),
        ("models: {a: 4}", "`models.a` is `4`, which YAML reads as a number", 'write "4"'),
        ("no: x", "a key is `no`, which YAML reads as false", 'write "no"'),
        ("models: {4: a}", "a key in `models` is `4`, which YAML reads as a number", 'write "4"'),
        ("models: {on: a}", "a key in `models` is `on`, which YAML reads as true", 'write "on"'),
        ("environment: {~: a}", "a key in `environment` is `~`, which YAML reads as nothing", 'write "~"'),
        ("? [a]\n: b", "a key is a list", None),
        ("? !!set {a}\n: b", "a key is a mapping", None),
        ("name: !!set {a}", "`name` must be a string, not a mapping", None),
        ("environment: {AT: 12:30}", "`environment.AT` is `12:30`, which YAML reads as a number", 'write "12:30"'),
        ("environment: {DEBUG: yes}", "`environment.DEBUG` is `yes`, which YAML reads as true", 'write "yes"'),
        ("limits: {concurrency: 010}", "`limits.concurrency` must be an integer of at least 1, not `010`", None),
        ("limits: {concurrency: 1:30}", "`limits.concurrency` must be an integer of at least 1, not `1:30`", None),
        ("<<: {name: a}", "a key is a YAML `merge`, which is not allowed here", None),
        ("name: !!python/name:os.system a", "`name` is a YAML `os.system`, which is not allowed here", None),
    ],
)  # fmt: skip  (one trap a line)
def test_what_yaml_would_have_misread_is_refused(
    root: Path, write: Write, text: str, message: str, hint: str | None
) -> None:
    write("aloma.yaml", text)
    with pytest.raises(ConfigError) as caught:
        read_config(root)
    line = text.count("\n") if "twice" in message else 0
    assert (str(caught.value), caught.value.hint) == (f"aloma.yaml:{line + 1}: {message}", hint)


def test_anchors_are_fine(root: Path, write: Write) -> None:
    write("aloma.yaml", "name: &x Research\ntags: [*x]\nmodels: &m {a: b}\nenvironment: *m\n")
    config = read_config(root)
    assert (config.tags, config.environment) == (("Research",), {"a": "b"})


@pytest.mark.parametrize(
    "text",
    [
        "openai: {api_key: sk-proj-0123456789abcdefghij}",
        "openai: {api_key_env: sk-proj-0123456789abcdefghij}",
        "environment: {KEY: sk-proj-0123456789abcdefghij}",
        "# was: sk-proj-0123456789abcdefghij",
        "openai: {api_key: 0123456789abcdefghij}",
        "openai: {api_key_env: 0123456789-abcdefghij}",
        "api_key: 0123456789abcdefghij",
        "environment: {OPENAI_API_KEY: 0123456789abcdefghij}",
    ],
)
def test_a_key_pasted_into_the_file_is_refused_and_not_repeated(root: Path, write: Write, text: str) -> None:
    write("aloma.yaml", text)
    with pytest.raises(ConfigError, match=r"^aloma\.yaml:1: ") as caught:
        read_config(root)
    assert "OPENAI_API_KEY" in (caught.value.hint or "")
    assert "0123456789" not in f"{caught.value} {caught.value.hint}"


def test_a_file_that_is_not_utf8_is_told_so(root: Path) -> None:
    (root / "aloma.yaml").write_bytes(b"name: a\ntags: [\xff]\n")
    with pytest.raises(ConfigError, match=r"^aloma\.yaml:2: not valid UTF-8: byte 0x"):
        read_config(root)


def test_a_file_that_cannot_be_read_is_told_so(root: Path) -> None:
    (root / "aloma.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"^aloma\.yaml: cannot be read: Is a directory$"):
        read_config(root)


def test_the_other_ending_of_yaml_files_is_not_passed_over_in_silence(root: Path, write: Write) -> None:
    write("aloma.yml", "name: a")
    with pytest.raises(ConfigError, match=r"^aloma\.yml is not read$"):
        read_config(root)


def test_the_users_configuration_knows_what_is_the_users_affair(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    assert read_user_config(path) == Config(file=str(path))
    path.write_text("openai: {timeout: 3}\nmodels: {default: a}\noffline: no\n")
    config = read_user_config(path)
    assert (config.providers["openai"].timeout, config.models, config.offline) == (3, {"default": "a"}, False)
    path.write_text("tags: [a]")
    with pytest.raises(ConfigError) as caught:
        read_user_config(path)
    assert str(caught.value) == f"{path}:1: `tags` is an unknown setting"
    assert caught.value.hint == "known settings: models, providers, fallbacks, openai, offline"


TEXTS = st.text(st.characters(codec="utf-8"))
# Keys are refused by name and by how they begin, as tests above hold; hypothesis tries words it finds in the code.
VALUES = TEXTS.filter(lambda text: not re.search("sk-|gsk_|hf_|AIza", text))
NAMES = VALUES.filter(lambda name: name not in ("", "OPENAI_API_KEY"))


@given(st.dictionaries(NAMES, VALUES))
@example({"OPENAI_API_KEY_": "", "a: b": "010"})
def test_texts_written_by_another_program_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> None:
    root = tmp_path_factory.mktemp("workspace")
    (root / "aloma.yaml").write_text(yaml.safe_dump({"environment": environment}), encoding="utf-8")
    assert read_config(root).environment == environment


def test_yaml_is_imported_only_where_there_is_a_file(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from aloma_cli.loader.workspace import load_workspace;"
        "load_workspace(sys.argv[1], pathlib.Path.cwd(), {});"
        "print({'yaml', 'openai', 'pydantic', 'rich', 'asyncio', 'platformdirs', 'jsonschema'} & set(sys.modules))"
    )
    (tmp_path / "steps").mkdir()
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
