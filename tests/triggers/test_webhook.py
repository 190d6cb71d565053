"""`webhook`: who may send, what is read, and what is answered."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from aloma_cli.errors import CredentialsError, StoreError
from aloma_cli.jsontext import dumps
from aloma_cli.triggers.triggers import opened
from aloma_cli.triggers.webhook import HookReply, Webhook
from tests.triggers.conftest import Home, MakeHome, SetClock

ORDERS = "webhook: HOOK\nkey: '{event.body.id}'\ndata: {order: '{event.body}', all: '{event}'}"
BEARER = {"authorization": "Bearer s3cret-words"}
JSON = {"content-type": "application/json"}


def send(at: Home, body: bytes, **headers: str) -> HookReply:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = at.open().take({**JSON, **BEARER, **given}, {"q": "1"}, body, "127.0.0.1")
    assert isinstance(answer, HookReply)
    return answer


def test_a_request_makes_a_task_once(home: MakeHome) -> None:
    at = home(ORDERS)
    first, again, other = (send(at, body) for body in (b'{"id": 1}', b'{"id": 1, "x": 2}', b'{"id": 2}'))
    assert (first.status, again.status, other.status) == (202, 409, 202)
    assert first.body["task"] == again.body["task"] != other.body["task"]
    assert at.made("order") == [{"id": 1}, {"id": 2}]
    assert at.made("$via")[0]["from"] == "127.0.0.1"


def test_without_a_key_each_request_makes_a_task(home: MakeHome) -> None:
    at = home("webhook: HOOK")
    assert [send(at, b"{}").status for _ in range(2)] == [202, 202]


def test_a_name_that_comes_from_outside_is_one_short_line(home: MakeHome) -> None:
    at = home("webhook: HOOK\ntask: 'Order {event.body.id}'\ntags: ['{event.body.id}']")
    assert send(at, b'{"id": "a\\n\\u001b[31m' + b"x" * 5000 + b'"}').status == 202
    (task,) = at.workspace.tasks()
    assert task.name.startswith("Order a [31mxxx")
    assert (len(task.name), len(task.record["tags"][0])) == (200, 200)


def test_an_event_has_no_secret(home: MakeHome) -> None:
    at = home("webhook: {secret: HOOK, header: X-Shared}\ndata: {all: '{event}'}")
    assert send(at, b'{"note": "s3cret-words"}', x_shared="s3cret-words", cookie="c", x_kind="push").status == 202
    (event,) = at.made("all")
    assert event["query"] == {"q": "1"}
    assert event["headers"] == {**JSON, "x-kind": "push"}
    assert "s3cret-words" not in dumps(event)


@pytest.mark.parametrize(
    "authorization",
    ["", "s3cret-word", "Bearer s3cret-words2", "Basic s3cret-words", "Bearer ", "Bearer \udcff"],
)
def test_who_does_not_know_the_secret_is_refused(home: MakeHome, authorization: str) -> None:
    at = home(ORDERS)
    answer = send(at, b'{"id": 1}', authorization=authorization)
    assert (answer.status, at.made("order")) == (401, [])
    assert "s3cret-words" not in dumps(answer.body)


def test_a_signature_is_of_the_body(home: MakeHome) -> None:
    at = home("webhook: {secret: HOOK, signature: sha256}\ndata: {order: '{event.body}'}")
    body = b'{"id": 1}'
    signed = "sha256=" + hmac.new(b"s3cret-words", body, hashlib.sha256).hexdigest()
    assert send(at, body, x_hub_signature_256=signed).status == 202
    assert send(at, b'{"id": 2}', x_hub_signature_256=signed).status == 401
    assert send(at, body, x_hub_signature_256="sha256=").status == 401
    assert send(at, body).status == 401
    assert at.made("order") == [{"id": 1}]


@pytest.mark.parametrize(
    ("kind", "body", "status", "order"),
    [
        ("application/json; charset=utf-8", b'{"id": 1}', 202, {"id": 1}),
        ("application/vnd.github+json", b'{"id": 1}', 202, {"id": 1}),
        ("application/x-www-form-urlencoded", b"id=1&x=%C3%BC+y", 202, {"id": "1", "x": "ü y"}),
        ("application/json", b'{"id": 1', 400, None),
        ("application/json", b"\xff", 400, None),
        ("application/x-www-form-urlencoded", b"\xff=1", 400, None),
        ("application/x-www-form-urlencoded", b' {"id": 1}', 415, None),
        ("text/plain", b"id", 415, None),
        ("", b"id", 415, None),
        ("application/json", b"[]", 422, None),
        ("application/json", b'{"id": " "}', 422, None),
    ],
)
def test_json_and_forms_are_read(home: MakeHome, kind: str, body: bytes, status: int, order: object) -> None:
    at = home(ORDERS)
    assert send(at, body, content_type=kind).status == status
    assert at.made("order") == ([order] if status == 202 else [])


def test_too_many_requests_are_told_when_to_come_again(home: MakeHome) -> None:
    at, clock = home("webhook: {secret: HOOK, per_minute: 2}"), SetClock("2026-11-28T10:30:00+00:00")
    source = opened(at.workspace, at.config)
    assert isinstance(source, Webhook)
    webhook = Webhook(source.trigger, clock.now)

    def status(secret: str) -> tuple[int, int | None]:
        answer = webhook.take({**JSON, "authorization": f"Bearer {secret}"}, {}, b"{}", "127.0.0.1")
        return answer.status, answer.retry

    assert [status("wrong") for _ in range(3)] == [(401, None), (401, None), (429, 30)]
    assert [status("s3cret-words") for _ in range(3)] == [(202, None), (202, None), (429, 30)]
    clock.set("2026-11-28T10:30:30+00:00")
    assert [status("s3cret-words") for _ in range(2)] == [(202, None), (429, 30)]


def test_a_task_that_cannot_be_made_now_is_asked_for_again(home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> None:
    at = home(ORDERS)
    with monkeypatch.context() as patch:
        patch.setattr(type(at.workspace), "create", lambda *_, **__: (_ for _ in ()).throw(StoreError("disk full: /x")))
        patch.setattr("aloma_cli.triggers.event._PATIENCE", 0.05)
        failed = send(at, b'{"id": 1}')
    assert (failed.status, failed.retry, "disk" in dumps(failed.body)) == (503, 10, False)
    assert send(at, b'{"id": 1}').status == 202


def test_without_its_secret_a_webhook_does_not_start(home: MakeHome) -> None:
    at = home("webhook: OTHER_SECRET")
    with pytest.raises(CredentialsError, match="no value for OTHER_SECRET, the secret of the webhook t") as refused:
        at.open()
    assert "aloma secret set OTHER_SECRET" in str(refused.value.hint)
