"""Researcher: look up what an answer to the customer needs, with three tools."""

from aloma_cli import List, Text

condition = {"request": {"from": str, "text": str}, "facts": None}

TASK = """You work at the desk of a lamp shop. Find what is needed to answer this request:
the rules of the shop, the order, and whether a replacement is in stock. Look it up; do not guess.

From: {sender}
{text}"""

SHAPE = {"order": Text(max=20), "facts": List(Text(max=200), min=1, max=6)}


async def content(data, connectors, config, lib, log):
    async def find_order(number: str) -> dict:
        """The order with this number: article, price in euros, day of delivery."""
        return (await connectors.http.get(f"{config('ORDERS_URL')}/orders/{number}"))["json"]

    answer = await connectors.openai.chat(
        messages=TASK.format(sender=data["request"]["from"], text=data["request"]["text"]),
        tools=[lib.handbook.search, find_order, connectors.mcp.stock],
        shape=SHAPE,
    )
    data["order"] = answer.data["order"]
    data["facts"] = answer.data["facts"]
    log(f"{len(data['facts'])} facts about order {data['order']}")
