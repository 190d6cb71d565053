"""`aloma secret …`, and that no command leaves a trace of a secret anywhere."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from aloma_cli.jsontext import dumps
from tests.cli.desk import COMMAND, Desk, Ended, running, until

PLAIN = "plain-zq7Xw-and-kV9pL"
ODD = "ödd zq7Xw\"\\☃/+%' kV9pL"
TRACES = ("zq7Xw", "kV9pL")
"""Parts of either that no encoding alters, and that stand nowhere else."""

CANARIES = pytest.mark.parametrize("canary", [PLAIN, ODD], ids=["plain", "odd"])


def put(desk: Desk, monkeypatch: pytest.MonkeyPatch, name: str, value: str | bytes, *more: str) -> Ended:
    """`aloma secret set` with the value on standard input."""
    data = value if isinstance(value, bytes) else value.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
    return desk.run("secret", "set", name, *more)


def kept(desk: Desk) -> dict[str, str]:
    """The values in the file, by name."""
    record = json.loads((desk.root / ".aloma" / "secrets.json").read_text(encoding="utf-8"))
    return {name: secret["value"] for name, secret in record["secrets"].items()}


# -- the commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", [(), ("-",)], ids=["piped", "asked for"])
@pytest.mark.parametrize(
    ("given", "value"),
    [(ODD, ODD), (f"{ODD}\n", ODD), (f"{ODD}\r\n", ODD), ("two\nlines\n\n", "two\nlines\n"), (" spaces ", " spaces ")],
)
def test_a_value_is_read_from_standard_input(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, given: str, value: str, more: tuple[str, ...]
) -> None:
    """But for one newline at its end."""
    assert put(desk, monkeypatch, "CRM_TOKEN", given, *more) == (0, "", "aloma: CRM_TOKEN is set\n")
    assert kept(desk) == {"CRM_TOKEN": value}


def test_a_terminal_is_asked_without_an_echo(desk: Desk) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [*COMMAND, "secret", "set", "CRM_TOKEN", "-w", str(desk.root)])  # noqa: S606  (it is ours)
    shown = b""
    while b"CRM_TOKEN: " not in shown:
        shown += os.read(terminal, 1000)
    os.write(terminal, f"{PLAIN}\n".encode())
    while b"is set" not in shown:
        shown += os.read(terminal, 1000)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert (kept(desk), PLAIN.encode() in shown) == ({"CRM_TOKEN": PLAIN}, False)


def test_the_file_is_its_owners_alone_and_in_no_repository(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    put(desk, monkeypatch, "CRM_TOKEN", PLAIN)
    folder = desk.root / ".aloma"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())}
    assert modes == {".aloma": 0o700} | dict.fromkeys((".gitignore", "README", "secrets.json", "secrets.lock"), 0o600)
    assert (folder / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    ("arguments", "value", "problem"),
    [
        (("CRM_TOKEN",), "", "the value for CRM_TOKEN is empty"),
        (("CRM_TOKEN",), " \n", "the value for CRM_TOKEN is empty"),
        (("CRM_TOKEN",), b"\xff\xfe", "the value for CRM_TOKEN on standard input is not UTF-8"),
        (("CRM_TOKEN", PLAIN), "", "the value of a secret must not be an argument"),
        (("CRM_TOKEN", "-", PLAIN), "", "the value of a secret must not be an argument"),
        ((f"CRM_TOKEN={PLAIN}",), "", "this is not a valid name for a secret"),
        (("crm-token",), PLAIN, "this is not a valid name for a secret"),
        (("1ST",), PLAIN, "this is not a valid name for a secret"),
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], value: str | bytes, problem: str
) -> None:
    refused = put(desk, monkeypatch, arguments[0], value, *arguments[1:])
    assert (refused.code, refused.out, problem in refused.err, "zq7Xw" in refused.err) == (2, "", True, False)
    assert not (desk.root / ".aloma" / "secrets.json").exists()


def test_a_value_too_short_to_be_found_is_kept_and_said_to_be(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told = put(desk, monkeypatch, "PIN", "1234567")
    assert (told.code, "fewer than 8 characters, so records and logs may contain it" in told.err) == (0, True)
    assert "characters" not in put(desk, monkeypatch, "PIN", "12345678").err
    assert kept(desk) == {"PIN": "12345678"}


def test_the_list_has_names_and_never_a_value(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    put(desk, monkeypatch, "CRM_TOKEN", PLAIN)
    put(desk, monkeypatch, "OLD", f"{PLAIN} old")
    desk.write("aloma.yaml", "secrets: [CRM_TOKEN, FROM_ENV, NOWHERE]\n")
    desk.step("uses", "{}", 'config("CRM_TOKEN")', asks="config")
    monkeypatch.setenv("FROM_ENV", PLAIN)
    listed = desk.run("secret", "list", "--json")
    told = [(one["name"], one["from"], one["declared"], one["used_in"]) for one in listed.json]
    assert told == [
        ("CRM_TOKEN", "workspace", True, ["steps/uses.py"]),
        ("FROM_ENV", "environment", True, []),
        ("NOWHERE", None, True, []),
        ("OLD", "workspace", False, []),
    ]
    table = desk.run("secret", "list")
    assert [line.split("\t")[:2] for line in table.out.splitlines()] == [[one[0], one[1] or "not set"] for one in told]
    assert "zq7Xw" not in listed.out + table.out


def test_a_secret_is_deleted_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    put(desk, monkeypatch, "CRM_TOKEN", PLAIN)
    assert desk.run("secret", "delete", "CRM_TOKEN") == (0, "", "aloma: CRM_TOKEN is deleted\n")
    again = desk.run("secret", "delete", "CRM_TOKEN")
    assert (kept(desk), again.code, "no secret 'CRM_TOKEN'" in again.err) == ({}, 9, True)


def test_a_file_that_others_can_read_is_refused_by_every_command(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    put(desk, monkeypatch, "CRM_TOKEN", PLAIN)
    (desk.root / ".aloma" / "secrets.json").chmod(0o640)
    for refused in (desk.new(), desk.run("secret", "list"), put(desk, monkeypatch, "OTHER", PLAIN)):
        assert (refused.code, "can be read by other users (mode 0640)" in refused.err, "chmod 600" in refused.err) == (
            3,
            True,
            True,
        )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        f'{{"a": "{PLAIN}"',
        "[]",
        '{"format": 2, "secrets": {}}',
        f'{{"format": 1, "secrets": "{PLAIN}"}}',
        '{"format": 1, "secrets": {"A": {"value": 5, "set_at": "2026-11-22T08:00:00.000Z"}}}',
        f'{{"format": 1, "secrets": {{"A": {{"value": "{PLAIN}", "set_at": 5}}}}}}',
        "\xff",
    ],
)
def test_a_damaged_file_is_refused_without_quoting_it(desk: Desk, content: str) -> None:
    desk.write(".aloma/secrets.json", content.encode("latin-1")).chmod(0o600)
    refused = desk.new()
    assert (refused.code, "is not a valid file of secrets" in refused.err) == (3, True)
    assert "zq7Xw" not in refused.err


def test_secrets_set_at_the_same_time_are_all_kept(desk: Desk) -> None:
    ended = desk.shell("for n in 1 2 3 4; do echo value-of-$n | aloma secret set S$n & done; wait")
    assert (ended.code, kept(desk)) == (0, {f"S{n}": f"value-of-{n}" for n in range(1, 5)})


# -- aloma.yaml and config ---------------------------------------------------------------------------------------------


def test_a_step_gets_the_environment_first_then_what_was_set_then_aloma_yaml(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("aloma.yaml", "environment: {A: yaml, B: yaml, C: yaml}\n")
    put(desk, monkeypatch, "A", "kept")
    put(desk, monkeypatch, "B", "kept")
    monkeypatch.setenv("A", "env")
    desk.step("reads", '{"name": str}', 'data["read"] = [config(name) for name in "ABC"]', asks="data, config")
    assert desk.new('{"name": "Ada"}', "--data").json["read"] == ["env", "kept", "yaml"]


def test_a_declared_secret_without_a_value_stops_a_task_before_it_begins(desk: Desk) -> None:
    desk.write("aloma.yaml", "secrets: [CRM_TOKEN, OTHER]\n")
    refused = desk.new()
    assert (refused.code, desk.tasks) == (4, [])
    assert refused.err == (
        "aloma: no value for CRM_TOKEN, OTHER, which aloma.yaml declares under `secrets`\n"
        "  → run `aloma secret set CRM_TOKEN` or `export CRM_TOKEN=…`\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"secrets: {{CRM_TOKEN: {PLAIN}}}",
        f"secrets: {PLAIN}",
        f"secrets: [CRM_TOKEN={PLAIN}]",
        f"secrets: [{{CRM_TOKEN: {PLAIN}}}]",
        f"secrets: [CRM_TOKEN]\nenvironment: {{CRM_TOKEN: {PLAIN}}}",
    ],
)
def test_a_value_in_aloma_yaml_is_refused_and_not_repeated(desk: Desk, text: str) -> None:
    desk.write("aloma.yaml", text)
    refused = desk.new()
    assert (refused.code, "`aloma secret set CRM_TOKEN`" in refused.err, "zq7Xw" in refused.err) == (3, True, False)


# -- canaries ----------------------------------------------------------------------------------------------------------

EVERYTHING = """
import json, logging, sys
from urllib.parse import quote, quote_plus

