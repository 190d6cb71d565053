"""The HTTP client below the OpenAI library. Imported where a client is made, since it brings that library with it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import openai


class TryClient(openai.DefaultAsyncHttpxClient):
    """Bounds each try as a whole, from the connection to the last byte, where its base bounds each single read."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        seconds = request.extensions.get("timeout", {}).get("read")
        try:
            async with asyncio.timeout(seconds):
                return await super().send(request, **options)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no whole answer within {seconds:g} s", request=request) from None
