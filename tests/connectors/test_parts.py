"""Pictures, sounds and files in messages: sent as they are, recorded by their hash, counted by what they are."""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloma_cli import attach
from aloma_cli.connectors.base import Answer, Call
from aloma_cli.connectors.chat.chat import Chat
from aloma_cli.connectors.chat.media import measured, picture_tokens
from aloma_cli.connectors.chat.parts import prompt_tokens, put_back, set_aside
from aloma_cli.connectors.chat.usage import estimated_usage
from aloma_cli.connectors.providers.router import Router
from aloma_cli.connectors.settings import ModelSettings
from aloma_cli.errors import AnswerError
from aloma_cli.jsontext import dumps
from tests.connectors.support import Model, Recorder, completion, run
from tests.connectors.test_openai import Wire, opened, reply


def png(width: int = 800, height: int = 600, size: int = 40_000) -> bytes:
    """A file that begins as a picture of these pixels does, of about `size` bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    begin = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return begin + bytes(size)


def wav(seconds: float) -> bytes:
    rate = 16_000
    return b"RIFF" + bytes(24) + struct.pack("<I", rate) + bytes(12) + bytes(int(rate * seconds))


def url(data: bytes, media: str = "image/png") -> str:
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def picture(data: bytes | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url(png() if data is None else data), **more}}


def asks(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, *parts]}]


SOUND = {"type": "input_audio", "input_audio": {"data": base64.b64encode(wav(12)).decode(), "format": "wav"}}
PAGES = b"%PDF-1.7 " + b"<</Type /Page>> <</Type/Page >> <</Type /Pages>>" + bytes(3000)
FILE = {"type": "file", "file": {"filename": "x.pdf", "file_data": url(PAGES, "application/pdf")}}


@pytest.mark.parametrize("concurrency", [1, None])
def test_a_picture_is_sent_whole_and_recorded_by_its_hash_also_in_the_second_turn(concurrency: int | None) -> None:
    messages, model, recorder = asks(picture()), Model("no", '{"a": "x"}'), Recorder()

    run(recorder.call(Chat(model.send, concurrency=concurrency), messages=messages, shape={"a": str}))

    assert [call.arguments["messages"][0] for call in model.calls] == [messages[0], messages[0]]
    assert len(dumps(recorder.sent)) < 2000
    told = recorder.sent[1]["messages"][0]["content"][1]["image_url"]["url"]
    assert told.startswith("data:image/png;sha256=")
    assert told.endswith(";bytes=40033;width=800;height=600,")


@pytest.mark.parametrize("part", [SOUND, FILE])
def test_sounds_and_files_are_sent_whole_and_recorded_by_their_hash(part: dict[str, Any]) -> None:
    model, recorder = Model("A dog."), Recorder()

    run(recorder.call(Chat(model.send, concurrency=1), messages=asks(part)))

    assert model.calls[0].arguments["messages"] == asks(part)
    assert len(dumps(recorder.sent)) < 1000
    assert "sha256=" in dumps(recorder.sent)


def test_another_picture_is_another_call_and_the_same_one_the_same() -> None:
    def recorded(data: bytes) -> Any:
        with set_aside({"messages": asks(picture(data))}) as request:
            return request

    assert recorded(png()) == recorded(png())
    assert recorded(png()) != recorded(png()[:-1] + b"x")


def test_what_arrives_at_a_server_is_whole() -> None:
    """Also through the table of connectors, with its fallbacks, its queue and its tries."""
    wire, recorder = Wire((reply(),)), Recorder()
    settings = ModelSettings(base_url="http://model.test/v1", api_key="x", max_retries=0)
    router = Router(settings, lambda one: opened(one, wire))

    async def work() -> None:
        function = Chat(router.send, price=router.price)
        await recorder.call(function, messages=asks(picture()), extra_headers={"X-Api-Key": "k-123"})
        await router.aclose()

    run(work())

    assert wire.bodies[0]["messages"] == asks(picture())
    assert wire.requests[0].headers["x-api-key"] == "k-123"
    assert "k-123" not in dumps(recorder.sent)


def test_short_parts_and_addresses_are_recorded_as_they_are() -> None:
    short = picture(png(1, 1, 20))
    there = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

    with set_aside({"messages": asks(short, there)}) as request:
        assert request["messages"] == asks(short, there)


def test_calls_side_by_side_get_their_own_parts() -> None:
    seen: list[Any] = []

    async def send(call: Call) -> Answer:
        await asyncio.sleep(0.01)
        seen.append(call.arguments["messages"])
        return Answer(completion("x"))

    chat, recorder = Chat(send, concurrency=9), Recorder()
    wanted = [asks(picture(png(width))) for width in (100, 200, 300)]

    async def work() -> None:
        await asyncio.gather(*(recorder.call(chat, messages=messages) for messages in wanted))

    run(work())

    assert all(messages in seen for messages in wanted)


def test_secrets_in_headers_are_sent_and_not_recorded() -> None:
    headers = {"Authorization": "Bearer very-secret", "X-Api-Key": "k-123", "Cookie": "s=1", "X-Trace": "42"}
    model, recorder = Model("x"), Recorder()

    run(recorder.call(Chat(model.send, concurrency=1), messages="Go", extra_headers=headers))

    assert model.calls[0].arguments["extra_headers"] == headers
    assert recorder.sent[0]["extra_headers"] == {
        "Authorization": "***",
        "X-Api-Key": "***",
        "Cookie": "***",
        "X-Trace": "42",
    }


def test_the_next_call_gets_nothing_of_the_one_before() -> None:
    model, recorder = Model("no"), Recorder()
    chat = Chat(model.send, concurrency=1)

    async def work() -> None:
        with pytest.raises(AnswerError):
            await recorder.call(chat, messages="Go", shape={"a": str}, extra_headers={"Authorization": "x"})
        await recorder.call(chat, messages="Go")

    run(work())

    assert "extra_headers" not in model.calls[-1].arguments


@pytest.mark.parametrize(
    ("part", "tokens"),
    [
        (picture(png(512, 512)), 85 + 170),
        (picture(png(1024, 1024)), 85 + 4 * 170),
        (picture(png(4096, 8192)), 85 + 6 * 170),
        (picture(png(1024, 1024), detail="low"), 85),
        ({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, 85 + 4 * 170),
        (SOUND, 121),
        (FILE, 2000),
    ],
)
def test_parts_are_counted_by_what_they_are_and_not_as_text(part: dict[str, Any], tokens: int) -> None:
    """Also where only the stand-in of the record is known, as in the reservation before a call."""
    text = prompt_tokens(asks(), "gpt-4o")

    with set_aside({"messages": asks(part)}) as recorded:
        for messages in (asks(part), recorded["messages"]):
            assert prompt_tokens(messages, "gpt-4o") - text == pytest.approx(tokens, abs=60)
    assert estimated_usage(asks(part), "ok", "gpt-4o")["prompt_tokens"] < text + tokens + 60


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("gpt-4o-mini", 2833 + 4 * 5667),
        ("gpt-5", 70 + 4 * 140),
        ("o3", 75 + 4 * 150),
        ("gpt-5-mini", 1659),
        ("gpt-4.1-nano", 2520),
        ("claude-sonnet-4-5", 1399),
        ("openrouter/google/gemini-2.5-flash", 4 * 258),
        ("llava:7b", 85 + 4 * 170),
    ],
)
def test_each_provider_has_its_own_rule(model: str, tokens: int) -> None:
    assert picture_tokens(model, (1024, 1024)) == tokens


def test_a_limit_reserves_a_picture_by_its_rule() -> None:
    chat = Chat(Model("x").send, concurrency=1)

    with set_aside(
        {"model": "gpt-4o", "messages": asks(picture(png(512, 512, 3_000_000))), "max_tokens": 10}
    ) as request:
        wanted = run(chat.estimate(request, None))

    assert 255 < wanted.tokens < 400


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 30, 40) + bytes(20)
GIF = b"GIF89a" + struct.pack("<HH", 40, 30)
WEBP_X = b"RIFF0000WEBPVP8X" + bytes(8) + (39).to_bytes(3, "little") + (29).to_bytes(3, "little")
WEBP_L = b"RIFF0000WEBPVP8L" + bytes(5) + (39 | 29 << 14).to_bytes(4, "little")
WEBP = b"RIFF0000WEBPVP8 " + bytes(10) + struct.pack("<HH", 40, 30)


@pytest.mark.parametrize("data", [png(40, 30), JPEG, GIF, WEBP_X, WEBP_L, WEBP])
def test_pictures_are_measured_in_every_format(data: bytes) -> None:
    assert measured("image/x", data).size == (40, 30)


@given(st.binary(max_size=60), st.sampled_from([b"", JPEG[:12], b"\x89PNG\r\n\x1a\n", b"GIF89a", WEBP_X[:20], b"RIFF"]))
def test_whatever_the_bytes_are_they_are_counted(data: bytes, begin: bytes) -> None:
    for media in ("image/png", "audio/wav", "application/pdf"):
        facts = measured(media, begin + data)
        assert facts.size is None or min(facts.size) > 0
    assert prompt_tokens(asks(picture(begin + data)), "m") > 0


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.just("data:image/png;base64," + "A" * 2000),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["type", "url", "data", "image_url", "file", "file_data"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": ODD}), max_size=3))
def test_odd_parts_are_recorded_sent_and_counted_as_they_are(messages: Any) -> None:
    with set_aside({"messages": messages}) as recorded:
        assert put_back(recorded)["messages"] == messages
        assert prompt_tokens(recorded["messages"], "m") > 0


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.png", png(), "image_url"),
        ("a.wav", wav(1), "input_audio"),
        ("a.mp3", b"ID3", "input_audio"),
        ("a.pdf", PAGES, "file"),
        ("a.md", b"# Title", "text"),
        ("a.json", b"{}", "text"),
        ("a.unknown-ending", b"\x00", "file"),
    ],
)
def test_a_local_file_becomes_a_part(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    (tmp_path / name).write_bytes(data)

    part = attach(tmp_path / name)

    assert part["type"] == kind
    if kind == "image_url":
        assert part == picture(data)
    elif kind == "text":
        assert part["text"] == f"{name}:\n{data.decode()}"
    elif kind == "file":
        assert part["file"]["filename"] == name
    else:
        assert part["input_audio"] == {"data": base64.b64encode(data).decode(), "format": name[-3:]}


def test_the_media_type_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(png())

    assert attach(tmp_path / "photo", media_type="image/png") == picture()


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        attach(tmp_path / "missing.png")


def test_what_is_put_back_is_sent_with_the_model_of_the_call() -> None:
    with set_aside({"model": "a", "messages": asks(picture())}) as recorded:
        call = Call("openai.chat", {**recorded, "model": "b"}, "k", "t", "s", 1, {})
        sent = replace(call, arguments=put_back(call.arguments)).arguments

    assert sent == {"model": "b", "messages": asks(picture())}
