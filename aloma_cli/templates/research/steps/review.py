"""Reviewer: when a report rests on unsure facts, ask a person whether to publish it."""

condition = {"report": str, "confidence": {"$lt": 60}, "publish": None}


def content(data, task):
    question = f"Confidence is {data['confidence']} of 100. Publish this report?"
    task.ask(question, into="publish", schema=bool, context=data["report"])
