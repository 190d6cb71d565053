"""The orders of the shop over HTTP, on 127.0.0.1: GET /orders/NUMBER.

python servers/orders.py [PORT]
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ORDERS = {
    "4711": {"number": "4711", "article": "globe-30", "price": 89, "delivered": "2026-11-20"},
    "4712": {"number": "4712", "article": "desk-12", "price": 45, "delivered": "2026-10-02"},
}


class Orders(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        order = ORDERS.get(self.path.removeprefix("/orders/"))
        body = json.dumps(order or {"error": "no such order"}).encode()
        self.send_response(200 if order else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing: the terminal belongs to the live view."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8737), Orders).serve_forever()
