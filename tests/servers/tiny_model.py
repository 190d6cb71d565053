"""A language model of 300 KB, made on the spot: random weights, but real tokens, attention and sampling.

It has one layer and a vocabulary of bytes. The first feature of the embedding is constant and carries a bias, so that
sampling prefers what ends a JSON text soon: letters over other bytes, quotes and closing brackets over letters.

As other models it can be made to call tools. That needs what theirs have: a template that shows the tools and the form
of a call, and a token that begins one. llama.cpp reads the form from the template, and holds what follows the token to
the names and schemas of the tools. The bias lets the model begin a call about as often as it ends its answer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np

CONTEXT = 8192

_WIDTH, _HEADS, _HIDDEN = 64, 2, 128
_SPECIAL = ["<unk>", "<s>", "</s>"]
_BOS, _EOS = 1, 2
_VOCABULARY = len(_SPECIAL) + 256 + 1
_CALL = "<tool_call>"
_TEMPLATE = "{% for m in messages %}<{{m.role}}>{{m.content}}\n{% endfor %}<assistant>"
_TEMPLATE_WITH_TOOLS = """
{%- if tools %}<system>Call a function as <tool_call>{"name": <name>, "arguments": <arguments>}</tool_call>:
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
{% endif %}
{%- for m in messages %}<{{ m.role }}>{{ m.content or '' }}
{%- for call in m.tool_calls or [] %}
<tool_call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}</tool_call>
{%- endfor %}
{% endfor %}
{%- if add_generation_prompt %}<assistant>{% endif %}"""
_BIAS = {
    "abcdefghijklmnopqrstuvwxyz": 1.0,
    " ": 0.5,
    "0123456789": 0.6,
    '"': 2.6,
    "}]": 3.2,
    ",{[:": 1.0,
}


def write(path: Path, *, tools: bool = False) -> None:
    """Write the model as a GGUF file; with `tools` it calls tools."""
    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer)
    _add_vocabulary(writer)
    writer.add_chat_template(_TEMPLATE_WITH_TOOLS if tools else _TEMPLATE)
    for name, tensor in _tensors(_bias(call=1.5 if tools else -9.0)).items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: Any) -> None:
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_HIDDEN)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_layer_norm_rms_eps(1e-5)


def _add_vocabulary(writer: Any) -> None:
    letters = _byte_alphabet()
    kinds = gguf.TokenType
    writer.add_vocab_size(_VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([*_SPECIAL, *letters, _CALL])
    writer.add_token_merges([f"{letters[32]} {letters[32]}"])
    writer.add_token_types([kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL, *[kinds.NORMAL] * 256, kinds.USER_DEFINED])
    writer.add_bos_token_id(_BOS)
    writer.add_eos_token_id(_EOS)


def _byte_alphabet() -> list[str]:
    """GPT-2's printable letter for each of the 256 bytes."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) if byte in printable else chr(256 + others.index(byte)) for byte in range(256)]


def _tensors(bias: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)

    def noise(*shape: int, scale: float = 0.02) -> Any:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    embedding, output = noise(_VOCABULARY, _WIDTH, scale=0.16), noise(_VOCABULARY, _WIDTH, scale=0.16)
    embedding[:, 0] = 8
    output[:, 0] = bias / 8
    ones = np.ones(_WIDTH, np.float32)
    return {
        "token_embd": embedding,
        "output": output,
        "output_norm": ones,
        "blk.0.attn_norm": ones,
        "blk.0.ffn_norm": ones,
        **{f"blk.0.attn_{part}": noise(_WIDTH, _WIDTH) for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": noise(_HIDDEN, _WIDTH),
        "blk.0.ffn_up": noise(_HIDDEN, _WIDTH),
        "blk.0.ffn_down": noise(_WIDTH, _HIDDEN),
    }


def _bias(*, call: float) -> Any:
    bias = np.full(_VOCABULARY, -9, np.float32)
    bias[_EOS], bias[-1] = 1.5, call
    for characters, value in _BIAS.items():
        for character in characters:
            bias[len(_SPECIAL) + ord(character)] = value
    return bias
