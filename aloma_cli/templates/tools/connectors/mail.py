"""The mail: a file here, and a service of your own later."""

import json
from pathlib import Path

from aloma_cli import effect

OUTBOX = Path(__file__).parents[1] / "outbox.jsonl"


# A call that was sent, and whose answer was lost in a crash, is not made again: a person settles it.
@effect("once")
def send(to: str, text: str) -> dict:
    """Send a mail to a customer.

    Args:
        to: the address
        text: the mail, without a subject
    """
    with OUTBOX.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"to": to, "text": text}) + "\n")
    return {"sent_to": to}
