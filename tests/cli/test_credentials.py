"""A key and a login, given on the command line or in an address: what is sent, and that nothing of it is shown."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.cli.desk import Desk, Ended

KEY = "sk-zq7Xw-and-kV9pL"
WARNING = (
    "aloma: --api-key can be read by the other users of this machine while the command runs; "
    "use --api-key-file FILE, or the environment\n"
)
LOGIN = ("ann", "zq7Xw/kV9pL")
ENCODED = base64.b64encode(":".join(LOGIN).encode()).decode()
TRACES = ("zq7Xw", "kV9pL", ENCODED)


class Echo(BaseHTTPRequestHandler):
    """Refuses every request, and quotes the header it was sent."""

    seen: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(self.headers["authorization"])
        self.send_response(400)
        self.end_headers()
        self.wfile.write(f"{self.seen[-1]} is {':'.join(LOGIN)}".encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """Its address, without a scheme."""
    Echo.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _asks(desk: Desk) -> None:
    desk.step("asks", '{"go": 1}', "await connectors.openai.chat(messages=[])", asks="connectors")


def new(desk: Desk, *options: str) -> Ended:
    return desk.new('{"go": 1}', *options)


def everything(desk: Desk, *told: Ended) -> str:
    """All that is on record, and all that the commands that show it say."""
    files = (path.read_text(errors="replace") for path in (desk.root / ".aloma").rglob("*") if path.is_file())
    views = (
        desk.run("task", *words) for words in (("show",), ("show", "--json"), ("log", "--calls"), ("log", "--json"))
    )
    return "\n".join([*files, *(f"{ended.out}{ended.err}" for ended in (*told, *views))])


def test_a_key_on_the_command_line_is_warned_of(desk: Desk, server: str) -> None:
    told = new(desk, "--base-url", f"http://{server}", "--api-key", KEY)
    assert (set(Echo.seen), told.err.startswith(WARNING)) == ({f"Bearer {KEY}"}, True)


def test_a_key_in_a_file_is_not_warned_of(desk: Desk, server: str) -> None:
    desk.write("key", f"{KEY}\n")
    told = new(desk, "--base-url", f"http://{server}", "--api-key-file", "key")
    assert (set(Echo.seen), "other users" in told.err) == ({f"Bearer {KEY}"}, False)
    assert KEY not in everything(desk, told)


@pytest.mark.parametrize("content", [b"", b" \n", f"{KEY}\nand more".encode(), b"\xff\xfe", "clé-zq7Xw".encode()])
def test_a_file_that_does_not_hold_a_key_is_refused_and_not_quoted(desk: Desk, content: bytes) -> None:
    desk.write("key", content)
    told = new(desk, "--api-key-file", "key")
    assert (told.code, told.err.startswith("aloma: --api-key-file key "), "zq7Xw" in told.err) == (2, True, False)


def test_a_file_of_a_key_that_is_not_there_is_named(desk: Desk) -> None:
    assert new(desk, "--api-key-file", "nowhere")[::2] == (
        2,
        "aloma: --api-key-file nowhere cannot be read: No such file or directory\n",
    )


def test_one_key_is_given_at_a_time(desk: Desk) -> None:
    assert new(desk, "--api-key", KEY, "--api-key-file", "key").code == 2


@pytest.mark.parametrize("source", ["flag", "environment", "file"])
@pytest.mark.parametrize("key", [KEY, None])
def test_a_login_in_a_base_url_is_sent_and_leaves_no_trace(
    desk: Desk, server: str, monkeypatch: pytest.MonkeyPatch, source: str, key: str | None
) -> None:
    """It is sent where there is no key; a key takes its place."""
    url = f"http://ann:zq7Xw%2FkV9pL@{server}"
    if source == "environment":
        monkeypatch.setenv("OPENAI_BASE_URL", url)
    if source == "file":
        desk.write(
            "aloma.yaml",
            f"openai: {{base_url: '{url}', api_key_env: LOCAL_KEY}}" if key else f"openai: {{base_url: '{url}'}}",
        )
    if key:
        monkeypatch.setenv("LOCAL_KEY" if source == "file" else "OPENAI_API_KEY", key)

    told = new(desk, *(("--base-url", url) if source == "flag" else ()), "-v")

    assert set(Echo.seen) == {f"Bearer {key}" if key else f"Basic {ENCODED}"}
    shown = everything(desk, told)
    assert f"http://{server} refused the request" in shown
    assert not [trace for trace in TRACES if trace in shown]


@pytest.mark.parametrize("url", ["ftp://ann:zq7Xw@host", "http://ann:zq7Xw/x@host", "ann:zq7Xw@host/v1"])
def test_an_address_that_is_wrong_is_shown_without_what_may_be_its_password(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    told = [new(desk, "--base-url", url)]
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    told.append(new(desk))
    desk.write("aloma.yaml", f"openai: {{base_url: '{url}'}}")
    told.append(new(desk))
    assert [ended.code for ended in told] == [2, 3, 3]
    assert not [ended for ended in told if "zq7Xw" in ended.err]
