"""Drafter: when all answers are in, write the reply, and ask a person whether to send it."""

condition = {
    "answers": dict,
    # The engine counts the subtasks of each group here: none of them is running.
    "$children": {"answers": {"running": 0}},
    "reply": None,
}


def content(data, task):
    # They have landed in the order in which they ended; their keys are the numbers of the questions.
    texts = [landed["result"] for _, landed in sorted(data["answers"].items()) if landed["status"] == "done"]
    data["reply"] = "\n".join(["Thank you for your message.", *texts])
    task.ask("Send this reply?", into="approved", schema=bool, context=data["reply"])
