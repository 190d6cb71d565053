"""Send one notice in one way, once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import smtplib
import ssl
import tempfile
from email.message import EmailMessage
from email.utils import formatdate
from typing import IO, assert_never

from aloma_cli.errors import AlomaError
from aloma_cli.jsontext import JsonObject, cut, dumps
from aloma_cli.notices.message import subject, text
from aloma_cli.notices.settings import Mail, Post, Program, Way

_LONGEST = 200
_RETRYABLE = (408, 425, 429)
_PIECE = 4096


class NoticeError(AlomaError):
    """A notice was not delivered. `again`: another try may succeed."""

    def __init__(self, message: str, *, again: bool) -> None:
        super().__init__(message)
        self.again = again


async def send(way: Way, told: JsonObject, key: str, timeout: float) -> None:  # noqa: ASYNC109  (it kills the program)
    """Deliver `told`; `key` is the same for each try. Raises NoticeError."""
    try:
        async with asyncio.timeout(timeout):
            if isinstance(way, Program):
                await _run_program(way, told)
            elif isinstance(way, Post):
                await _send_post(way, told, key)
            elif isinstance(way, Mail):
                await asyncio.to_thread(_mail, way, told, timeout)
            else:
                assert_never(way)
    except TimeoutError:
        raise NoticeError(f"it did not end within {timeout:g} s", again=True) from None


async def _run_program(program: Program, told: JsonObject) -> None:
    """Raises NoticeError where the program cannot be run, or fails.

    Its streams are files, not pipes, because a process that it leaves running may hold them for longer.
    """
    try:
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(f"{dumps(told)}\n".encode())
            given.seek(0)
            code = await _end_of(program, given, said)
            last = _last_line(said)
    except OSError as error:
        raise NoticeError(f"cannot be run: {error.strerror}", again=False) from None
    if code:
        raise NoticeError(f"exited with {code}{f': {last}' if last else ''}", again=True)


async def _end_of(program: Program, given: IO[bytes], said: IO[bytes]) -> int:
    """The exit code. Raises OSError where the program cannot be run."""
    process = await asyncio.create_subprocess_exec(
        *program.words,
        stdin=given,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=said,
        cwd=program.cwd,
        start_new_session=True,
    )
    try:
        return await process.wait()
    finally:
        # Also the processes that it left behind.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _last_line(said: IO[bytes]) -> str:
    said.seek(max(0, said.seek(0, os.SEEK_END) - _PIECE))
    return cut(said.read().decode(errors="replace").strip().rpartition("\n")[2], _LONGEST)


async def _send_post(post: Post, told: JsonObject, key: str) -> None:
    import httpx2

    headers = {"content-type": "application/json", "idempotency-key": key, **post.headers}
    try:
        async with (
            httpx2.AsyncClient(follow_redirects=False) as client,
            client.stream("POST", post.url, content=dumps(told), headers=headers) as answer,
        ):
            status = answer.status_code  # the body is of no use, and may be large
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoticeError(f"cannot be reached ({type(error).__name__})", again=True) from None
    if not 200 <= status < 300:
        raise NoticeError(f"answered {status}", again=status >= 500 or status in _RETRYABLE)


def _mail(mail: Mail, told: JsonObject, timeout: float) -> None:
    """Raises NoticeError."""
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = _encodable(subject(told)), mail.sender, ", ".join(mail.to)
    letter["Date"], letter["Auto-Submitted"] = formatdate(localtime=True), "auto-generated"
    letter.set_content(_encodable(text(told)))
    try:
        with _connected(mail, timeout) as server:
            if mail.user is not None:
                server.login(mail.user, mail.password or "")
            server.send_message(letter)
    except smtplib.SMTPResponseException as error:
        again = 400 <= error.smtp_code < 500
        raise NoticeError(f"the mail server answered {error.smtp_code}", again=again) from None
    except smtplib.SMTPRecipientsRefused:
        raise NoticeError("the mail server refused all recipients", again=False) from None
    except smtplib.SMTPNotSupportedError as error:
        raise NoticeError(f"the mail server does not support it: {error}", again=False) from None
    except ssl.SSLCertVerificationError as error:
        reason = f"the certificate of the mail server is not trusted: {error.verify_message}"
        raise NoticeError(reason, again=False) from None
    except (OSError, smtplib.SMTPException) as error:
        raise NoticeError(f"the mail server cannot be reached ({type(error).__name__})", again=True) from None


def _encodable(words: str) -> str:
    """`words` with a sign for each half of a surrogate pair, which no mail can carry."""
    return words.encode(errors="replace").decode()


def _connected(mail: Mail, timeout: float) -> smtplib.SMTP:
    secure = ssl.create_default_context()
    if mail.security == "tls":
        return smtplib.SMTP_SSL(mail.host, mail.port, timeout=timeout, context=secure)
    server = smtplib.SMTP(mail.host, mail.port, timeout=timeout)
    try:
        if mail.security == "starttls":
            server.starttls(context=secure)
    except BaseException:
        server.close()
        raise
    return server
