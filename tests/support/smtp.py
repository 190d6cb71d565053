"""A mail server on loopback, as small as it can be."""

from __future__ import annotations

import email
import shutil
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import Message
from pathlib import Path

import pytest


class MailServer(socketserver.ThreadingTCPServer):
    """`letters` are those it took. `refuses`: the answers to the next letters, such as `451 later`.

    `secure`: its certificate, for TLS from the first byte, or once it is asked for by STARTTLS (`upgrades`).
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, secure: ssl.SSLContext | None = None, *, upgrades: bool = False) -> None:
        self.secure, self.upgrades = secure, upgrades
        super().__init__(("127.0.0.1", 0), _Session)
        self.letters: list[Message] = []
        self.refuses: list[str] = []
        self.logins = 0
        self.encrypted = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        with suppress(ssl.SSLError, ConnectionError):  # the client does not trust the certificate
            if self.server.secure is not None and not self.server.upgrades:
                self._encrypt()
            self._talk()

    def _encrypt(self) -> None:
        assert self.server.secure is not None
        self.request = self.server.secure.wrap_socket(self.request, server_side=True)
        self.setup()
        self.server.encrypted += 1

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.request.close()

    def _talk(self) -> None:
        self._say("220 test")
        while line := self.rfile.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                self._say("250-test\r\n250-STARTTLS\r\n250 AUTH PLAIN")
            elif word == "STARTTLS":
                self._say("220 begin")
                self._encrypt()
            elif word == "AUTH":
                self.server.logins += 1
                self._say("235 welcome")
            elif word == "DATA":
                self._take()
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _take(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline().rstrip(b"\r\n")) != b".":
            lines.append(line)
        if self.server.refuses:
            self._say(self.server.refuses.pop(0))
            return
        self.server.letters.append(email.message_from_bytes(b"\n".join(lines)))
        self._say("250 taken")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server(secure: ssl.SSLContext | None = None, *, upgrades: bool = False) -> Iterator[MailServer]:
    with MailServer(secure, upgrades=upgrades) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def own_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A new certificate for 127.0.0.1 that nobody has signed, and the file that lets others trust it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    wanted = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-nodes"]
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", "-x509", *wanted, *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate
