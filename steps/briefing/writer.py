"""Writer: when a briefing has a subject and no text yet, write it."""

from aloma_cli import Text

condition = {"briefing": {"subject": str, "draft": None}}

DUTIES = [
    "Say first what matters most.",
    "Use only what the notes say; guess nothing.",
]

SHAPE = {"draft": Text(max=600)}


async def content(data, connectors, lib, log):
    briefing = data["briefing"]
    facts = {"Subject": briefing["subject"], "Notes": briefing.get("notes")}
    messages = lib.prompt.messages("You write short briefings.", DUTIES, facts, "Write the briefing.")
    answer = await connectors.openai.chat(model="gpt-4", messages=messages, shape=SHAPE)
    briefing["draft"] = answer.data["draft"]
    log(f"Draft written on {briefing['subject']}")
