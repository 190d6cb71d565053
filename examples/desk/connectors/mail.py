"""Mail: writes each mail to a file of the folder `outbox`, where a real desk would send it."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

from aloma_cli import effect

OUTBOX = Path(__file__).parents[1] / "outbox"


@effect("once")
def send(to: str, subject: str, body: str) -> str:
    """Send a mail, and return the name of its file."""
    mail = EmailMessage()
    mail["To"], mail["Subject"] = to, subject
    mail.set_content(body)
    OUTBOX.mkdir(exist_ok=True)
    file = OUTBOX / f"{len(list(OUTBOX.iterdir())) + 1:04}.eml"
    file.write_bytes(mail.as_bytes())
    return file.name
