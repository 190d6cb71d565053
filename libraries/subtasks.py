"""Reading what a subtask left in its parent."""


def failure(landed):
    """Why a subtask gave no result, or None if it completed; a subtask that was stopped lands nothing."""
    if landed is None:
        return "stopped"
    if landed["status"] == "done":
        return None
    return landed.get("error", {}).get("message", landed["status"])
