"""`connectors.NAME.embed`: texts as vectors, so that texts about the same thing are near each other."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from aloma_cli.budget import Amount
from aloma_cli.connectors.base import Answer, Ask, Call, Function, Send, plain
from aloma_cli.connectors.chat.chat import Price, refuse_timeout, unknown
from aloma_cli.connectors.chat.completion import JsonView
from aloma_cli.connectors.chat.parts import put_back, set_aside, text_tokens
from aloma_cli.connectors.chat.reply import holding, read_json
from aloma_cli.errors import PermanentError
from aloma_cli.jsontext import Json, JsonObject, cut, dumps, is_number


class Embeddings(JsonView):
    """An answer in the OpenAI form. `vectors`: one list of floats for each text, in the order of the texts."""

    __slots__ = ("vectors",)

    def __init__(self, plain: JsonObject | list[list[float]]) -> None:
        if isinstance(plain, list):  # the vectors alone, as tests and connectors of a workspace may give them
            plain = {"data": [{"index": at, "embedding": vector} for at, vector in enumerate(plain)]}
        data = [
            {**one, "embedding": unpacked(vector) if isinstance(vector := one["embedding"], str) else vector}
            for one in plain["data"]
        ]
        super().__init__({**plain, "data": data})
        self.vectors: list[list[float]] = [one["embedding"] for one in data]


class Embed(Function):
    """The function `embed`. `send` carries one request to a model server, or to a stand-in for one."""

    def __init__(self, send: Send, *, name: str, price: Price = unknown) -> None:
        self._send = send
        self._name = name
        self._price = price

    async def __call__(
        self,
        ask: Ask,
        /,
        *,
        input: str | Sequence[str],  # noqa: A002  (OpenAI's name for it)
        model: str = "default",
        **options: Any,
    ) -> Embeddings:
        """The vectors of a text, or of several.

        `options` (`dimensions`, …) are sent unchanged, except `timeout`: seconds for the whole call with all its tries.
        Raises the errors of `send`.
        """
        texts = [input] if isinstance(input, str) else input
        if not texts or not all(isinstance(text, str) for text in texts):
            raise PermanentError(f"connectors.{self._name} takes a string, or a list of strings, as its input")
        refuse_timeout(self._name, options)
        given = {"model": model, "input": list(texts), **options}
        with set_aside({name: plain(self._name, name, value) for name, value in given.items()}) as request:
            return Embeddings(await ask(request))

    async def estimate(self, arguments: JsonObject, usual: int | None) -> Amount:  # noqa: ARG002  (nothing is written)
        tokens = input_tokens(arguments["input"])
        return Amount(calls=1, tokens=tokens, cost=await self._price(arguments["model"], tokens, 0))

    def effect(self, arguments: JsonObject) -> Literal["idempotent"]:  # noqa: ARG002  (whatever is asked)
        return "idempotent"

    async def send(self, call: Call) -> Answer:
        return await self._send(replace(call, arguments=put_back(call.arguments)))


def input_tokens(texts: Sequence[str]) -> int:
    """About how many tokens these texts are."""
    return sum(map(text_tokens, texts))


def read_embeddings(content: bytes, url: str, count: int) -> JsonObject:
    """The answer in a body, with its vectors in the order of the texts, as they are recorded.

    Raises ConnectorError with the body as its `answer`.
    """
    value = read_json(content, url)
    found = _in_order(value.get("data") if isinstance(value, dict) else None)
    vectors = [packed(one.get("embedding")) for one in found]
    if len(vectors) != count or None in vectors:
        problem = f"{len(vectors)} vectors for {count} texts" if len(vectors) != count else "a vector without numbers"
        raise holding(value, f"{url} returned {problem}: {cut(dumps(value), 200)}", retryable=False)
    data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    return {**value, "data": data}


def _in_order(data: Json) -> list[JsonObject]:
    """The objects of a list, by their `index` if these are the numbers from 0."""
    found = [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []
    by_place = {str(one.get("index")): one for one in found}
    places = [str(place) for place in range(len(found))]
    return [by_place[place] for place in places] if by_place.keys() == set(places) else found


def packed(vector: Json) -> str | None:
    """A vector as it is recorded: base64 of its numbers as 32-bit floats, as servers offer it, too; None if it is not a
    vector. This takes a quarter of the space of its digits.
    """
    if isinstance(vector, str):
        return vector if _numbers_in(vector) else None
    if not isinstance(vector, list) or not vector or not all(map(_is_small_number, vector)):
        return None
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def unpacked(vector: str) -> list[float]:
    """The numbers of a recorded vector. Raises ValueError if it is not a vector."""
    data = base64.b64decode(vector, validate=True)
    if len(data) % 4:
        raise ValueError("a vector has four bytes for each number")
    return list(struct.unpack(f"<{len(data) // 4}f", data))


def _numbers_in(vector: str) -> list[float]:
    """The numbers of a vector in base64; empty if some text is none."""
    try:
        numbers = unpacked(vector)
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _is_small_number(value: Json) -> bool:
    return is_number(value) and abs(value) < _LARGEST


_LARGEST = 3.4e38
"""What a 32-bit float can hold."""
