"""Reviewer: when a report rests on unsure facts, ask a person whether to publish it."""

condition = {"report": str, "confidence": {"$lt": 60}, "publish": None}


def content(data, task):
    task.ask(f"Confidence is {data['confidence']} of 100. Publish?", into="publish", schema=bool)
