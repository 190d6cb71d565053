"""Refuser: when an expense is not approved, complete the task without a payment."""

condition = {"expense": dict, "approved": False}


def content(task):
    task.complete({"paid": 0})