condition = {"go": True, "raw": None}


async def content(data, task, connectors, config, log):
    canary = config("CANARY")
    log(canary)
    log.error(f"it is {canary}!")
    print("printed", canary, json.dumps([canary]), quote(canary))
    sys.stdout.write(canary)
    sys.stderr.write(f"written {canary}\\n")
    print(repr(canary), file=sys.stderr)
    logging.getLogger("crm").warning("warned %s", canary)
    data |= {"raw": canary, "longer": f"a{canary}b", "json": json.dumps({canary: canary}), "url": quote(canary)}
    data |= {"json2": json.dumps(json.dumps(canary, ensure_ascii=False)), "form": quote_plus(canary)}
    data |= {canary: [canary], "keys": {canary: 1, quote(canary): 2}, "$stash": {"hidden": canary}}
    url = f"{data['server']}/{quote(canary, safe='')}?token={quote_plus(canary)}"
    sent = {"X-Token": quote(canary), **({"X-Raw": canary} if canary.isascii() else {})}
    data["answer"] = await connectors.http.post(url, headers=sent, json={canary: canary})
    data["page"] = (await connectors.http.get(url + "&page=1"))["body"]
    data["echo"] = await connectors.crm.echo(canary)
    for failing in (connectors.crm.fail(canary), connectors.http.get(f"http://127.0.0.1:1/{quote(canary)}")):
        try:
            await failing
        except Exception as error:
            data.setdefault("failures", []).append(str(error))
    for prompt in (f"{'long ' * 13}{canary} {canary}", *(f"Label: {'l' * n}{canary}" for n in (60, 66))):
        said = await connectors.openai.chat(messages=[{"role": "user", "content": prompt}])
        data.setdefault("said", []).append(said.choices[0].message.content)
    task.name = f"for {canary}"
    task.tags = [canary]
    task.subtask(f"child of {canary}", {"child": {canary: canary}}, into=("results", canary), group=canary)
    task.stop(task.subtask("stopped", {"child": {}}), f"no more {canary}")
    task.ask(f"Is it {canary}?", into=("given", canary))
