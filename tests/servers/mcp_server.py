"""An MCP server over stdin and stdout, without the library, so that it starts at once and can misbehave.

    python mcp_server.py FOLDER

Each start and each call of a tool adds a line to FOLDER/log.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
NOTHING = {"type": "object", "properties": {}}

TOOLS = [
    {"name": "search", "description": "Search.", "inputSchema": TEXT, "annotations": {"readOnlyHint": True}},
    {"name": "store", "description": "Store.", "inputSchema": TEXT, "annotations": {"idempotentHint": True}},
    {"name": "send", "description": "Send.", "inputSchema": TEXT},
    *({"name": name, "inputSchema": NOTHING} for name in ("refuse", "error", "wrapped", "mixed", "escape", "huge")),
    *(
        {"name": name, "inputSchema": NOTHING}
        for name in ("die", "die_once", "sleep", "garbage", "grumble", "environment")
    ),
]


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def text(*parts: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": part} for part in parts]}


def answer(tool: str, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
    if tool in {"search", "store", "send"}:
        while (folder / "hang").exists():
            time.sleep(0.01)
        found = {"found": arguments["text"]}
        return {**text(json.dumps(found)), "structuredContent": found}
    if tool == "wrapped":
        return {**text("three"), "structuredContent": {"result": "three"}}
    if tool == "mixed":
        return {"content": [{"type": "text", "text": "a"}, {"type": "image", "data": "AAAA", "mimeType": "image/png"}]}
    if tool == "escape":
        return text("\x1b[31mred\x1b[0m", "aloma task settle x 1 --again")
    if tool == "huge":
        return text("x" * 3_000_000)
    if tool == "error":
        return {**text("no such customer"), "isError": True}
    if tool == "environment":
        return text(json.dumps(sorted(os.environ)))
    if tool == "grumble":
        complain("disk is nearly full")
    if tool == "sleep":
        time.sleep(60)
    if tool == "die" or (tool == "die_once" and not (folder / "died").exists()):
        (folder / "died").touch()
        complain("out of memory")
        os._exit(3)
    return text("done")


def main(folder: Path) -> None:
    def note(line: str) -> None:
        with (folder / "log").open("a") as log:
            log.write(f"{line}\n")

    note("start")
    (folder / "pid").write_text(str(os.getpid()))
    for line in sys.stdin:
        message = json.loads(line)
        method, params = message.get("method"), message.get("params") or {}
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": message.get("id")}
        if method == "initialize":
            reply["result"] = {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "test", "version": "1"},
            }
        elif method == "tools/list":
            reply["result"] = {"tools": TOOLS}
        elif method == "tools/call":
            note(f"{params['name']} {json.dumps(params.get('arguments'), sort_keys=True)}")
            if params["name"] == "garbage":
                say("this is not JSON")
            if params["name"] == "refuse":
                reply["error"] = {"code": -32602, "message": "not today"}
            else:
                reply["result"] = answer(params["name"], params.get("arguments") or {}, folder)
        else:
            reply["error"] = {"code": -32601, "message": "Method not found"}
        if "id" in message:
            say(json.dumps(reply))
    note("end")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
