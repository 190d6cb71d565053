"""Bookkeeper: when an expense is approved, book it, exactly once."""

condition = {"expense": dict, "approved": True, "entry": None}


async def content(data, connectors, task):
    # A call is on record before the step sees its answer: after a crash it is not made again.
    data["entry"] = await connectors.ledger.book(data["expense"]["vendor"], data["expense"]["euros"])
    task.complete({"paid": data["expense"]["euros"]})
