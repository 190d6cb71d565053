"""The kinds of model servers that speak OpenAI's chat completions, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class ServerKind(NamedTuple):
    """One kind of server.

    `url`: its usual base URL; None if each user has another one. `key`: the variable of the key that it requires; None
    if it requires none. `start`, `get`: how to start it, and how to get a model there. `key_path`: what to get to test
    a key, where anybody may list the models. `key_header`: where the key goes if not into `Authorization`.
    `list_headers`: sent to list the models, with the key in the place of `{key}`. `answers_any`: the one model that it
    has answers, whatever name is given.
    """

    title: str
    url: str | None = None
    key: str | None = None
    start: str | None = None
    get: str = "use one of the models that it lists"
    key_path: str = "/models"
    key_header: str | None = None
    list_headers: Mapping[str, str] = MappingProxyType({})
    answers_any: bool = False


_FLAGS = "use the model that it was started with"

KINDS: Mapping[str, ServerKind] = {
    "openai": ServerKind("OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    "azure": ServerKind("Azure OpenAI", None, "AZURE_OPENAI_API_KEY", get="deploy it in Azure", key_header="api-key"),
    "anthropic": ServerKind(
        "Anthropic",
        "https://api.anthropic.com/v1",
        "ANTHROPIC_API_KEY",
        list_headers={"x-api-key": "{key}", "anthropic-version": "2023-06-01"},
    ),
    "gemini": ServerKind("Gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "openrouter": ServerKind("OpenRouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", key_path="/key"),
    "litellm": ServerKind("LiteLLM", "http://127.0.0.1:4000/v1", start="litellm --config config.yaml"),
    "ollama": ServerKind("Ollama", "http://127.0.0.1:11434/v1", start="ollama serve", get="run `ollama pull MODEL`"),
    "vllm": ServerKind("vLLM", "http://127.0.0.1:8000/v1", start="vllm serve MODEL", get=_FLAGS),
    "llamacpp": ServerKind(
        "llama.cpp", "http://127.0.0.1:8080/v1", start="llama-server -m MODEL.gguf", get=_FLAGS, answers_any=True
    ),
    "lmstudio": ServerKind(
        "LM Studio", "http://127.0.0.1:1234/v1", start="lms server start", get="run `lms get MODEL`"
    ),
}
"""By the word for `kind:` in aloma.yaml."""

COMPATIBLE = "compatible"
"""The word for any other server that speaks OpenAI's chat completions."""

_OTHER = ServerKind("the server")


def kind_of_server(word: str | None) -> ServerKind:
    """The kind by its word."""
    return KINDS.get(word or COMPATIBLE, _OTHER)


def azure_url(url: str, api_version: str | None) -> str:
    """The base URL of an Azure resource, from the address of the resource or one with a path below it.

    With `api_version` its older interface is used, in which each model has an address of its own.
    """
    resource = url.rstrip("/").removesuffix("/v1").removesuffix("/openai")
    return f"{resource}/openai" if api_version else f"{resource}/openai/v1"
