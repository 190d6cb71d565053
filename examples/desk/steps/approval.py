"""Approval: show the mail to a person. "yes" sends it; any other answer is a wish for the next draft."""

condition = {"mail": {"to": str, "subject": str, "body": str, "verdict": None}}


async def content(data, task):
    mail = data["mail"]
    task.ask(f"Send this to {mail['to']}? {mail['subject']}: {mail['body']}", into="mail.verdict", schema=str)
