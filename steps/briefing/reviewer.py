"""Reviewer: when a briefing has been written, say what to correct in it."""

from aloma_cli import Integer, List, Text

condition = {"briefing": {"draft": str, "review": None}}

DUTIES = [
    "Find statements that the notes do not support.",
    "Find what a reader could misunderstand.",
]

SHAPE = {
    "remarks": List(Text(max=200), min=0, max=3),
    "score": Integer(0, 100),
}


async def content(data, connectors, lib, log):
    briefing = data["briefing"]
    facts = {"Briefing": briefing["draft"], "Notes": briefing.get("notes")}
    messages = lib.prompt.messages("You review briefings before they go out.", DUTIES, facts, "Review this briefing.")
    answer = await connectors.openai.chat(model="gpt-4", messages=messages, shape=SHAPE)
    briefing["review"] = answer.data
    remarks = lib.wording.counted(len(answer.data["remarks"]), "remark")
    log(f"Draft reviewed: score {answer.data['score']}/100, {remarks}")
