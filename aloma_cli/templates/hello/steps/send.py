"""Sender: when a person has approved the reply, send it. This one only writes it to the log."""

condition = {"reply": str, "approved": True}


def content(data, task, log):
    log("sent:", data["reply"])
    task.complete(data["reply"])