"""

CRM = """
def echo(what):
    return {what: [what]}


def fail(what):
    raise RuntimeError(f"no customer {what}")
"""


class Echo(BaseHTTPRequestHandler):
    """Answers with all that it was sent, in JSON or as a page; `seen` collects that."""

    seen: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        told = {"path": self.path, "headers": {name.lower(): item for name, item in self.headers.items()}, "body": body}
        self.seen.append(told)
        page = f"<p>{self.path} {body}</p>" if "page" in self.path else json.dumps({**told, "again": json.dumps(told)})
        self.send_response(200)
        self.send_header("X-Echo", self.headers.get("X-Token", ""))
        self.end_headers()
        self.wfile.write(page.encode())

    do_GET = do_POST  # noqa: N815  (the library's name)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """An HTTP server on loopback that repeats what it gets."""
    Echo.seen = []
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def assert_no_trace(desk: Desk, *said: Ended) -> None:
    """Neither in what was printed nor in any file but those that the user wrote, and that of the secrets."""
    for command in said:
        assert not [trace for trace in TRACES if trace in command.out + command.err], command
    files = [path for path in (desk.root / ".aloma").rglob("*") if path.is_file() and path.name != "secrets.json"]
    assert len(files) > 3
    for path in files:
        assert not [trace for trace in TRACES if trace.encode() in path.read_bytes()], path
        assert "zq7Xw" not in str(path)


def views(desk: Desk, task: str = "@last") -> list[Ended]:
    """All that can be seen of a task."""
    shown = [("task", "show", task, *how) for how in ((), ("--json",), ("--data",))]
    logs = [("task", "log", task, *how) for how in (("--logs", "--changes"), ("--json",))]
    return [
        desk.run(*words) for words in (*shown, *logs, ("task", "list", "--all"), ("task", "list", "--all", "--json"))
    ]


@CANARIES
@pytest.mark.parametrize("source", ["environment", "file"])
def test_a_step_and_what_it_asks_for_leave_no_trace(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, server: ThreadingHTTPServer, canary: str, source: str
) -> None:
    if source == "file":
        put(desk, monkeypatch, "CANARY", canary)
    else:
        desk.write("aloma.yaml", "secrets: [CANARY]\n")
        monkeypatch.setenv("CANARY", canary)
    desk.write("steps/everything.py", EVERYTHING)
    desk.write("connectors/crm.py", CRM)
    desk.step("child", '{"child": dict, "done": None}', 'data["done"] = config("CANARY")', asks="data, config")
    desk.step("ends", '{"given": dict, "end": True}', 'task.complete([config("CANARY")])', asks="task, config")
    data = dumps({"go": True, "server": f"http://127.0.0.1:{server.server_port}", "given data": canary, canary: 1})
    told = [desk.run("task", "new", f"task {canary}", "--tag", canary, "-d", data, "-v")]
    task = told[0].out.strip()
    assert (told[0].code, "«secret:CANARY»" in told[0].err) == (8, True)
    assert not desk.run("task", "show", task, "--json").json["errors"]
    assert quote(canary) in {told["headers"]["x-token"] for told in Echo.seen if "x-token" in told["headers"]}
    assert {canary: canary} in [json.loads(told["body"]) for told in Echo.seen if told["body"]]
    told += views(desk, task)
    told.append(desk.run("task", "answer", task, canary, "--events"))
    told.append(
        desk.run("task", "set", task, f"other={canary}", f"deep.{'key' if '/' in canary else canary}=1", "--json")
    )
    told.append(desk.run("task", "set", task, "--unset", canary))
    told.append(desk.run("task", "clone", task, "--name", f"copy {canary}", "--set", f"x={canary}", "--no-such"))
    told.append(desk.run("task", "clone", task, "--name", f"copy {canary}", "--set", f"x={canary}", "--events"))
    told.append(desk.run("task", "stop", "@last", "--reason", f"not {canary}"))
    told.append(desk.run("task", "set", task, "end=true", "--events"))
    assert desk.run("task", "show", task, "--json").json["result"] == ["«secret:CANARY»"]
    assert_no_trace(desk, *told, *views(desk), *views(desk, task), desk.run("secret", "list"))


@CANARIES
def test_a_step_that_fails_leaves_no_trace(desk: Desk, monkeypatch: pytest.MonkeyPatch, canary: str) -> None:
    """Neither by its error, nor by the lines of code that are quoted, nor by a timeout or a wrong document."""
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    monkeypatch.setenv("ALOMA_OFFLINE", "1")
    desk.step("raises", '{"go": 1}', f"raise ValueError(config('OPENAI_API_KEY'))  # {canary}", asks="config")
    desk.step("exits", '{"go": 1}', "raise SystemExit(config('OPENAI_API_KEY'))", asks="config")
    desk.step("no json", '{"go": 1}', "data[config('OPENAI_API_KEY')] = {1}", asks="data, config")
    desk.step(
        "no place",
        '{"go": 1}',
        "task.ask(config('OPENAI_API_KEY'), into='go.' + config('OPENAI_API_KEY'))",
        asks="task, config",
    )
    desk.step("no call", '{"go": 1}', "await connectors.http.get(config('OPENAI_API_KEY'))", asks="connectors, config")
    desk.step(
        "no model",
        '{"go": 1}',
        "await connectors.openai.chat(messages=[config('OPENAI_API_KEY')], stream=1)",
        asks="connectors, config",
    )
    failed = desk.new('{"go": 1}', "-v")
    assert failed.code == 1
    assert len(desk.run("task", "show", "--json").json["errors"]) == 6
    assert_no_trace(desk, failed, *views(desk))


@CANARIES
def test_a_file_that_cannot_be_loaded_leaves_no_trace(desk: Desk, monkeypatch: pytest.MonkeyPatch, canary: str) -> None:
    put(desk, monkeypatch, "CANARY", canary)
    desk.new()
    monkeypatch.setenv("CANARY", f"{canary}, from the environment")
    desk.write("steps/bad.py", 'import os\nprint(os.environ["CANARY"])\nraise ValueError(os.environ["CANARY"])\n')
    desk.write("libraries/bad.py", f"{canary!r} = 1\n")
    desk.step("tells", '{"key": __import__("os").environ["CANARY"]}', "pass")
    told = [desk.new("{}", "-v"), desk.run("step", "list", "-v"), desk.run("step", "show", "tells", "--json")]
    told += [desk.run("step", "show", "tells"), desk.run("task", "resume", "@last", "-v")]
    assert [command.code for command in told] == [3, 3, 0, 0, 3]
    assert_no_trace(desk, *told)


def test_a_condition_that_names_a_secret_is_explained_without_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.write("aloma.yaml", "secrets: [CANARY]\n")
    monkeypatch.setenv("CANARY", PLAIN)
    desk.step("waits", '{"key": __import__("os").environ["CANARY"]}', "pass")
    ignored = desk.new('{"key": "another"}')
    assert (ignored.code, "«secret:CANARY»" in desk.run("task", "show").out) == (6, True)
    assert_no_trace(desk, ignored, *views(desk))


@CANARIES
def test_what_is_wrong_on_the_command_line_is_not_repeated(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, canary: str
) -> None:
    put(desk, monkeypatch, "CANARY", canary)
    desk.step("asks", '{"name": str, "greeting": str}', 'task.ask("How many?", into="n", schema=int)', asks="task")
    desk.new()
    told = [
        desk.run("task", *words, "-v")
        for words in (
            ("set", "@last", canary),
            ("answer", "@last", canary),
            ("set", "@last", "--unset", canary),
            ("answer", "@last", "1", "--into", canary),
            ("redo", "@last", canary),
        )
    ]
    assert [command.code for command in told] == [2, 2, 2, 2, 9]
    assert_no_trace(desk, *told)


def test_a_request_to_another_process_leaves_no_trace(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    put(desk, monkeypatch, "CANARY", ODD)
    monkeypatch.setattr("aloma_cli.api.handover.PATIENCE", 0.2)
    with running(desk, ("time.sleep(60)",)):
        told = [
            desk.run("task", "set", "@last", f"token={ODD}"),
            desk.run("task", "set", "@last", f"{ODD.replace('.', '')}=1"),
            desk.run("task", "stop", "@last", "--reason", ODD),
        ]
        inbox = next((desk.root / ".aloma" / "tasks").glob("*/inbox"))
        until(lambda: len(list(inbox.glob("*.json"))) >= 2)
        assert_no_trace(desk, *told)


def test_the_key_on_the_command_line_leaves_no_trace(desk: Desk, server: ThreadingHTTPServer) -> None:
    desk.step(
        "calls",
        '{"go": 1}',
        "await connectors.openai.chat(messages=[{'role': 'user', 'content': 'hi'}])",
        asks="connectors",
    )
    url = f"http://127.0.0.1:{server.server_port}/v1"
    failed = desk.new('{"go": 1}', "--api-key", PLAIN, "--base-url", url)
    assert (failed.code, Echo.seen[0]["headers"]["authorization"]) == (1, f"Bearer {PLAIN}")
    assert "«secret:api-key»" in desk.run("task", "show").out
    assert_no_trace(desk, failed, *views(desk))


@pytest.mark.parametrize("named_in", ["aloma.yaml", "the user's own configuration"])
def test_the_key_in_a_variable_that_a_file_names_leaves_no_trace(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, nobody: Path, named_in: str
) -> None:
    """Also where no model is called."""
    file = desk.root / "aloma.yaml" if named_in == "aloma.yaml" else nobody / "config" / "aloma" / "config.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("openai: {base_url: 'http://127.0.0.1:1/v1', api_key_env: LOCAL_KEY}\n", encoding="utf-8")
    monkeypatch.setenv("LOCAL_KEY", PLAIN)
    desk.new(dumps({"given": PLAIN}))
    told = desk.run("task", "stop", "@last", "--reason", PLAIN)
    assert desk.run("task", "show", "--json").json["reason"] == "«secret:LOCAL_KEY»"
    assert_no_trace(desk, told, *views(desk))


def test_at_a_terminal_the_live_view_shows_no_trace(desk: Desk) -> None:
    desk.write("aloma.yaml", "secrets: [CANARY]\n")
    desk.step(
        "says",
        '{"go": 1}',
        'log(config("CANARY"))',
        'data["key"] = config("CANARY")',
        "import sys",
        'sys.stderr.write(config("CANARY") + "\\n")',
        asks="data, log, config",
    )
    code, raw, screen = desk.at_terminal("task", "new", f"with {PLAIN}", "-d", '{"go": 1}', "--data", CANARY=PLAIN)
    assert (code, "zq7Xw" in raw, "«secret:CANARY»" in screen) == (0, False, True)


def test_what_python_users_run_writes_no_trace_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from aloma_cli import Step, Workspace, run
    from aloma_cli.connectors.settings import ModelSettings

    def content(data: dict[str, Any]) -> None:
        sys.stderr.write(f"it is {PLAIN}\n")
        data["key"] = PLAIN

    home = Workspace([Step("says", {"go": True}, content)], folder=tmp_path, models=ModelSettings("http://x", PLAIN))
    stderr = sys.stderr
    assert run(home, f"a {PLAIN}", {"go": True, "given": PLAIN}).data == {
        "go": True,
        "given": "«secret:api-key»",
        "key": "«secret:api-key»",
    }
    assert (capsys.readouterr().err, sys.stderr is stderr) == ("it is «secret:api-key»\n", True)
