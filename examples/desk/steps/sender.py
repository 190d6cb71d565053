"""Sender: send the mail that a person approved. To send is a `once` call, so a crash never sends it twice."""

condition = {"mail": {"verdict": "yes"}, "sent": None}


async def content(data, connectors, task):
    mail = data["mail"]
    data["sent"] = await connectors.mail.send(to=mail["to"], subject=mail["subject"], body=mail["body"])
    task.complete({"sent": data["sent"], "to": mail["to"]})
