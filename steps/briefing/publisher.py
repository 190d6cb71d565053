"""Publisher: when a briefing has been reviewed, or its review was skipped, complete the task with it."""

condition = {
    # Who wants to see it first gives `approved: false` with the subject, and sets it to true when content.
    "briefing": {"draft": str, "approved": {"$ne": False}},
    # How a step follows one that may be skipped: it waits for what that one writes, or for its failure to be handled.
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
