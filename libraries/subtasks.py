"""What came of a subtask, told from what landed in its parent."""


def failure(landed):
    """Why a subtask gave no result, or None where it completed; nothing lands of one that was stopped."""
    if landed is None:
        return "stopped"
    if landed["status"] == "done":
        return None
    return landed.get("error", {}).get("message", landed["status"])
