"""Reviser: keep the person's wish, and drop the draft, so that the writer writes another one."""

condition = {"mail": {"verdict": {"$exists": True, "$ne": "yes"}}}


async def content(data):
    data.setdefault("wishes", []).append(data["mail"]["verdict"])
    del data["mail"]
