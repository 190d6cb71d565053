"""Publisher: when a report is sure enough, or a person says so, complete the task with it."""

condition = {"report": str, "$or": [{"confidence": {"$gte": 60}}, {"publish": True}]}


def content(data, task):
    task.complete({"topic": data["topic"], "report": data["report"], "confidence": data["confidence"]})
