"""Approval: show the mail to a person. "yes" sends it; any other answer is a wish for the next draft."""

condition = {"mail": {"to": str, "subject": str, "body": str, "verdict": None}}


async def content(data, task):
    mail = data["mail"]
    question = f"Send this to {mail['to']}? Answer yes, or say what to change."
    task.ask(question, into="mail.verdict", schema=str, context={"subject": mail["subject"], "body": mail["body"]})
