"""The types of what a case holds, as a JSON Schema. Which keys its parts may have, `case.py` says."""

from __future__ import annotations

from aloma_cli.jsontext import JsonObject

_TEXT: JsonObject = {"type": "string"}
_NUMBER: JsonObject = {"type": "number", "minimum": 0}
_COUNT: JsonObject = {"type": "integer", "minimum": 1}
_TEXTS: JsonObject = {"type": "array", "items": _TEXT}

_TOOL_CALL: JsonObject = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": _TEXT, "arguments": {"type": "object"}},
}
_REPLY: JsonObject = {
    "type": "object",
    "properties": {
        "delay": _NUMBER,
        "tool_calls": {"type": "array", "items": _TOOL_CALL, "minItems": 1},
        "error": {"type": "object", "properties": {"status": {"type": "integer"}, "message": _TEXT}},
    },
}
_ENTRY: JsonObject = {
    "type": "object",
    "properties": {
        **_REPLY["properties"],
        "call": _TEXT,
        "prompt": _TEXT,
        "calls": {"type": "array", "items": _REPLY, "minItems": 1},
    },
}
_ACT: JsonObject = {
    "type": "object",
    "properties": {"into": _TEXT, "later": {"type": "object", "additionalProperties": {**_NUMBER, "maximum": 1e9}}},
}

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "about": _TEXT,
        "data": {},
        "answers": {"type": "object", "additionalProperties": {"type": "array", "items": _ENTRY}},
        "responses": _TEXT,
        "simulate": {"type": "boolean"},
        "config": {"type": "object", "additionalProperties": _TEXT},
        "now": _TEXT,
        "concurrency": _COUNT,
        "then": {"type": "array", "items": _ACT},
        "expect": {
            "type": "object",
            "properties": {"state": _TEXT, "fired": _TEXTS, "never": _TEXTS, "questions": _TEXTS},
        },
        "limits": {"type": "object", "additionalProperties": _NUMBER},
    },
}
