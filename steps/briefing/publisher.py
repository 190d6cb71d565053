"""Publisher: when a briefing has been reviewed, or its review skipped, complete the task with it."""

condition = {
    # To approve it first, put `"approved": false` into the data, and set it to true later.
    "briefing": {"draft": str, "approved": {"$ne": False}},
    # A step after one that may be skipped waits for its result, or for its failure to be handled.
    "$or": [
        {"briefing": {"review": dict}},
        {"$errors": {"briefing/reviewer": {"handled": True}}},
    ],
}


async def content(data, task, log):
    briefing = data["briefing"]
    review = briefing.get("review")
    task.complete({"subject": briefing["subject"], "text": briefing["draft"], "review": review})
    log("Briefing published" if review else "Briefing published without a review")
